"""What a node has to do on chain for a channel, decided from what it knows and nothing else.

Pure and repeatable: each duty disappears from the answer once it shows in the sequencer's soft
state, so a node that was killed at any point does the same again without harm.
Ref: docs/protocol.md sections 3 and 4.
"""

from __future__ import annotations

from enum import Enum

from channels.lanes import ChannelState
from channels.records import Intent
from protocol.channels import Channel, Status


class Duty(Enum):
    """One thing to submit."""

    CLAIM = "claim"
    START_CLOSE = "start_close"
    CLOSE = "close"
    FINALIZE = "finalize"


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
