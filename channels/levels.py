"""How far what the sequencer says of a channel has come: for people, and nothing rests on it.

Soft: in the sequencer's own state alone. Proved: in a batch that has its proofs, it says. Final: in
the root that this node has verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from channels.box import Box
from channels.errors import SequencerError
from channels.sequencer_client import SequencerClient

SOFT, PROVED, FINAL = "soft", "proved", "final"


async def see_levels(boxes: Iterable[Box], sequencer: SequencerClient) -> None:
    """Mark each box whose soft leaf was just heard. Who cannot be asked for more has it soft."""
    ahead = []
    for box in boxes:
        verified = box.state.verified
        if box.state.is_gone or verified is None or verified.leaf == box.soft:
            box.level = FINAL
        else:
            ahead.append((box, verified.slot))
    with suppress(SequencerError):
        root = await sequencer.proved_root() if ahead else 0
        while ahead:
            box, slot = ahead[-1]
            leaf = (await sequencer.channel(slot, root)).channel
            proved = leaf if leaf is not None and leaf.id == box.channel_id else None
            box.level = PROVED if proved == box.soft else SOFT
            ahead.pop()
    for box, _ in ahead:
        box.level = SOFT
