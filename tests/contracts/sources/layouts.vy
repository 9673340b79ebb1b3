# pragma version 0.4.3
"""
@title The contract's own layout functions, made callable for the golden vectors
@license Apache-2.0
"""

import messages
import polynomials
import queue

initializes: queue


@external
@pure
def chain_hash(previous: bytes32, entry: queue.Op) -> bytes32:
    return queue._chain_hash(previous, entry)


@external
@pure
def expected_messages(
    ops: DynArray[queue.Op, queue.QUEUE_SLOTS_MAX],
    withdrawals: DynArray[messages.Withdrawal, messages.MAX_WITHDRAWALS],
    queue_slots: uint256,
    user_slots: uint256,
) -> DynArray[uint256, messages.MAX_MESSAGES]:
    return messages._expected(ops, withdrawals, queue_slots, user_slots)


@external
@pure
def evaluate(words: DynArray[uint256, polynomials.MAX_WORDS], z: uint256) -> uint256:
    return polynomials._evaluate(words, z)


@external
@pure
def challenge(
    old_root: uint256,
    new_root: uint256,
    context: uint256,
    digest: uint256,
    data: DynArray[uint256, polynomials.MAX_WORDS],
    message_elements: DynArray[uint256, polynomials.MAX_WORDS],
) -> uint256:
    return polynomials._challenge(
        old_root,
        new_root,
        context,
        digest,
        polynomials._hash(data),
        polynomials._hash(message_elements),
    )
