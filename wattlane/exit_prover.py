"""Proofs of exits with the key that the contract holds, wherever this home has it.

Invariant: a key is used only if it is the contract's and a trial proof with it has verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from channels.exit_key import FILE
from contracts.exodus import ExodusReader
from protocol.exits import ExitWitness
from prover.cache import user_cache
from prover.circuits.exit import exit_circuit
from prover.exit_key import read_exit_key
from prover.exit_proofs import prove_exit
from prover.groth16 import ProvingKey, VerifyingKey
from prover.groth16.store import key_of_digest
from prover.progress import Progress
from wattlane.errors import WattlaneError
from wattlane.leaving import Prove, describe
from wattlane.proof_check import from_contract_key


@dataclass
class ExitKeyMissing(WattlaneError):
    """Nowhere on this machine is the key that exits are proved with."""

    key: str
    file: str

    def __str__(self) -> str:
        return (
            f"the contract's exit key {self.key[:16]} is neither in {self.file} nor in this "
            "machine's cache: get exit.zkey from a neighbour (anyone's is the same) or from any "
            "sequencer's /v1/exit-key, and name it with --exit-key"
        )


class ExitProver:
    """Finds the key when the first proof is asked for. `file`: where it lies, None to search.

    `folder`: the home's, whose node keeps it.
    """

    def __init__(
        self, exodus: ExodusReader, file: Path | None, folder: Path, progress: Progress
    ) -> None:
        self._exodus, self._file, self._folder = exodus, file, folder
        self._progress = progress
        self._key: ProvingKey | None = None

    def prove(self, witness: ExitWitness) -> bytes:
        """A proof that was verified. Raises ExitKeyMissing, and as read_exit_key, prove_exit."""
        if self._key is None:
            self._key = self._find(from_contract_key(self._exodus.verifying_key()))
        stage = f"proof of {describe(Prove(witness))}"
        self._progress(stage, 0, 1)
        made = prove_exit(self._key, witness)
        self._progress(stage, 1, 1)
        return made.proof_bytes

    def _find(self, expected: VerifyingKey) -> ProvingKey:
        if self._file is not None:
            return read_exit_key(self._file, expected, progress=self._progress)
        kept = self._folder / FILE
        if kept.exists():
            return read_exit_key(kept, expected, progress=self._progress)
        circuit = exit_circuit().r1cs.digest().hex()
        key = key_of_digest(expected.digest(), circuit, user_cache())
        if key is None:
            raise ExitKeyMissing(expected.digest().hex(), str(kept))
        return key
