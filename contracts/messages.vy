# pragma version 0.4.3
"""
@title The message elements that a batch's proof must have
@license Apache-2.0
@notice Owns what L1 demands of the messages: the consumed ops as the queue holds them, the listed
        withdrawals where they belong, and 0 everywhere else.
"""

import polynomials
import queue

MAX_USER_SLOTS: constant(uint256) = 32
MAX_MESSAGES: constant(uint256) = polynomials.MAX_WORDS  # 8 * 8 + 32
MAX_WITHDRAWALS: constant(uint256) = queue.QUEUE_SLOTS_MAX + MAX_USER_SLOTS
QUEUE_SLOT_WIDTH: constant(uint256) = 8  # elements of a queue slot; the last one is its output


# An amount that a slot of the batch pays out, and the message element where the proof says so.
struct Withdrawal:
    position: uint256
    recipient: address
    amount_ntok: uint64


@internal
@pure
def _expected(
    ops: DynArray[queue.Op, queue.QUEUE_SLOTS_MAX],
    withdrawals: DynArray[Withdrawal, MAX_WITHDRAWALS],
    queue_slots: uint256,
    user_slots: uint256,
) -> DynArray[uint256, MAX_MESSAGES]:
    """
    @dev The W = 8Q + N message elements that the proof must have: what the queue holds, and
         recipient + amount 2^160 where a slot pays out: at 8j + 7 for a consumed queue slot j,
         at 8Q + i for user slot i.
    """
    user_messages: uint256 = QUEUE_SLOT_WIDTH * queue_slots
    width: uint256 = user_messages + user_slots
    messages: DynArray[uint256, MAX_MESSAGES] = []
    for entry: queue.Op in ops:
        for element: uint256 in entry.elements:
            messages.append(element)
        messages.append(0)
    for unused: uint256 in range(width - len(messages), bound=MAX_MESSAGES):
        messages.append(0)
    free: uint256 = 0  # the lowest position that the next withdrawal may have
    for w: Withdrawal in withdrawals:
        assert w.position >= free and w.position < width, "BadWithdrawalPosition"
        if w.position < user_messages:
            assert w.position % QUEUE_SLOT_WIDTH == 7, "BadWithdrawalPosition"
            assert w.position < QUEUE_SLOT_WIDTH * len(ops), "BadWithdrawalPosition"
        assert w.amount_ntok > 0, "WithdrawalZero"
        messages[w.position] = (
            convert(w.recipient, uint256) | convert(w.amount_ntok, uint256) << 160
        )
        free = w.position + 1
    return messages
