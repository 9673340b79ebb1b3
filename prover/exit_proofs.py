"""Invariant: no exit proof leaves here unverified; the verifier shares no code with the prover.

A household proves its own exit, once in its life, so there are no jobs and no workers here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from protocol.crypto import compiled
from protocol.exits import ExitInputs, ExitWitness, exit_inputs
from prover.circuits.exit import EXIT, exit_circuit
from prover.circuits.exit_inputs import circuit_inputs
from prover.errors import Unsatisfied
from prover.exit_trial import trial_exits
from prover.groth16 import ProvingKey, prove
from prover.kernels import warm
from prover.progress import Progress, silent
from prover.r1cs.errors import BrokenConstraint

_ENTROPY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ExitProof:
    """A proof as L1 takes it (512 bytes), and what it is for."""

    proof_bytes: bytes
    public: ExitInputs


def prove_exit(key: ProvingKey, witness: ExitWitness, *, progress: Progress = silent) -> ExitProof:
    """A proof of the exit, verified.

    Raises WrongCircuit, NotEnoughMemory, KernelCacheUnwritable; a VerificationError where the key
    is damaged. BrokenConstraint, which names the rule, cannot happen to a witness that is whole.
    """
    warm(progress)
    compiled.install()
    circuit = exit_circuit()
    assigned = circuit.circuit.witness({EXIT: circuit_inputs(witness)})
    entropy = secrets.token_bytes(_ENTROPY_BYTES)
    try:
        proof = prove(key, circuit.r1cs, assigned, entropy=entropy, progress=progress)
    except Unsatisfied as error:
        raise BrokenConstraint(error.row, circuit.circuit.row_name(error.row)) from error
    return ExitProof(proof.encode(), exit_inputs(witness))


def try_exit_key(key: ProvingKey, *, progress: Progress = silent) -> None:
    """Prove exits of each kind (trial_exits): a damaged point that any of them uses is noticed.

    What a household itself has to prove, it may prove at any time, before it has to.
    Raises as prove_exit.
    """
    for witness in trial_exits():
        prove_exit(key, witness, progress=progress)
