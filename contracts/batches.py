"""A batch as it stands in its transaction: everything needed to check and replay it, from L1 alone.

What `submit_batch` was called with is what was accepted: the proof is bound to it through z.
Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from contracts.abi import Function, load
from contracts.errors import L1Error
from contracts.queue_ops import queue_op_from
from contracts.verifying_key import PROOF_BYTES, MalformedKey, joined, proof_words
from protocol.batch import ExecutedProof, PublicInputs, Shape, challenge, public_inputs
from protocol.blobs import COMMITMENT_BYTES, coefficients_of, versioned_hash
from protocol.queue import QueueOp
from protocol.trace import Context
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, check_range

POSITION_BITS = 32
BLOB_ENTRY = "submit_batch/6"
MOST_PROOFS, MOST_DATA_ELEMENTS, MOST_OPS = 16, 256, 32
"""What fits into one batch: the bounds of the contract's arrays."""


@dataclass
class WrongShape(L1Error):
    """A batch was asked for its messages in a shape that it does not have."""

    data_length: int

    def __str__(self) -> str:
        return f"a batch with {self.data_length} data elements has another shape"


@dataclass(frozen=True, slots=True)
class Payout:
    """An amount that a slot pays out to L1; `position` is its message element.

    In calldata it is one word: address + amount 2^160, the element, + position 2^224.
    """

    position: int
    l1_address: int
    amount_ntok: int

    @property
    def element(self) -> int:
        """The message element: address + amount 2^160."""
        return self.l1_address + (self.amount_ntok << ADDRESS_BITS)

    def word(self) -> int:
        """As the contract takes it. Raises OutOfRange."""
        check_range("position", self.position, POSITION_BITS)
        check_range("l1_address", self.l1_address, ADDRESS_BITS)
        check_range("amount_ntok", self.amount_ntok, AMOUNT_BITS)
        return self.element + (self.position << 224)

    @classmethod
    def from_word(cls, word: int) -> Payout:
        """The inverse of `word`."""
        return cls(word >> 224, word % 2**160, (word >> 160) % 2**64)


@dataclass(frozen=True, slots=True)
class SubmittedProof:
    """One step of a batch. `proof_bytes` = A, B, C in EIP-2537 form, 512 bytes."""

    old_root: int
    new_root: int
    digest: int
    y_data: int
    y_msg: int
    proof_bytes: bytes

    def __post_init__(self) -> None:
        if len(self.proof_bytes) != PROOF_BYTES:
            raise MalformedKey("the proof", len(self.proof_bytes))


@dataclass(frozen=True, slots=True)
class BlobLink:
    """What ties a batch to the blob that holds its data: the commitment, and a KZG proof that the
    blob's polynomial is at z what the proofs say. 48 bytes each."""

    commitment: bytes
    opening_proof: bytes

    def __post_init__(self) -> None:
        for part in (self.commitment, self.opening_proof):
            if len(part) != COMMITMENT_BYTES:
                raise MalformedKey("the blob's commitment or proof", len(part))

    @property
    def versioned_hash(self) -> bytes:
        """The blob's, 32 bytes: L1 has checked that it is this commitment's."""
        return versioned_hash(self.commitment)

    def words(self) -> tuple[bytes, ...]:
        """As the contract takes it: one after the other, three words."""
        both = self.commitment + self.opening_proof
        return tuple(both[start : start + 32] for start in range(0, len(both), 32))

    @classmethod
    def from_words(cls, given: Sequence[bytes]) -> BlobLink:
        """The inverse of `words`."""
        both = b"".join(given)
        return cls(both[:COMMITMENT_BYTES], both[COMMITMENT_BYTES:])


@dataclass(frozen=True, slots=True)
class Submission:
    """The arguments of one submit_batch: 1 to 16 proofs, each from where the one before it ends.

    `data` has S elements a proof, `ops` are those of all proofs, oldest first; a payout's position
    is W * the number of its proof + its message element there. Where there is a `link`, the data
    are in a blob, not in calldata; what was read from L1 has none then until `with_blob`.
    """

    l1_time: int
    proofs: tuple[SubmittedProof, ...]
    data: tuple[int, ...]
    ops: tuple[QueueOp, ...]
    payouts: tuple[Payout, ...]
    link: BlobLink | None = None

    @property
    def versioned_hash(self) -> bytes | None:
        """The blob's that holds the data; None: they are in calldata."""
        return None if self.link is None else self.link.versioned_hash

    def with_blob(self, blob: bytes, shape: Shape) -> Submission:
        """With its data, from the blob that L1 names. Raises MalformedBlob."""
        return replace(self, data=coefficients_of(blob, shape.data_length * len(self.proofs)))

    @property
    def old_root(self) -> int:
        """Where the batch starts."""
        return self.proofs[0].old_root

    @property
    def new_root(self) -> int:
        """Where the batch ends."""
        return self.proofs[-1].new_root

    def calldata(self) -> bytes:
        """The transaction's data."""
        arguments: list[object] = [
            self.l1_time,
            [
                (
                    proof.old_root,
                    proof.new_root,
                    proof.digest,
                    proof.y_data,
                    proof.y_msg,
                    proof_words(proof.proof_bytes),
                )
                for proof in self.proofs
            ],
            self.data if self.link is None else (),
            [(op.elements(), op.payer.to_bytes(20, "big")) for op in self.ops],
            [payout.word() for payout in self.payouts],
        ]
        if self.link is not None:
            arguments.append(self.link.words())
        return _entry(self.link is not None).encode_call(*arguments)


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """A batch that L1 accepted, with where it did. `processed`: number of the last op consumed;
    `queue_covered`: the last proof's."""

    number: int
    submission: Submission
    queue_covered: int
    processed: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes

    def statements(self, shape: Shape, domain: int) -> tuple[BatchStatement, ...]:
        """What the batch's proofs state, in order. Raises WrongShape where the data has another
        length."""
        submission = self.submission
        if len(submission.data) != shape.data_length * len(submission.proofs):
            raise WrongShape(len(submission.data))
        return statements_of(submission, shape, domain, self.queue_covered)

    def challenge(self, shape: Shape, domain: int) -> int:
        """z, the point at which all its data and messages were evaluated. Raises WrongShape."""
        return challenge(self.statements(shape, domain), self.submission.versioned_hash)


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """`protocol.batch.Statement` of one proof, read back from L1. `ops`: those it consumes."""

    context: Context
    old_root: int
    new_root: int
    data: tuple[int, ...]
    messages: tuple[int, ...]
    digest: int
    ops: tuple[QueueOp, ...]

    def public_inputs(self, z: int) -> PublicInputs:
        """The four public inputs that the contract computed; the digest is the proof's claim.

        `z` is the batch's `challenge`.
        """
        return public_inputs(self, z)


def most_proofs(shape: Shape) -> int:
    """How many proofs of this shape a batch has at most: 1 to 16."""
    return min(MOST_PROOFS, MOST_DATA_ELEMENTS // shape.data_length, MOST_OPS // shape.queue_slots)


def statements_of(
    submission: Submission, shape: Shape, domain: int, covered_in_the_end: int
) -> tuple[BatchStatement, ...]:
    """What the proofs of a submission state. `covered_in_the_end`: the last one's queue_covered.

    The others' is the enqueue time of the op that the next proof begins with, if there is one.
    """
    found = []
    q, s, w = shape.queue_slots, shape.data_length, shape.message_length
    for k, proof in enumerate(submission.proofs):
        ops = submission.ops[k * q : (k + 1) * q]
        left = submission.ops[(k + 1) * q : (k + 1) * q + 1]
        covered = left[0].enqueue_time if left else covered_in_the_end
        payouts = [
            replace(payout, position=payout.position - k * w)
            for payout in submission.payouts
            if payout.position // w == k
        ]
        statement = BatchStatement(
            context=Context(domain, submission.l1_time, covered),
            old_root=proof.old_root,
            new_root=proof.new_root,
            data=submission.data[k * s : (k + 1) * s],
            messages=messages_of(shape, ops, payouts),
            digest=proof.digest,
            ops=ops,
        )
        found.append(statement)
    return tuple(found)


def messages_of(shape: Shape, ops: Sequence[QueueOp], payouts: Sequence[Payout]) -> tuple[int, ...]:
    """The W message elements that the contract computes from its queue and the payouts."""
    messages = [element for op in ops for element in (*op.elements(), 0)]
    messages += [0] * (shape.message_length - len(messages))
    for payout in payouts:
        messages[payout.position] = payout.element
    return tuple(messages)


def submission_of(
    executed: Sequence[ExecutedProof],
    inputs: Sequence[PublicInputs],
    proofs: Sequence[bytes],
    link: BlobLink | None = None,
) -> Submission:
    """What to submit for a batch of executed and proved steps, in order; at least one.

    `link`: to the blob that holds the data; None puts them into calldata.
    """
    payouts: list[Payout] = []
    for k, proof in enumerate(executed):
        shape = proof.shape
        outs = [(shape.queue_output(j), trace.withdrawal) for j, trace in enumerate(proof.queue)]
        outs += [(shape.user_output(i), trace.withdrawal) for i, trace in enumerate(proof.users)]
        payouts += [
            Payout(k * shape.message_length + place, out.l1_address, out.amount_ntok)
            for place, out in outs
            if out is not None and out.amount_ntok > 0
        ]
    return Submission(
        l1_time=executed[0].context.l1_time,
        proofs=tuple(
            SubmittedProof(
                old_root=step.old_root,
                new_root=step.new_root,
                digest=public.digest,
                y_data=public.y_data,
                y_msg=public.y_msg,
                proof_bytes=proof_bytes,
            )
            for step, public, proof_bytes in zip(executed, inputs, proofs, strict=True)
        ),
        data=tuple(element for proof in executed for element in proof.data),
        ops=tuple(trace.op for proof in executed for trace in proof.queue),
        payouts=tuple(payouts),
        link=link,
    )


def submission_from_calldata(calldata: bytes, processed: int) -> Submission | None:
    """Decode a transaction's data, whose last op has the number `processed`.

    None where it is no submit_batch call or holds an op that this version does not know. A batch
    whose data are in a blob comes without them.
    """
    arguments, link = _entry(False).decode_call(calldata), None
    if arguments is None:
        arguments = _entry(True).decode_call(calldata)
        if arguments is None:
            return None
        link = BlobLink.from_words(cast(Sequence[bytes], arguments[-1]))
        arguments = arguments[:-1]
    l1_time, proofs, data, ops, payouts = cast(
        tuple[
            int,
            Sequence[tuple[int, int, int, int, int, tuple[Sequence[int], ...]]],
            Sequence[int],
            Sequence[tuple[Sequence[int], str]],
            Sequence[int],
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
    return Submission(
        l1_time=l1_time,
        proofs=tuple(
            SubmittedProof(old, new, digest, y_data, y_msg, b"".join(map(joined, points)))
            for old, new, digest, y_data, y_msg, points in proofs
        ),
        data=tuple(data),
        ops=tuple(decoded),
        payouts=tuple(Payout.from_word(word) for word in payouts),
        link=link,
    )


def _entry(has_blob: bool) -> Function:
    """The contract's entry: the longer one where the data are in a blob."""
    return load("rollup").functions[BLOB_ENTRY if has_blob else "submit_batch"]
