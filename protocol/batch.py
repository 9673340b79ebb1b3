"""A batch's proof as everyone sees it: data, messages, digest, context, challenge, public inputs.

The circuit hashes all data and message elements to `digest`, with both roots and the context after
the messages, and evaluates both polynomials at z; L1 derives z from everything before it and
computes the same evaluations from what it sees.
Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eth_hash.auto import keccak

from protocol import data as data_elements
from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag, h4
from protocol.errors import BatchTooLarge
from protocol.queue import OP_ELEMENTS
from protocol.state import AccountUpdate, TreeRoots
from protocol.trace import Context, QueueTrace, UserTrace, Withdrawal
from protocol.units import ADDRESS_BITS, AMOUNT_BITS
from protocol.windows import ProofWindows

CALLDATA_MODE, BLOB_MODE = 0, 1
QUEUE_MESSAGES = OP_ELEMENTS + 1
OUTPUT_BITS = ADDRESS_BITS + AMOUNT_BITS
"""Bits of an address and an amount: a message element that L1 pays out has no more."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many slots a proof has: Q for queue ops, N for user transactions."""

    queue_slots: int
    user_slots: int

    @property
    def data_length(self) -> int:
        """S = 1 + N."""
        return 1 + self.user_slots

    @property
    def message_length(self) -> int:
        """W = 8Q + N."""
        return QUEUE_MESSAGES * self.queue_slots + self.user_slots

    def queue_output(self, slot: int) -> int:
        """The message element that says what a queue slot pays out."""
        return QUEUE_MESSAGES * slot + OP_ELEMENTS

    def user_output(self, slot: int) -> int:
        """The message element that says what a user slot pays out."""
        return QUEUE_MESSAGES * self.queue_slots + slot

    def check_fits(self, ops: int, transactions: int) -> None:
        """Raise BatchTooLarge where there are more queue ops or transactions than slots."""
        if ops > self.queue_slots:
            raise BatchTooLarge("queue ops", ops, self.queue_slots)
        if transactions > self.user_slots:
            raise BatchTooLarge("transactions", transactions, self.user_slots)


class Statement(Protocol):
    """What a proof states before z is known: from an executor, or read back from L1."""

    @property
    def context(self) -> Context: ...
    @property
    def old_root(self) -> int: ...
    @property
    def new_root(self) -> int: ...
    @property
    def data(self) -> tuple[int, ...]: ...
    @property
    def messages(self) -> tuple[int, ...]: ...
    @property
    def digest(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ExecutedProof:
    """All that one proof is about, with the traces from which its witness is made."""

    shape: Shape
    context: Context
    operator_index: int
    old_trees: TreeRoots
    old_root: int
    new_root: int
    queue: tuple[QueueTrace, ...]
    users: tuple[UserTrace, ...]
    windows: ProofWindows
    fees: AccountUpdate | None
    fees_ntok: int
    data: tuple[int, ...]
    messages: tuple[int, ...]
    digest: int


@dataclass(frozen=True, slots=True)
class PublicInputs:
    """The four public inputs, in their order; each is below r.

    Old root, new root and context are no inputs of their own: they are the last three coefficients
    of the messages' polynomial, so the digest binds them and y_msg tells L1 that they are its own.
    """

    digest: int
    z: int
    y_data: int
    y_msg: int

    def values(self) -> tuple[int, ...]:
        """In the circuit's order."""
        return (self.digest, self.z, self.y_data, self.y_msg)


def domain_of(chain_id: int, contract: int) -> int:
    """The low 128 bits of keccak256(abi.encode("wattlane", chain id, contract address))."""
    words = (96, chain_id, contract, len(b"wattlane"))
    encoded = b"".join(word.to_bytes(32, "big") for word in words) + b"wattlane".ljust(32, b"\0")
    return int.from_bytes(keccak(encoded), "big") & ((1 << 128) - 1)


def link_elements(old_root: int, new_root: int, context: Context) -> tuple[int, int, int]:
    """The three elements that follow a proof's messages: where it starts, ends, and when."""
    return (old_root, new_root, context.element())


def digest_of(data: Sequence[int], messages: Sequence[int], links: Sequence[int]) -> int:
    """H4(TAG_DIGEST; acc, x, y, z) over data, messages, link elements, zero-padded to triples."""
    elements = [*data, *messages, *links]
    elements += [0] * (-len(elements) % 3)
    acc = 0
    for i in range(0, len(elements), 3):
        acc = h4(Tag.DIGEST, acc, elements[i], elements[i + 1], elements[i + 2])
    return acc


def evaluate(coefficients: Sequence[int], z: int) -> int:
    """The polynomial with these coefficients (lowest first) at z, mod r."""
    total = 0
    for coefficient in reversed(coefficients):
        total = (total * z + coefficient) % R
    return total


def _hash(*words: int) -> int:
    return int.from_bytes(keccak(b"".join(word.to_bytes(32, "big") for word in words)), "big")


def data_commitment(data: Sequence[int]) -> int:
    """keccak256(abi.encode(uint256[] data)), of the data of all proofs."""
    return _hash(32, len(data), *data)


def messages_commitment(proofs: Sequence[Statement]) -> int:
    """A hash chain over the ops that the batch consumes, then over the outputs that are not 0.

    Each op adds its 7 elements, each output itself + its position in the batch 2^224.
    """
    outputs, chained = [], 0
    for k, proof in enumerate(proofs):
        width, user_slots = len(proof.messages), len(proof.data) - 1
        for start in range(0, width - user_slots, QUEUE_MESSAGES):
            elements = proof.messages[start : start + OP_ELEMENTS]
            if any(elements):
                chained = _hash(chained, *elements)
        places = [*range(OP_ELEMENTS, width - user_slots, QUEUE_MESSAGES)]
        for i in (*places, *range(width - user_slots, width)):
            if proof.messages[i]:
                outputs.append(proof.messages[i] + ((k * width + i) << OUTPUT_BITS))
    for output in outputs:
        chained = _hash(chained, output)
    return chained


def challenge(proofs: Sequence[Statement], versioned_hash: bytes | None = None) -> int:
    """z of a batch: hashes mode, count, data, messages, roots, contexts, digests.

    `versioned_hash`: of the blob that holds the data (32 bytes); None: they are in calldata.
    """
    if versioned_hash is None:
        mode, data = CALLDATA_MODE, data_commitment([e for proof in proofs for e in proof.data])
    else:
        mode, data = BLOB_MODE, int.from_bytes(versioned_hash, "big")
    tag = int.from_bytes(keccak(b"wattlane-z"), "big")
    chained = _hash(tag, mode, len(proofs), data, messages_commitment(proofs))
    for proof in proofs:
        chained = _hash(
            chained, proof.old_root, proof.new_root, proof.context.element(), proof.digest
        )
    return chained % R


def public_inputs(proof: Statement, z: int) -> PublicInputs:
    """The proof's public inputs at the batch's challenge z."""
    links = link_elements(proof.old_root, proof.new_root, proof.context)
    return PublicInputs(
        digest=proof.digest,
        z=z,
        y_data=evaluate(proof.data, z),
        y_msg=evaluate((*proof.messages, *links), z),
    )


def _output(withdrawal: Withdrawal | None) -> int:
    return withdrawal.element() if withdrawal else 0


def queue_covered(l1_time: int, next_enqueue_time: int | None) -> int:
    """min(l1_time, enqueue time of the oldest op left unprocessed; None where none is left)."""
    return l1_time if next_enqueue_time is None else min(l1_time, next_enqueue_time)


def seal(
    shape: Shape,
    context: Context,
    operator_index: int,
    old_trees: TreeRoots,
    new_root: int,
    queue: Sequence[QueueTrace],
    users: Sequence[UserTrace],
    windows: ProofWindows,
    fees: AccountUpdate | None,
) -> ExecutedProof:
    """Data, messages and digest of slots that were executed. Raises BatchTooLarge."""
    shape.check_fits(len(queue), len(users))
    data = [data_elements.header(operator_index, len(queue))]
    data += [trace.data_element for trace in users]
    messages: list[int] = []
    for queue_trace in queue:
        messages += [*queue_trace.op.elements(), _output(queue_trace.withdrawal)]
    messages += [0] * (QUEUE_MESSAGES * shape.queue_slots - len(messages))
    messages += [_output(trace.withdrawal) for trace in users]
    data += [0] * (shape.data_length - len(data))
    messages += [0] * (shape.message_length - len(messages))
    old_root = old_trees.state_root()
    return ExecutedProof(
        shape=shape,
        context=context,
        operator_index=operator_index,
        old_trees=old_trees,
        old_root=old_root,
        new_root=new_root,
        queue=tuple(queue),
        users=tuple(users),
        windows=windows,
        fees=fees,
        fees_ntok=sum(trace.fee_ntok for trace in users),
        data=tuple(data),
        messages=tuple(messages),
        digest=digest_of(data, messages, link_elements(old_root, new_root, context)),
    )
