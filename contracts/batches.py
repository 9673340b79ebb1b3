"""A batch as it stands in its transaction: everything needed to check and replay it, from L1 alone.

What `submit_batch` was called with is what was accepted: the proof is bound to it through z.
Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from contracts.abi import load
from contracts.errors import L1Error
from contracts.queue_ops import queue_op_from
from contracts.verifying_key import G1_BYTES, G2_BYTES, MalformedKey, joined, words
from protocol.batch import ExecutedProof, PublicInputs, Shape, challenge, public_inputs
from protocol.queue import QueueOp
from protocol.trace import Context

PROOF_BYTES = 2 * G1_BYTES + G2_BYTES


@dataclass
class WrongShape(L1Error):
    """A batch was asked for its messages in a shape that it does not have."""

    data_length: int

    def __str__(self) -> str:
        return f"a batch with {self.data_length} data elements has another shape"


@dataclass(frozen=True, slots=True)
class Payout:
    """An amount that a slot pays out to L1; `position` is its message element."""

    position: int
    l1_address: int
    amount_ntok: int


@dataclass(frozen=True, slots=True)
class Submission:
    """The arguments of one submit_batch. `proof_bytes` = A, B, C in EIP-2537 form, 512 bytes."""

    l1_time: int
    old_root: int
    new_root: int
    digest: int
    y_data: int
    y_msg: int
    proof_bytes: bytes
    data: tuple[int, ...]
    ops: tuple[QueueOp, ...]
    payouts: tuple[Payout, ...]

    def __post_init__(self) -> None:
        if len(self.proof_bytes) != PROOF_BYTES:
            raise MalformedKey("the proof", len(self.proof_bytes))

    def calldata(self) -> bytes:
        """The transaction's data."""
        a_g1 = self.proof_bytes[:G1_BYTES]
        b_g2 = self.proof_bytes[G1_BYTES : G1_BYTES + G2_BYTES]
        c_g1 = self.proof_bytes[G1_BYTES + G2_BYTES :]
        return (
            load("rollup")
            .functions["submit_batch"]
            .encode_call(
                self.l1_time,
                (
                    self.old_root,
                    self.new_root,
                    self.digest,
                    self.y_data,
                    self.y_msg,
                    (words(a_g1), words(b_g2), words(c_g1)),
                ),
                self.data,
                [(op.elements(), op.payer.to_bytes(20, "big")) for op in self.ops],
                [
                    (p.position, p.l1_address.to_bytes(20, "big"), p.amount_ntok)
                    for p in self.payouts
                ],
            )
        )


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """A batch that L1 accepted, with where it did. `processed`: number of the last op consumed."""

    number: int
    submission: Submission
    queue_covered: int
    processed: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes

    def statement(self, shape: Shape, domain: int) -> BatchStatement:
        """What the batch's proof states. Raises WrongShape where the data has another length."""
        submission = self.submission
        if len(submission.data) != shape.data_length:
            raise WrongShape(len(submission.data))
        return BatchStatement(
            context=Context(domain, submission.l1_time, self.queue_covered),
            old_root=submission.old_root,
            new_root=submission.new_root,
            data=submission.data,
            messages=messages_of(shape, submission.ops, submission.payouts),
            digest=submission.digest,
        )


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """`protocol.batch.Statement`, read back from L1."""

    context: Context
    old_root: int
    new_root: int
    data: tuple[int, ...]
    messages: tuple[int, ...]
    digest: int

    def public_inputs(self) -> PublicInputs:
        """The seven public inputs that the contract computed; the digest is the proof's claim."""
        return public_inputs(self, challenge([self]))


def messages_of(shape: Shape, ops: Sequence[QueueOp], payouts: Sequence[Payout]) -> tuple[int, ...]:
    """The W message elements that the contract computes from its queue and the payouts."""
    messages = [element for op in ops for element in (*op.elements(), 0)]
    messages += [0] * (shape.message_length - len(messages))
    for payout in payouts:
        messages[payout.position] = payout.l1_address + (payout.amount_ntok << 160)
    return tuple(messages)


def submission_of(executed: ExecutedProof, inputs: PublicInputs, proof_bytes: bytes) -> Submission:
    """What to submit for an executed and proved batch."""
    first_user_message = 8 * executed.shape.queue_slots
    payouts = tuple(
        Payout(first_user_message + i, user.withdrawal.l1_address, user.withdrawal.amount_ntok)
        for i, user in enumerate(executed.users)
        if user.withdrawal is not None and user.withdrawal.amount_ntok > 0
    )
    return Submission(
        l1_time=executed.context.l1_time,
        old_root=inputs.old_root,
        new_root=inputs.new_root,
        digest=inputs.digest,
        y_data=inputs.y_data,
        y_msg=inputs.y_msg,
        proof_bytes=proof_bytes,
        data=executed.data,
        ops=tuple(trace.op for trace in executed.queue),
        payouts=payouts,
    )


def submission_from_calldata(calldata: bytes, processed: int) -> Submission | None:
    """Decode a transaction's data, whose last op has the number `processed`.

    None where it is no submit_batch call or holds an op that this version does not know.
    """
    arguments = load("rollup").functions["submit_batch"].decode_call(calldata)
    if arguments is None:
        return None
    l1_time, proof, data, ops, payouts = cast(
        tuple[
            int,
            tuple[int, int, int, int, int, tuple[Sequence[int], Sequence[int], Sequence[int]]],
            Sequence[int],
            Sequence[tuple[Sequence[int], str]],
            Sequence[tuple[int, str, int]],
        ],
        arguments,
    )
    first = processed - len(ops) + 1
    decoded: list[QueueOp] = []
    for i, (elements, payer) in enumerate(ops):
        op = queue_op_from(first + i, elements, int(payer, 16))
        if op is None:
            return None
        decoded.append(op)
    old_root, new_root, digest, y_data, y_msg, points = proof
    return Submission(
        l1_time=l1_time,
        old_root=old_root,
        new_root=new_root,
        digest=digest,
        y_data=y_data,
        y_msg=y_msg,
        proof_bytes=b"".join(joined(point) for point in points),
        data=tuple(data),
        ops=tuple(decoded),
        payouts=tuple(Payout(position, int(to, 16), amount) for position, to, amount in payouts),
    )
