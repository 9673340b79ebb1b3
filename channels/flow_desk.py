"""Telling the sequencer what was bought so far, for pictures, by a home that has chosen to.

Nothing depends on it: a report that fails is dropped, and the next one says all that it said.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from channels.box import Box
from channels.errors import SequencerError
from channels.lanes import Sign
from channels.sequencer_client import SequencerClient
from protocol.channels import lane_wh
from protocol.flows import MOST_LINES, FlowLine, FlowReport

EVERY_S = 2.0
_log = structlog.get_logger(__name__)


class FlowDesk:
    """Reports the own lanes of one node's channels. `clock`: Unix seconds."""

    def __init__(
        self,
        account_index: int,
        domain: int,
        sign: Sign,
        sequencer: SequencerClient,
        boxes: dict[int, Box],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account_index, self._domain, self._sign = account_index, domain, sign
        self._sequencer, self._boxes, self._clock = sequencer, boxes, clock
        self._told: dict[int, int] = {}
        self._last = 0

    async def run(self) -> None:
        """Report without end, where something has changed."""
        while True:
            with contextlib.suppress(SequencerError):
                await self.report()
            await asyncio.sleep(EVERY_S)

    async def report(self) -> bool:
        """Report what has changed since the last report that was taken; whether there was any.

        Raises SequencerError leaves.
        """
        now = {
            id_: lane_wh(box.state.signed_lane)
            for id_, box in list(self._boxes.items())
            if not box.state.is_gone
        }
        changed = [id_ for id_, bought_wh in now.items() if self._told.get(id_) != bought_wh]
        if not changed:
            return False
        lines = tuple(FlowLine(id_, now[id_]) for id_ in changed[:MOST_LINES])
        self._last = max(int(self._clock()), self._last + 1)
        report = FlowReport(self._account_index, self._last, lines)
        await self._sequencer.report_flows(report, self._sign(report.message(self._domain)))
        self._told.update((line.channel_id, line.bought_wh) for line in lines)
        return True
