"""The bill of a home for a month, made from the records alone: the same ones give the same bill.

Records: the market's journal up to an entry, the home's channels, and what L1's batches have of
them. Money that goes through channels is reckoned with each account; the supplier's part is shown
and never paid here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from energy.bills.comparison import Comparison, compare_members
from energy.bills.lines import Entry, Line, Own, Paid, Payment, Settled, entry_of, own_flows
from energy.bills.month import Month
from energy.bills.reckoning import Dues, PaidChannel, Part, Reckoning, payment_of
from energy.clearing.trades import Clearing
from energy.community.community import Carbon, Community
from energy.community.history import History
from energy.community.rules import Side
from energy.errors import NothingToBill
from energy.intervals import Interval
from energy.settlement.flows import FlowKind


@dataclass(frozen=True, slots=True)
class Head:
    """The journal's entry up to which a bill was made, and the hash of all up to it."""

    place: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Records:
    """All that a bill follows from, each part checked by whoever read it.

    `history`: the community over time: a home that has left has bills, too.
    `settled`: every settlement of the journal up to `head`, in its order. `clearings`: by digest.
    `channels`: the home's. `batches`: how many batches of L1 were looked at, 0 for none.
    """

    history: History
    head: Head
    settled: Sequence[Settled]
    clearings: Mapping[bytes, Clearing]
    channels: Sequence[PaidChannel] = ()
    batches: int = 0

    @property
    def community(self) -> Community:
        """The community as it was at the head."""
        return self.history.latest.community


class Group(Enum):
    """What a bill adds its lines up to, in this order."""

    BOUGHT = "bought from neighbours"
    SOLD = "sold to neighbours"
    FROM_GRID = "from the grid"
    TO_GRID = "to the grid"
    DEVIATION = "deviations"
    GRID_FEE = "grid fee"
    COMMUNITY_FEE = "community fee"
    TAX = "tax"
    ADJUSTMENT = "adjustments"


_GROUPS = {
    FlowKind.GRID_PURCHASE: Group.FROM_GRID,
    FlowKind.GRID_FEED_IN: Group.TO_GRID,
    FlowKind.DEVIATION: Group.DEVIATION,
    FlowKind.GRID_FEE: Group.GRID_FEE,
    FlowKind.COMMUNITY_FEE: Group.COMMUNITY_FEE,
    FlowKind.TAX: Group.TAX,
    FlowKind.ADJUSTMENT: Group.ADJUSTMENT,
}


@dataclass(frozen=True, slots=True)
class Sum:
    """Lines of one group: how many, their energy, and what they give to the home (ntok)."""

    lines: int = 0
    energy_wh: int = 0
    net_ntok: int = 0


@dataclass(frozen=True, slots=True)
class Avoided:
    """What the energy bought from green neighbours would have emitted from the grid.

    `milligrams` = energy_wh * carbon.grams_per_kwh, exactly.
    """

    carbon: Carbon
    energy_wh: int

    @property
    def milligrams(self) -> int:
        """Of CO2 equivalent."""
        return self.energy_wh * self.carbon.grams_per_kwh


@dataclass(frozen=True, slots=True)
class Bill:
    """What a home bought, sold and paid in a month. `domain`: the rollup's.

    `without_reading`: how many settled intervals of the month had no verified reading of the home,
    so that nothing was paid in them. `avoided`: only where the community's file states a factor.
    """

    community: str
    domain: int
    home: int
    name: str
    month: Month
    zone: str
    head: Head
    batches: int
    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    reckonings: tuple[Reckoning, ...]
    without_reading: int
    comparison: Comparison
    avoided: Avoided | None = None

    @property
    def sums(self) -> dict[Group, Sum]:
        """What its lines add up to, group by group, in their order; groups without lines left out.

        The energy of a group is that of its lines; of adjustments, what they add less what they
        take back is in their amounts alone.
        """
        found: dict[Group, Sum] = {}
        for line in self.lines:
            group = group_of(line)
            known = found.get(group, Sum())
            found[group] = Sum(
                known.lines + 1, known.energy_wh + line.energy_wh, known.net_ntok + line.net_ntok
            )
        return {group: found[group] for group in Group if group in found}

    @property
    def cost_ntok(self) -> int:
        """What the month costs the home; below 0 where it earns."""
        return -sum(line.net_ntok for line in self.lines)

    @property
    def open_lines(self) -> int:
        """Lines that nothing pays yet."""
        return sum(line.payment.how is Paid.OPEN for line in self.lines)


def group_of(line: Line) -> Group:
    """What a line counts to."""
    if line.kind is FlowKind.TRADE:
        return Group.BOUGHT if line.owes else Group.SOLD
    return _GROUPS[line.kind]


def make_bill(records: Records, home: int, month: Month) -> Bill:
    """The bill. Raises NothingToBill, UnknownMember, NothingInForce, BadCommunity."""
    community, zone = records.community, records.community.zone_info
    span = month.span(zone)
    name = records.history.member(home, span.end_ms - 1).name
    draft = _Draft(records, home)
    without = 0
    for settled in records.settled:
        part = _part(settled, span)
        entry = entry_of(home, settled)
        if part is Part.LINES and entry.metered is None and not entry.revision:
            without += 1
        draft.take(settled, entry, part)
    if not draft.lines and not draft.entries:
        raise NothingToBill(home, str(month))
    lines, reckonings = draft.finish()
    compared = compare_members(records.settled, span, community.tariff_at)
    return Bill(
        community.name,
        community.domain,
        home,
        name,
        month,
        community.zone,
        records.head,
        records.batches,
        tuple(draft.entries),
        lines,
        reckonings,
        without,
        compared.get(home, Comparison(0, 0)),
        _avoided_by(lines, draft.entries, records.history),
    )


def _part(settled: Settled, span: Interval) -> Part:
    if span.contains(settled.billed_ms):
        return Part.LINES
    return Part.BEFORE if settled.billed_ms < span.start_ms else Part.AFTER


def _avoided_by(
    lines: Sequence[Line], entries: Sequence[Entry], history: History
) -> Avoided | None:
    """From what was bought of members that were green by the file in force in the interval; None
    without a stated factor."""
    carbon = history.latest.community.carbon
    if carbon is None:
        return None
    energy_wh = 0
    for one in lines:
        if one.kind is FlowKind.TRADE and one.owes and isinstance(one.other, int):
            seller = history.member(one.other, entries[one.entry].interval.start_ms)
            energy_wh += one.energy_wh if seller.is_green else 0
    return Avoided(carbon, energy_wh)


class _Draft:
    """Takes settlements in the journal's order, then knows every line's payment."""

    def __init__(self, records: Records, home: int) -> None:
        self._records, self._home = records, home
        self._channels = sorted(records.channels, key=lambda one: one.channel_id)
        self._topology = {one.version: one.topology for one in records.community.rules}
        self._dues: dict[int, Dues] = defaultdict(Dues)
        self._places: list[tuple[bool, int, int]] = []
        self.entries: list[Entry] = []
        self.lines: list[Line] = []

    def take(self, settled: Settled, entry: Entry, part: Part) -> None:
        """Add a settlement up; where it is the bill's, its flows become lines."""
        flows = list(self._flows(settled))
        mine = part is Part.LINES
        if mine and (flows or entry.metered is not None):
            self.entries.append(entry)
        for own in flows:
            place = self._dues[own.with_account].add(part, own.in_own_lane, own.due_ntok)
            if mine:
                self._places.append((own.in_own_lane, own.due_ntok, place))
                self.lines.append(self._line(own, settled.settlement.clearing))

    def _flows(self, settled: Settled) -> Iterator[Own]:
        settlement, community = settled.settlement, self._records.community
        clearing = self._records.clearings.get(settlement.clearing)
        trades = clearing.trades if clearing else ()
        topology = self._topology[settlement.rules_version]
        return own_flows(self._home, settlement, trades, topology, community.account)

    def _line(self, own: Own, clearing: bytes) -> Line:
        flow = own.flow
        return Line(
            len(self.lines) + 1,
            len(self.entries) - 1,
            flow.kind,
            flow.adjusts,
            own.other,
            own.owes,
            flow.energy_wh,
            flow.price_utok_per_kwh,
            flow.amount_ntok,
            own.with_account,
            self._order(flow.trade, clearing),
            Payment(Paid.OUTSIDE),
        )

    def _order(self, trade: int, clearing: bytes) -> bytes:
        known = self._records.clearings.get(clearing)
        if trade < 0 or known is None or trade >= len(known.trades):
            return b""
        found = known.trades[trade]
        if found.seller == self._home:
            return found.sell_order
        return found.buy_order if found.buyer == self._home else b""

    def finish(self) -> tuple[tuple[Line, ...], tuple[Reckoning, ...]]:
        """All lines with their payments, and the reckoning with each account, by its number."""
        reckonings = {
            other: dues.reckoning(other, [one for one in self._channels if one.other == other])
            for other, dues in sorted(self._dues.items())
            if other >= 0
        }
        needed = {other: dues.needed() for other, dues in self._dues.items()}
        lines = []
        for line, (in_own_lane, due_ntok, place) in zip(self.lines, self._places, strict=True):
            reckoning = reckonings.get(line.with_account)
            if reckoning is not None:
                needed_ntok = needed[line.with_account][0 if in_own_lane else 1][place]
                paid = payment_of(reckoning, in_own_lane, due_ntok, needed_ntok)
                line = replace(line, payment=paid)
            lines.append(line)
        return tuple(lines), tuple(one.without_steps() for one in reckonings.values())


def side_of(line: Line) -> Side:
    """Which of the home's orders a trade's line follows from."""
    return Side.BUY if line.owes else Side.SELL
