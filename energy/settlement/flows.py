"""Double entry: every amount has a payer and a payee, so an interval adds up to zero by its form.

A settlement is a list of flows of money between parties. Homes are parties, and so are the grid,
the community, the tax office and the grid's operator, which only take or give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from energy.intervals import Interval


class Outside(Enum):
    """Parties that are no homes."""

    SUPPLIER = "supplier"
    GRID_OPERATOR = "grid operator"
    COMMUNITY = "community"
    TAX_OFFICE = "tax office"


Party = int | Outside
"""A home by its account index, or a party outside."""


class FlowKind(Enum):
    """What an amount is for."""

    TRADE = "trade"
    GRID_PURCHASE = "from the grid"
    GRID_FEED_IN = "to the grid"
    DEVIATION = "deviation"
    GRID_FEE = "grid fee"
    COMMUNITY_FEE = "community fee"
    TAX = "tax"
    ADJUSTMENT = "adjustment"


class Stage(Enum):
    """How sure a settlement is: PROVISIONAL is the first of an interval, CORRECTED one that later
    readings made, FINAL one after which no correction is taken any more."""

    PROVISIONAL = "provisional"
    CORRECTED = "corrected"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Metered:
    """What a home's verified meter shows for an interval, Wh.

    `first`, `last`: digests of the readings at its start and end, from which anyone who has them
    computes the differences again. `is_measured`: False for substituted or estimated ones.
    """

    home: int
    interval: Interval
    import_wh: int
    export_wh: int
    first: bytes
    last: bytes
    is_measured: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """`payer` owes `payee` `amount_ntok` (>= 0) = energy_wh * price_utok_per_kwh.

    `trade`: the place of the trade in its clearing that it follows from, -1 for none. `adjusts`: of
    an ADJUSTMENT, the kind of what it adds to, or takes back where payer and payee are exchanged.
    """

    kind: FlowKind
    payer: Party
    payee: Party
    energy_wh: int
    price_utok_per_kwh: int
    amount_ntok: int
    trade: int = -1
    adjusts: FlowKind | None = None

    @property
    def subject(self) -> FlowKind:
        """What it is for, or for an adjustment what it adjusts."""
        return self.adjusts or self.kind


@dataclass(frozen=True, slots=True)
class Settlement:
    """Who owes whom for an interval. `clearing`: digest of the clearing it settles.

    `revision` 0 is the first. Each later one is an adjustment: `before` is the digest of the one
    before it, `metered` is what the meters show by now, and its flows come on top of all earlier
    ones. What is owed for an interval is the sum of all its settlements' flows.
    """

    interval: Interval
    clearing: bytes
    rules_version: int
    revision: int
    stage: Stage
    metered: tuple[Metered, ...]
    flows: tuple[Flow, ...]
    before: bytes = b""


def net_ntok(flows: Iterable[Flow]) -> dict[Party, int]:
    """What each party receives more than it pays; all together they are zero."""
    net: dict[Party, int] = defaultdict(int)
    for flow in flows:
        net[flow.payee] += flow.amount_ntok
        net[flow.payer] -= flow.amount_ntok
    return dict(net)
