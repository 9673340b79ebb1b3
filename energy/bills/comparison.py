"""What a home would have paid without its community: all from the grid, all to the grid.

Some members lose: fees, deviations and a price of one's own choice can cost more than a neighbour
saves. Their figures stand beside the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from energy.bills.lines import Settled
from energy.community.rules import Tariff
from energy.intervals import Interval
from energy.settlement.flows import Metered


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the same readings cost, ntok, with the community and without; below 0 is earned."""

    with_ntok: int
    without_ntok: int

    @property
    def gain_ntok(self) -> int:
        """What the community is worth to the home; below 0 where it loses by it."""
        return self.without_ntok - self.with_ntok


TariffAt = Callable[[int], Tariff]
"""The tariff in force at a time (Unix ms, UTC). Raises NothingInForce."""


def grid_alone_ntok(metered: Metered, tariff: Tariff) -> int:
    """What an interval's readings cost at the grid's tariff, below 0 where the home earns."""
    bought = metered.import_wh * tariff.retail_utok_per_kwh
    return bought - metered.export_wh * tariff.feed_in_utok_per_kwh


def compare_members(
    settled: Iterable[Settled], span: Interval, tariff_at: TariffAt
) -> dict[int, Comparison]:
    """Every home that was metered in the span, or owes or is owed for it, by its account.

    With all adjustments known. Raises NothingInForce.
    """
    costs: dict[int, int] = defaultdict(int)
    last: dict[tuple[int, Interval], tuple[int, Metered]] = {}
    for one in settled:
        settlement = one.settlement
        if not span.contains(settlement.interval.start_ms):
            continue
        for metered in settlement.metered:
            known = last.get((metered.home, settlement.interval))
            if known is None or known[0] < settlement.revision:
                last[metered.home, settlement.interval] = settlement.revision, metered
        for flow in settlement.flows:
            if isinstance(flow.payer, int):
                costs[flow.payer] += flow.amount_ntok
            if isinstance(flow.payee, int):
                costs[flow.payee] -= flow.amount_ntok
    alone: dict[int, int] = defaultdict(int)
    for (home, interval), (_, metered) in last.items():
        alone[home] += grid_alone_ntok(metered, tariff_at(interval.start_ms))
    homes = sorted(alone.keys() | costs.keys())
    return {home: Comparison(costs[home], alone[home]) for home in homes}
