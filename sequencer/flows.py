"""Who has reported how much energy lately: bounded memory, nothing durable, nothing proved.

Homes that opt in sign what they have bought in each channel so far (protocol/flows.py). The board
keeps a minute's worth; another worker's reports come over the bus. A restart forgets it all.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from protocol.channels import Channel
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.flows import FlowReport, report_from_json, report_to_json
from sequencer.bus import Bus
from sequencer.errors import FlowNotNew

TOPIC = "flows"
RECENT_S = 60.0
CLOCKS_APART_S = 300
MOST_LANES = 4_096
MOST_SAMPLES = 32


@dataclass(frozen=True, slots=True)
class Flow:
    """One lane as its payer reported it: all ever, and what was added in the last minute."""

    channel_id: int
    payer: int
    payee: int
    total_wh: int
    recent_wh: int


@dataclass(slots=True)
class _Lane:
    """Samples (received at, total) of the last minute, after one from before it."""

    payer: int
    payee: int
    samples: deque[tuple[float, int]] = field(default_factory=deque)


class FlowBoard:
    """Belongs to one event loop. `clock`: this machine's, Unix seconds."""

    def __init__(self, bus: Bus, clock: Callable[[], float]) -> None:
        self._bus, self._clock = bus, clock
        self._lanes: OrderedDict[tuple[int, int], _Lane] = OrderedDict()
        self._newest: OrderedDict[int, int] = OrderedDict()
        self._following: asyncio.Task[None] | None = None

    def check_time(self, report: FlowReport) -> None:
        """Raises FlowNotNew for one that is not younger than the account's last, or far off."""
        if report.time <= self._newest.get(report.account_index, -1):
            raise FlowNotNew(report.time, "one as young is here already")
        if abs(report.time - self._clock()) > CLOCKS_APART_S:
            raise FlowNotNew(report.time, f"clocks are more than {CLOCKS_APART_S} s apart")

    async def publish(
        self, report: FlowReport, signature: Signature, channels: Mapping[int, Channel]
    ) -> int:
        """Take a verified report here and tell the other workers; how many lines it took.

        `channels`: those that exist, by id. Raises FlowNotNew.
        """
        self.check_time(report)
        taken = self.take(report, channels)
        await self._bus.publish(TOPIC, json.dumps(report_to_json(report, signature)).encode())
        return taken

    def take(self, report: FlowReport, channels: Mapping[int, Channel]) -> int:
        """Keep what a report says of channels that exist and that are its reporter's."""
        now, taken, payer = self._clock(), 0, report.account_index
        self._newest[payer] = max(report.time, self._newest.get(payer, 0))
        self._newest.move_to_end(payer)
        if len(self._newest) > MOST_LANES:
            self._newest.popitem(last=False)
        for line in report.lines:
            channel = channels.get(line.channel_id)
            if channel is None or payer not in (channel.a_index, channel.b_index):
                continue
            payee = channel.b_index if payer == channel.a_index else channel.a_index
            lane = self._lanes.setdefault((line.channel_id, payer), _Lane(payer, payee))
            if lane.samples and line.bought_wh < lane.samples[-1][1]:
                continue
            lane.samples.append((now, line.bought_wh))
            _trim(lane.samples, now)
            self._lanes.move_to_end((line.channel_id, payer))
            taken += 1
        while len(self._lanes) > MOST_LANES:
            self._lanes.popitem(last=False)
        return taken

    def flows(self, channels: Mapping[int, Channel]) -> list[Flow]:
        """Every reported lane of a channel that still exists, the newest report last."""
        now, found = self._clock(), []
        for (channel_id, payer), lane in list(self._lanes.items()):
            if channel_id not in channels:
                del self._lanes[channel_id, payer]
                continue
            _trim(lane.samples, now)
            total = lane.samples[-1][1]
            recent = total - lane.samples[0][1]
            found.append(Flow(channel_id, payer, lane.payee, total, recent))
        return found

    def follow(self, channels: Callable[[], Mapping[int, Channel]]) -> None:
        """Take over what other workers verified, from now on; once is enough."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(channels), name="flows")

    async def _follow(self, channels: Callable[[], Mapping[int, Channel]]) -> None:
        async with self._bus.subscribe(TOPIC) as messages:
            async for message in messages:
                try:
                    report, _ = report_from_json(json.loads(message))
                except (ProtocolError, ValueError):
                    continue
                if report.time > self._newest.get(report.account_index, -1):
                    self.take(report, channels())


def _trim(samples: deque[tuple[float, int]], now: float) -> None:
    """Leave the last sample from before the minute, and no more than MOST_SAMPLES."""
    while len(samples) > 1 and samples[1][0] < now - RECENT_S:
        samples.popleft()
    while len(samples) > MOST_SAMPLES:
        del samples[1]
