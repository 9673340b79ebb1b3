"""A batch's Groth16 proofs against the key that the contract holds, by two unrelated libraries."""

from __future__ import annotations

from contracts.batches import AcceptedBatch
from contracts.verifying_key import VerifyingKey as ContractKey
from prover.groth16 import points
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.groth16.verify_py_ecc import verify_py_ecc
from wattlane.l1_record import L1Record

G1_COORDINATES, G2_COORDINATES = 2, 4


def from_contract_key(key: ContractKey) -> VerifyingKey:
    """The key as the verifiers take it. Raises MalformedEncoding.

    L1 does not say how the key was made: the worst is assumed.
    """
    return VerifyingKey(
        alpha_g1=points.decode(key.alpha_g1, G1_COORDINATES),
        beta_g2=points.decode(key.beta_g2, G2_COORDINATES),
        gamma_g2=points.decode(key.gamma_g2, G2_COORDINATES),
        delta_g2=points.decode(key.delta_g2, G2_COORDINATES),
        ic_g1=tuple(points.decode(point, G1_COORDINATES) for point in key.ic_g1),
        insecure=True,
    )


def _statement(
    record: L1Record, batch: AcceptedBatch, place: int
) -> tuple[VerifyingKey, tuple[int, ...], Proof]:
    shape, domain = record.settings.shape, record.settings.domain
    statement = batch.statements(shape, domain)[place]
    inputs = statement.public_inputs(batch.challenge(shape, domain))
    proof = Proof.decode(batch.submission.proofs[place].proof_bytes)
    return from_contract_key(record.key), inputs.values(), proof


def check_by_arkworks(record: L1Record, batch: AcceptedBatch, place: int) -> str:
    """The proof at `place`, by compiled Rust. Raises VerificationError, MalformedEncoding."""
    verify_arkworks(*_statement(record, batch, place))
    return "the pairing equation holds"


def check_by_py_ecc(record: L1Record, batch: AcceptedBatch, place: int) -> str:
    """By pure Python, which shares no code with the first. Raises as it does."""
    verify_py_ecc(*_statement(record, batch, place))
    return "the pairing equation holds"
