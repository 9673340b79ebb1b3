"""What a community has chosen: how it clears, shares, prices deviations, pays and charges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from energy.intervals import QUARTER_MS


class ClearingRule(Enum):
    """How prices come about."""

    UNIFORM = "uniform"
    PAY_AS_BID = "pay-as-bid"
    SUPPLY_DEMAND = "supply-demand"


class Timing(Enum):
    """When an interval is cleared.

    AFTER: with what the meters have shown, so that every trade is delivered. AHEAD: with what the
    orders promise, so that trades are settled against the meters and deviations are priced.
    """

    AFTER = "after"
    AHEAD = "ahead"


class SharingRule(Enum):
    """Who gets how much where not all can have what they want at the same price.

    MOST_DELIVERED says how a settlement shares what the meters show: so that the most is delivered
    of all trades together. A clearing shares pro rata under it.
    """

    PRO_RATA = "pro-rata"
    FIRST_IN_FIRST_OUT = "first-in-first-out"
    MOST_DELIVERED = "most-delivered"


class DeviationRule(Enum):
    """Who pays whom where the meters show less than was traded (AHEAD only).

    TO_THE_OTHER_SIDE: what both meters bear out is paid, and a side pays `short_utok_per_kwh` on
    each kWh that it is short to the other. EACH_ITS_OWN: the trade is paid in full, and each side
    settles its own deviation with the supplier: a seller buys what it is short at
    `short_utok_per_kwh`, a buyer gives back what it did not take at `surplus_utok_per_kwh`.
    """

    TO_THE_OTHER_SIDE = "to-the-other-side"
    EACH_ITS_OWN = "each-its-own"


class PaymentMode(Enum):
    """STREAMING pays at every reading and trues up at the interval's end; SLOT pays once."""

    STREAMING = "streaming"
    SLOT = "slot"


class Topology(Enum):
    """MESH: a channel a pair. HUB: each home has one, with the community's account."""

    MESH = "mesh"
    HUB = "hub"


class FeeKind(Enum):
    """Whose money a fee is."""

    GRID = "grid fee"
    COMMUNITY = "community fee"
    TAX = "tax"


class Side(Enum):
    """A side of a trade."""

    SELL = "sell"
    BUY = "buy"


@dataclass(frozen=True, slots=True)
class Fee:
    """On each kWh traded between neighbours, paid by one side. Exact in ntok, as prices are."""

    kind: FeeKind
    utok_per_kwh: int
    paid_by: Side


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of the grid in force from `valid_from_ms` until the next tariff, utok per kWh.

    `retail`: what the grid takes for a kWh, all included; `feed_in`: what it pays.
    """

    valid_from_ms: int
    retail_utok_per_kwh: int
    feed_in_utok_per_kwh: int
    fees: tuple[Fee, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a community's rules, in force from `valid_from_ms` until the next version.

    `deviation`, `short_utok_per_kwh`, `surplus_utok_per_kwh`: what a side that delivered or took
    less than its trade pays or gets on each kWh missing (AHEAD only). `adjust_days`: how long
    readings may be corrected.
    """

    version: int
    valid_from_ms: int
    clearing: ClearingRule = ClearingRule.SUPPLY_DEMAND
    timing: Timing = Timing.AFTER
    sharing: SharingRule = SharingRule.PRO_RATA
    mode: PaymentMode = PaymentMode.STREAMING
    topology: Topology = Topology.MESH
    interval_ms: int = QUARTER_MS
    short_utok_per_kwh: int = 0
    adjust_days: int = 60
    deviation: DeviationRule = DeviationRule.TO_THE_OTHER_SIDE
    surplus_utok_per_kwh: int = 0

    @property
    def shortfall_utok_per_kwh(self) -> int:
        """What a side may come to owe the other one on each kWh that it is short: 0 where nothing
        can be short, or where it settles that with the supplier."""
        is_owed = self.deviation is DeviationRule.TO_THE_OTHER_SIDE
        return self.short_utok_per_kwh if self.timing is Timing.AHEAD and is_owed else 0
