"""What a node has to do on chain for a channel, decided from what it knows and nothing else.

Pure and repeatable. A duty towards the sequencer disappears from the answer once it shows in the
sequencer's soft state, one towards L1 once it shows in a verified final root; so a node that was
killed at any point does the same again without harm. Ref: docs/protocol.md sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from channels.errors import ChannelClosing, ChannelNotFinal, NothingToForce
from channels.forced import WantClaim, Wanted, WantFinalize, WantStartClose
from channels.lanes import ChannelState, VerifiedLeaf
from channels.records import Intent
from protocol.channels import Channel, Status
from protocol.vouchers import Voucher

CLAIM_DIVISOR = 4
"""A claim that is in no final root after a quarter of the window goes to L1: half is the latest."""


class Duty(Enum):
    """One thing to submit."""

    CLAIM = "claim"
    START_CLOSE = "start_close"
    CLOSE = "close"
    FINALIZE = "finalize"


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds of L1 time the sequencer gets for what cannot be lost by waiting.

    `start_close_s` counts from the owner's wish, `finalize_s` from the deadline. A claim has no
    setting: it follows from the window. `unseen_s`: how long a node that was started looks for a
    leaf before it takes what it last saw for all that it will see.
    """

    start_close_s: int = 3_600
    finalize_s: int = 3_600
    unseen_s: int = 3_600


DEFAULT_PATIENCE = Patience()


def duty_of(
    state: ChannelState, intent: Intent, soft: Channel | None, head_time: int
) -> Duty | None:
    """The next thing to submit for a channel that is in the newest final root, or None.

    `soft`: the leaf in the sequencer's soft state, None where it is there no more. A soft state
    can hide a leaf, not invent one here: nothing is signed for a channel that is not final.
    """
    if state.verified is None or state.is_gone or soft is None:
        return None
    close = state.close
    if (
        close is not None
        and close.peer_signature is not None
        and head_time <= close.body.valid_until
    ):
        return Duty.CLOSE
    if soft.status is Status.CLOSING:
        received = state.received
        if received is not None and received.lane_value > soft.lane(state.peer_side):
            return Duty.CLAIM
        return Duty.FINALIZE if head_time >= soft.deadline else None
    return Duty.START_CLOSE if intent is Intent.FORCE else None


def forced_duty_of(
    state: ChannelState,
    intent: Intent,
    wished_at: int,
    final_time: int,
    head_time: int,
    began_at: int,
    patience: Patience,
) -> Wanted | None:
    """What the sequencer has failed to bring into a verified final root in time, or None.

    The sequencer's word plays no part. `wished_at`: L1 time of the intent; `final_time`: of the
    newest final block; `head_time`: of the newest one; `began_at`: of the newest one when this node
    was started. Except for a claim, which must not wait, a leaf that was not compared with the
    newest final root decides nothing. An open one that was not for a quarter of the window is taken
    for one that closes.
    """
    verified = state.verified
    if verified is None or state.is_gone:
        return None
    leaf, slot = verified.leaf, verified.slot
    is_current = verified.l1_time >= final_time
    if leaf.status is Status.CLOSING:
        owed = owed_claim(slot, leaf, state.received, head_time)
        if owed is not None:
            return owed
        is_due = head_time >= leaf.deadline + patience.finalize_s
        return WantFinalize(slot, leaf.id, leaf.deadline) if is_due and is_current else None
    if not is_current and head_time >= began_at + patience.unseen_s:
        return _unseen_claim(slot, verified, state.received, head_time)
    is_due = intent is Intent.FORCE and head_time >= wished_at + patience.start_close_s
    return WantStartClose(slot, leaf.id, state.side) if is_due and is_current else None


def owed_claim(
    slot: int, leaf: Channel, voucher: Voucher | None, head_time: int
) -> WantClaim | None:
    """A voucher that a closing leaf in a final root does not show though its time has come.

    ⚠ Before half of the window is over: from the end of its first quarter. The window is taken to
    end at the deadline, so the 7,200 s that START_CLOSE adds come before it.
    """
    if leaf.status is not Status.CLOSING or voucher is None:
        return None
    if voucher.channel_id != leaf.id or voucher.lane_value <= leaf.lane(voucher.lane):
        return None
    began = leaf.deadline - leaf.window_s
    is_due = head_time >= began + leaf.window_s // CLAIM_DIVISOR
    return WantClaim(slot, voucher) if is_due else None


def _unseen_claim(
    slot: int, verified: VerifiedLeaf, voucher: Voucher | None, head_time: int
) -> WantClaim | None:
    """A voucher for an open leaf that could not be compared with a final root for long.

    A close may have begun right after it was seen, unseen where a batch's blob is withheld: then
    its deadline is a window after that at the earliest. In an open channel a claim does no harm.
    """
    leaf = verified.leaf
    if voucher is None or voucher.lane_value <= leaf.lane(voucher.lane):
        return None
    is_due = head_time >= verified.l1_time + leaf.window_s // CLAIM_DIVISOR
    return WantClaim(slot, voucher) if is_due else None


def wanted_now(state: ChannelState, what: Duty, head_time: int) -> Wanted:
    """A forced op that the owner asks for at once, patience or not.

    Raises ChannelNotFinal, ChannelClosing, NothingToForce where L1 would make it a no-op.
    """
    verified = state.verified
    if state.is_gone:
        raise ChannelClosing(state.channel_id)
    if verified is None:
        raise ChannelNotFinal(state.channel_id)
    leaf, slot, received = verified.leaf, verified.slot, state.received
    is_closing = leaf.status is Status.CLOSING
    if what is Duty.START_CLOSE:
        if is_closing:
            raise NothingToForce(leaf.id, "it is closing already")
        return WantStartClose(slot, leaf.id, state.side)
    if what is Duty.CLAIM:
        if received is None or received.lane_value <= leaf.lane(state.peer_side):
            raise NothingToForce(leaf.id, "the final root has all that was received")
        return WantClaim(slot, received)
    if not is_closing:
        raise NothingToForce(leaf.id, "it is open: close it first")
    if head_time < leaf.deadline:
        left_s = leaf.deadline - head_time
        raise NothingToForce(leaf.id, f"its window is over in {left_s} s of L1 time")
    return WantFinalize(slot, leaf.id, leaf.deadline)
