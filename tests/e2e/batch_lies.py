"""Submissions with one thing changed at a time, and why L1 may refuse each."""

from __future__ import annotations

from dataclasses import replace

from py_arkworks_bls12381 import G1Point, Scalar

from contracts import errors
from contracts.batches import Submission
from contracts.verifying_key import P
from protocol.crypto.field import R
from prover.circuits.batch import DEFAULT_SHAPE
from tests.support.simulated_proofs import padded
from tests.support.simulated_rollup import with_proof

Reasons = set[type[errors.Reverted]]

COORDINATE = 64
"""Bytes of a field element in a proof: 16 of zeros, then 48."""


def _with_bytes(submission: Submission, number: int, start: int, new: bytes) -> Submission:
    """One of its proofs with other bytes in one place."""
    changed = bytearray(submission.proofs[number].proof_bytes)
    changed[start : start + len(new)] = new
    return with_proof(submission, number, proof_bytes=bytes(changed))


def _with_negated_y(submission: Submission, number: int, coordinate: int) -> Submission:
    """A point that is on the curve and in the subgroup, but not the proof's."""
    start = coordinate * COORDINATE
    y = submission.proofs[number].proof_bytes[start : start + COORDINATE]
    negated = (P - int.from_bytes(y, "big")).to_bytes(COORDINATE, "big")
    return _with_bytes(submission, number, start, negated)


def lies_about_a_proof(honest: Submission, number: int) -> dict[str, tuple[Submission, Reasons]]:
    """Submissions with one thing of one proof changed, and why L1 may refuse each."""
    proof, last = honest.proofs[number], number == len(honest.proofs) - 1
    bad_point: Reasons = {errors.PrecompileRefused}
    rejected: Reasons = {errors.ProofRejected}
    lies: dict[str, tuple[Submission, Reasons]] = {}
    for coordinate in range(8):
        start = coordinate * COORDINATE
        for what, offset in (("padding", 0), ("high", 16), ("middle", 40), ("low", 63)):
            flipped = bytes([proof.proof_bytes[start + offset] ^ 1])
            name = f"proof coordinate {coordinate}, {what} byte"
            lies[name] = _with_bytes(honest, number, start + offset, flipped), bad_point
    lies["A negated"] = _with_negated_y(honest, number, 1), rejected
    lies["C negated"] = _with_negated_y(honest, number, 7), rejected
    for name, start, end in (("A", 0, 128), ("B", 128, 384), ("C", 384, 512)):
        gone = _with_bytes(honest, number, start, bytes(end - start))
        lies[f"{name} at infinity"] = gone, {errors.ProofInfinity}
    mismatch: Reasons = {errors.DataMismatch, errors.MessagesMismatch}
    fields: list[tuple[str, int, Reasons]] = [
        ("old_root", proof.old_root ^ 1, {errors.BrokenChain if number else errors.StaleRoot}),
        ("new_root", proof.new_root ^ 1, mismatch if last else {errors.BrokenChain}),
        ("new_root", proof.new_root + R, {errors.InputTooLarge}),
        ("digest", proof.digest ^ 1, mismatch),
        ("digest", proof.digest + R, {errors.InputTooLarge}),
        ("y_data", proof.y_data ^ 1, {errors.DataMismatch}),
        ("y_msg", proof.y_msg ^ 1, {errors.MessagesMismatch}),
    ]
    for field, value, reasons in fields:
        lies[f"{field} {value}"] = with_proof(honest, number, **{field: value}), reasons
    swapped = with_proof(honest, number, y_data=proof.y_msg, y_msg=proof.y_data)
    lies["both y swapped"] = swapped, mismatch
    return lies


def lies_about_the_batch(honest: Submission) -> dict[str, tuple[Submission, Reasons]]:
    mismatch: Reasons = {errors.DataMismatch, errors.MessagesMismatch}
    lies: dict[str, tuple[Submission, Reasons]] = {}
    lies["an earlier time"] = (
        replace(honest, l1_time=honest.l1_time - 1),
        mismatch | {errors.TimeWentBack, errors.OpNotDue},
    )
    for i in range(len(honest.data)):
        data = (*honest.data[:i], honest.data[i] ^ 1, *honest.data[i + 1 :])
        lies[f"data element {i}"] = replace(honest, data=data), mismatch
    lies["an element less"] = replace(honest, data=honest.data[:-1]), {errors.BadDataLength}
    return lies


def lies_about_two(honest: Submission) -> dict[str, tuple[Submission, Reasons]]:
    """What only a batch of several proofs can be changed in."""
    one, two = honest.proofs
    s, q = DEFAULT_SHAPE.data_length, DEFAULT_SHAPE.queue_slots
    lies: dict[str, tuple[Submission, Reasons]] = {}
    lies["in another order"] = replace(honest, proofs=(two, one)), {errors.StaleRoot}
    exchanged = with_proof(honest, 0, proof_bytes=two.proof_bytes)
    exchanged = with_proof(exchanged, 1, proof_bytes=one.proof_bytes)
    lies["each with the other's points"] = exchanged, {errors.ProofRejected}
    moved = _with_bytes(honest, 0, 384, _plus_generator(one.proof_bytes[384:], 1))
    moved = _with_bytes(moved, 1, 384, _plus_generator(two.proof_bytes[384:], -1))
    lies["C + P and C - P"] = moved, {errors.ProofRejected}
    lies["data exchanged"] = (
        replace(honest, data=honest.data[s:] + honest.data[:s]),
        {errors.DataMismatch, errors.MessagesMismatch},
    )
    lies["the first alone"] = (
        replace(honest, proofs=(one,), data=honest.data[:s], ops=honest.ops[:q], payouts=()),
        {errors.DataMismatch, errors.MessagesMismatch},
    )
    return lies


def _plus_generator(encoded: bytes, times: int) -> bytes:
    point = G1Point.from_xy_bytes_be(encoded[16:COORDINATE] + encoded[COORDINATE + 16 :])
    return padded((point + G1Point() * Scalar(times % R)).to_xy_bytes_be())
