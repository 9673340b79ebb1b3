"""Proving behind a port: jobs in, proofs out, wherever they are made.

A proof that comes back is verified here, with other code than made it, before anything relies on
it. prover/distribution/ has what stands behind the port: processes of this machine, or a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Protocol

from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.batch import Shape
from prover.groth16.keys import VerifyingKey
from prover.groth16.points import encode
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.jobs import ProofJob


class Prover(Protocol):
    """Makes proofs for one circuit."""

    @property
    def shape(self) -> Shape:
        """The circuit's slots."""

    @property
    def verifying_key(self) -> VerifyingKey:
        """What its proofs verify under; L1 must hold the same."""

    @property
    def constraints(self) -> int | None:
        """The circuit's size; None where it is not known."""

    def submit(self, job: ProofJob) -> Future[bytes]:
        """Start to prove; the result is the proof as L1 takes it (512 bytes)."""

    def ailments(self) -> Mapping[str, str]:
        """What is wrong with whom, for the health report; never waits."""

    def close(self) -> None:
        """Stop at once; proofs under way are lost."""


def check_proof(prover: Prover, job: ProofJob, proof_bytes: bytes) -> None:
    """Raises a ProverError unless the proof shows what the job says."""
    verify_arkworks(prover.verifying_key, job.public.values(), Proof.decode(proof_bytes))


def contract_key(key: VerifyingKey) -> ContractKey:
    """The key as the contract's deployment takes it."""
    return ContractKey(
        alpha_g1=encode(key.alpha_g1),
        beta_g2=encode(key.beta_g2),
        gamma_g2=encode(key.gamma_g2),
        delta_g2=encode(key.delta_g2),
        ic_g1=tuple(encode(point) for point in key.ic_g1),
    )
