# pragma version 0.4.3
"""
@title Closing a channel without the operator
@license Apache-2.0
@notice Owns the three requests that take a channel from open to paid out, whatever the operator
        does: begin its close, claim a voucher, finalise it. What the rollup's state says decides
        whether one applies when it takes effect; what does not is a no-op that cost its fee.
@dev    A channel is named by its slot and its epoch, so that a request for one that has ended
        never hits the next one in its slot. All cost the queue's fee in ether.
"""

import polynomials
import queue

uses: queue

R: constant(uint256) = polynomials.R

OP_FORCED_START_CLOSE: constant(uint256) = 5
OP_FORCED_CLAIM: constant(uint256) = 6
OP_FORCED_FINALIZE: constant(uint256) = 7

SLOT_LIMIT: constant(uint256) = 2**24
EPOCH_LIMIT: constant(uint256) = 2**32
LANE_LIMIT: constant(uint256) = 2**96  # wh of 40 bits + paid of 56 bits 2^40

NO_KEY: constant(uint256[5]) = [0, 0, 0, 0, 0]


@external
@payable
@nonreentrant
def force_start_close(slot: uint256, epoch: uint256, side: uint256):
    """
    @notice Begins an open channel's close, if the sender is the l1_address of that side's account.
    @param side 0 for A, 1 for B.
    """
    self._enqueue(
        OP_FORCED_START_CLOSE, slot, epoch, side, convert(msg.sender, uint256), NO_KEY
    )


@external
@payable
@nonreentrant
def force_claim(
    slot: uint256, epoch: uint256, lane: uint256, lane_value: uint256, signature: uint256[5]
):
    """
    @notice Raises a lane to what a voucher says. Whose voucher it is counts, not who sends it.
    @param lane 0 where A pays B, 1 where B pays A.
    @param lane_value wh + paid 2^40, below 2^96.
    @param signature The payer's key A.x, A.y, then R.x, R.y and s, each below R.
    """
    assert lane_value < LANE_LIMIT, "LaneValueTooLarge"
    for element: uint256 in signature:
        assert element < R, "ElementTooLarge"
    self._enqueue(OP_FORCED_CLAIM, slot, epoch, lane, lane_value, signature)


@external
@payable
@nonreentrant
def force_finalize(slot: uint256, epoch: uint256):
    """
    @notice Pays out a closing channel whose deadline is not after this block's timestamp.
    """
    self._enqueue(OP_FORCED_FINALIZE, slot, epoch, 0, 0, NO_KEY)


@internal
@payable
def _enqueue(
    op: uint256,
    slot: uint256,
    epoch: uint256,
    side: uint256,
    second: uint256,
    key: uint256[5],
):
    assert slot < SLOT_LIMIT, "IndexTooLarge"
    assert epoch < EPOCH_LIMIT, "EpochTooLarge"
    assert side <= 1, "LaneTooLarge"
    queue._enqueue(op, slot, second, key, side << 32 | epoch << 80)
