"""The simulated key in the prover's own types: valid proofs of anything, in a millisecond.

The verification path is the shipped one, unchanged: only whoever made this key can simulate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.verifying_key import VerifyingKey as ContractKey
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from tests.support.simulated_proofs import SimulatedKey
from wattlane.proof_check import from_contract_key


@dataclass(frozen=True, slots=True)
class Trapdoor:
    """A verifying key for the four public inputs, with what it takes to simulate proofs."""

    simulated: SimulatedKey

    @classmethod
    def make(cls, seed: int = 1) -> Trapdoor:
        """The same seed gives the same key."""
        return cls(SimulatedKey(seed))

    @property
    def verifying_key(self) -> VerifyingKey:
        """The key as the prover's verifiers take it."""
        return from_contract_key(self.simulated.key)

    @property
    def contract_key(self) -> ContractKey:
        """The key as deployment takes it."""
        return self.simulated.key

    def prove(self, publics: Sequence[int]) -> Proof:
        """A proof that verifies for these public inputs, whether or not a witness exists."""
        return Proof.decode(self.simulated.prove(publics))
