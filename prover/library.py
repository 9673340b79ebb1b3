"""Groth16 proofs over BLS12-381 for circuits of your own: record one, set up, prove, verify.

    from prover import Circuit, prove, setup, verify

    def cube(b):
        x, y = b.input("x"), b.public("y")
        b.enforce_equal(b.mul(b.mul(x, x), x), y)

    circuit = Circuit("cube", cube)
    key = setup(circuit)
    proof, publics = prove(key, circuit, {"x": 3, "y": 27})
    verify(key.verifying_key, publics, proof)
    export(Path("out"), circuit, key, proof, publics)       # for snarkjs

Numbers are elements of Fr, given and returned as ints in 0 .. r - 1. Nothing here knows of energy.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from prover.curves.fr import Elements, to_ints
from prover.errors import Unsatisfied
from prover.groth16.keys import ProvingKey, VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.prove import prove as prove_witness
from prover.groth16.setup import setup as setup_system
from prover.groth16.verify_arkworks import verify_arkworks
from prover.iden3.json_files import write_proof, write_public, write_verification_key
from prover.iden3.r1cs import write_r1cs
from prover.iden3.zkey_write import write_zkey
from prover.kernels import warm
from prover.progress import Progress, silent
from prover.r1cs.builder import Builder
from prover.r1cs.compose import Instance, compose
from prover.r1cs.errors import BrokenConstraint
from prover.r1cs.system import R1CS

_ENTROPY_BYTES = 32
_ONLY = "circuit"


class Circuit:
    """A statement, recorded once by a function and proved for any inputs that satisfy it."""

    def __init__(self, name: str, define: Callable[[Builder], None]) -> None:
        """`define` names public inputs first, then the rest; gadgets are in prover.gadgets.

        Raises BadCircuit for a circuit written wrongly, UnconstrainedWires for a wire that a
        prover could give any value.
        """
        self.name = name
        builder = Builder(name)
        define(builder)
        self._template = builder.build()
        self._circuit = compose(name, [Instance(_ONLY, self._template)])

    @property
    def r1cs(self) -> R1CS:
        """The constraints."""
        return self._circuit.r1cs

    @cached_property
    def public_names(self) -> tuple[str, ...]:
        """The public inputs in their order."""
        return tuple(self._template.public)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """All names that `witness` has to be given a value for."""
        return tuple(self._template.given)

    def witness(self, inputs: Mapping[str, int]) -> Elements:
        """The value of every wire, uint64[n_wires, 4] in Montgomery form.

        Raises WrongInputs for names or values that are missing or wrong, and BrokenConstraint,
        which names the first constraint that these inputs break.
        """
        witness = self.assign(inputs)
        self._circuit.check(witness)
        return witness

    def assign(self, inputs: Mapping[str, int]) -> Elements:
        """`witness`, but no constraint is looked at. Raises WrongInputs."""
        return self._circuit.witness({_ONLY: inputs})

    def publics(self, witness: Elements) -> tuple[int, ...]:
        """The public inputs that a witness holds, in their order."""
        return tuple(to_ints(witness[1 : self.r1cs.n_public + 1]))

    def row_name(self, row: int) -> str:
        """circuit/scope/label of a constraint."""
        return self._circuit.row_name(row)


def setup(circuit: Circuit | R1CS, *, progress: Progress = silent) -> ProvingKey:
    """An INSECURE DEVELOPMENT KEY: whoever runs this could forge proofs with what it forgets.

    A key for real use comes from a ceremony of several parties (docs/ceremony.md).
    Raises CircuitTooLarge, NotEnoughMemory, KernelCacheUnwritable.
    """
    warm(progress)
    system = circuit.r1cs if isinstance(circuit, Circuit) else circuit
    return setup_system(system, entropy=secrets.token_bytes(_ENTROPY_BYTES), progress=progress)


def prove(
    key: ProvingKey, circuit: Circuit, inputs: Mapping[str, int], *, progress: Progress = silent
) -> tuple[Proof, tuple[int, ...]]:
    """A proof, verified before it is returned, and the public inputs that it is for.

    Raises WrongInputs, BrokenConstraint, WrongCircuit, NotEnoughMemory, KernelCacheUnwritable.
    """
    warm(progress)
    witness = circuit.assign(inputs)
    entropy = secrets.token_bytes(_ENTROPY_BYTES)
    try:
        proof = prove_witness(key, circuit.r1cs, witness, entropy=entropy, progress=progress)
    except Unsatisfied as error:
        raise BrokenConstraint(error.row, circuit.row_name(error.row)) from error
    return proof, circuit.publics(witness)


def verify(key: VerifyingKey, publics: Sequence[int], proof: Proof) -> None:
    """Return if the proof holds for these public inputs, else raise the VerificationError."""
    verify_arkworks(key, publics, proof)


def export(
    folder: Path,
    circuit: Circuit,
    key: ProvingKey | None = None,
    proof: Proof | None = None,
    publics: Sequence[int] = (),
) -> None:
    """Write into a folder, in the formats of iden3, what of these is given.

    circuit.r1cs; circuit.zkey and verification_key.json; proof.json and public.json. A witness is
    secret: prover.iden3.wtns.write_wtns writes one where it is wanted. Raises UnreadableFile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_r1cs(folder / "circuit.r1cs", circuit.r1cs)
    if key is not None:
        write_zkey(folder / "circuit.zkey", key, circuit.r1cs)
        write_verification_key(folder / "verification_key.json", key.verifying_key)
    if proof is not None:
        write_proof(folder / "proof.json", proof)
        write_public(folder / "public.json", publics)
