"""Ten thousand channels on one machine: what they take of disk, memory and time.

The state here has its leaves and no Merkle tree over them: benches/watchtower.py has both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from benches.watchtower import CLOSE_AT_ONCE, measure
from channels.handover import MOST_RECORD_BYTES
from protocol.channels import Channel
from protocol.state import State
from tests.channels.street import LEAF
from tests.watchtower.street import CLOSING

CHANNELS = 10_000
ROUND_S = 120.0
"""A quarter of the shortest window is 21,600 s."""
MEMORY_BYTES = 400 << 20


class Leaves:
    """What a tower asks of a state."""

    root = 5

    def __init__(self, count: int) -> None:
        leaves = [replace(LEAF, epoch=number) for number in range(count)]
        leaves[:CLOSE_AT_ONCE] = [replace(CLOSING, epoch=n) for n in range(CLOSE_AT_ONCE)]
        self.channels: dict[int, Channel] = dict(enumerate(leaves))
        self._slots = {one.id: slot for slot, one in self.channels.items()}

    def slot_of(self, channel_id: int) -> int:
        return self._slots[channel_id]

    def find_channel(self, slot: int) -> Channel | None:
        return self.channels.get(slot)


async def test_ten_thousand_channels_are_watched_on_one_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await measure(tmp_path, CHANNELS, cast(State, Leaves(CHANNELS)))
    with capsys.disabled():
        print(f"\n{found}")
    assert found.claimed == found.forced == CLOSE_AT_ONCE
    assert max(found.busy_round_s, found.quiet_round_s) < ROUND_S
    assert found.memory_bytes < MEMORY_BYTES
    assert found.bytes_a_lane < 1.2 * MOST_RECORD_BYTES
