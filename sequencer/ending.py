"""What L1 says of the rollup's end, and what is not taken any more because of it.

Ref: docs/protocol.md section 6. A sunset stops deposits on L1 thirty days after it was announced;
new channels stop here at the same time, so that nobody locks money up shortly before the exodus.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.transactions import Open, Transaction
from protocol.units import DAY_S
from sequencer.errors import RollupEnded, RollupEnding

LAST_OPEN_S = 30 * DAY_S
"""From a sunset's announcement to the last OPEN."""


@dataclass(frozen=True, slots=True)
class Ending:
    """L1 times in seconds, each 0 before: the exodus's start, a sunset's announcement."""

    exodus_start: int = 0
    sunset: int = 0

    def check(self, transaction: Transaction, l1_time: int) -> None:
        """Raises RollupEnded for anything after the exodus started, RollupEnding for an OPEN."""
        if self.exodus_start:
            raise RollupEnded(self.exodus_start)
        last = self.sunset + LAST_OPEN_S
        if self.sunset and isinstance(transaction.body, Open) and l1_time >= last:
            raise RollupEnding(last)
