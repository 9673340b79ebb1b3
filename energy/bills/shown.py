"""A bill in words and tables, the same for a page, a PDF and a terminal: text alone, no layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from energy.bills.bill import Bill, Group, Sum, group_of
from energy.bills.figures import kilograms, kwh, lane_name, moment, party_name, price, short, tokens
from energy.bills.lines import Line, Paid
from energy.bills.reckoning import PaidChannel, Reckoning
from energy.intervals import local_day
from energy.settlement.flows import Outside, Party, Stage
from protocol.channels import lane_paid_ntok, lane_wh

_NO_MONEY_YET = "provisional: readings may still be corrected, and then a later bill says so"


@dataclass(frozen=True, slots=True)
class SumRow:
    """What a group of lines comes to. `tokens`: what it gives the home, below 0 where it costs."""

    what: str
    lines: str
    kwh: str
    tokens: str


@dataclass(frozen=True, slots=True)
class DayRow:
    """A local day: energy each way, and what it costs."""

    day: str
    bought_kwh: str
    sold_kwh: str
    from_grid_kwh: str
    to_grid_kwh: str
    cost: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel behind a reckoning: what was promised each way, and where L1 has it."""

    channel: str
    paid: str
    received: str
    on_l1: str


@dataclass(frozen=True, slots=True)
class ReckoningRow:
    """What is due with another account; each pair: what the home owes, what is owed to it."""

    other: str
    before: tuple[str, str]
    lines: tuple[str, str]
    after: tuple[str, str]
    paid: tuple[str, str]
    open: str
    channels: tuple[ChannelRow, ...]


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line with what it rests on. `tokens`: as in SumRow. `readings`: of start and end.

    `batch`: which has settled its lane; `opened`: which has opened its channel.
    """

    number: str
    time: str
    what: str
    other: str
    kwh: str
    price: str
    tokens: str
    rules: str
    readings: str
    settlement: str
    clearing: str
    order: str
    paid: str
    batch: str
    opened: str


@dataclass(frozen=True, slots=True)
class ShownBill:
    """All that a bill shows. `figures`: (what, how much), the most important first."""

    title: str
    subtitle: str
    figures: tuple[tuple[str, str], ...]
    sums: tuple[SumRow, ...]
    days: tuple[DayRow, ...]
    reckonings: tuple[ReckoningRow, ...]
    lines: tuple[LineRow, ...]
    notes: tuple[str, ...]


def show_bill(bill: Bill, names: Mapping[int, str] | None = None) -> ShownBill:
    """A bill for people. `names`: of accounts, where they are known."""
    zone, known = ZoneInfo(bill.zone), names or {}
    opened = {one.channel_id: one.opened for each in bill.reckonings for one in each.channels}
    return ShownBill(
        f"Bill of {bill.name} for {bill.month}",
        f"{bill.community}, account {bill.home}; entry {bill.head.place} of the market's journal, "
        f"{short(bill.head.chain)}",
        _figures(bill),
        tuple(
            SumRow(group.value, str(one.lines), _energy(group, one), tokens(one.net_ntok))
            for group, one in bill.sums.items()
        ),
        _days(bill, zone),
        tuple(_reckoning(one, known) for one in bill.reckonings),
        tuple(_line(bill, one, zone, known, opened) for one in bill.lines),
        _notes(bill),
    )


def _figures(bill: Bill) -> tuple[tuple[str, str], ...]:
    cost, gain = bill.cost_ntok, bill.comparison.gain_ntok
    found = [
        ("the month costs" if cost >= 0 else "the month earns", f"{tokens(abs(cost))} tokens"),
        ("with the community", f"{tokens(bill.comparison.with_ntok)} tokens"),
        ("without it, all by the grid", f"{tokens(bill.comparison.without_ntok)} tokens"),
        (
            "saved by the community" if gain >= 0 else "LOST by the community",
            f"{tokens(abs(gain))} tokens",
        ),
        (
            "still open with neighbours",
            f"{tokens(sum(one.open_ntok for one in bill.reckonings))} tokens",
        ),
    ]
    if bill.avoided is not None:
        found.append(
            ("CO2 equivalent of the grid not bought", f"{kilograms(bill.avoided.milligrams)} kg")
        )
    return tuple(found)


def _energy(group: Group, one: Sum) -> str:
    return "" if group is Group.ADJUSTMENT else kwh(one.energy_wh)


def _days(bill: Bill, zone: ZoneInfo) -> tuple[DayRow, ...]:
    energy: dict[date, dict[Group, int]] = defaultdict(lambda: defaultdict(int))
    costs: dict[date, int] = defaultdict(int)
    for line in bill.lines:
        day = local_day(bill.entries[line.entry].interval.start_ms, zone)
        energy[day][group_of(line)] += line.energy_wh
        costs[day] -= line.net_ntok
    return tuple(
        DayRow(
            day.isoformat(),
            kwh(energy[day][Group.BOUGHT]),
            kwh(energy[day][Group.SOLD]),
            kwh(energy[day][Group.FROM_GRID]),
            kwh(energy[day][Group.TO_GRID]),
            tokens(costs[day]),
        )
        for day in sorted(costs)
    )


def _reckoning(reckoning: Reckoning, names: Mapping[int, str]) -> ReckoningRow:
    def pair(amounts: tuple[int, int]) -> tuple[str, str]:
        return tokens(amounts[0]), tokens(amounts[1])

    return ReckoningRow(
        _named(reckoning.other, names),
        pair(reckoning.before_ntok),
        pair(reckoning.lines_ntok),
        pair(reckoning.after_ntok),
        pair(reckoning.paid_ntok),
        tokens(reckoning.open_ntok),
        tuple(_channel(one) for one in reckoning.channels),
    )


def _channel(channel: PaidChannel) -> ChannelRow:
    own, theirs = (channel.lane_value(channel.lane(way)) for way in (True, False))
    places = [
        f"opened in batch {channel.opened}" if channel.opened else "opening batch not looked up"
    ]
    if channel.ended:
        places.append(f"settled in batch {channel.ended}")
    return ChannelRow(
        f"{channel.channel_id:#x}",
        f"{tokens(lane_paid_ntok(own))} for {kwh(lane_wh(own))} kWh",
        f"{tokens(lane_paid_ntok(theirs))} for {kwh(lane_wh(theirs))} kWh",
        ", ".join(places),
    )


def _line(
    bill: Bill, line: Line, zone: ZoneInfo, names: Mapping[int, str], opened: Mapping[int, int]
) -> LineRow:
    entry = bill.entries[line.entry]
    metered = entry.metered
    adjusts = "" if line.adjusts is None else f" of {line.adjusts.value}"
    return LineRow(
        str(line.number),
        moment(entry.interval.start_ms, zone),
        line.kind.value + adjusts,
        _named(line.other, names),
        kwh(line.energy_wh),
        price(line.price_utok_per_kwh),
        tokens(line.net_ntok),
        str(entry.rules_version),
        f"{short(metered.first)} {short(metered.last)}" if metered else "none",
        f"{short(entry.settlement)} (entry {entry.place})",
        short(entry.clearing),
        short(line.order),
        _paid(line),
        str(line.payment.batch or ""),
        str(opened.get(line.payment.channel_id) or ""),
    )


def _paid(line: Line) -> str:
    payment = line.payment
    if payment.how is Paid.OUTSIDE:
        return "by the supplier's bill"
    if payment.how is not Paid.VOUCHER:
        return str(payment.how.value)
    amount = tokens(lane_paid_ntok(payment.lane_value))
    return f"{payment.channel_id:#x} {lane_name(payment.lane)} {amount}"


def _named(party: Party, names: Mapping[int, str]) -> str:
    if isinstance(party, Outside):
        return party.value
    return names[party] if party in names else party_name(party)


def _notes(bill: Bill) -> tuple[str, ...]:
    notes = []
    if any(one.stage is Stage.PROVISIONAL for one in bill.entries):
        notes.append(f"Some intervals are {_NO_MONEY_YET}.")
    if bill.without_reading:
        notes.append(
            f"In {bill.without_reading} intervals there was no verified reading of this home, so "
            "nothing was paid in them."
        )
    if bill.open_lines:
        notes.append(f"{bill.open_lines} lines are not paid by any voucher yet.")
    if bill.batches:
        notes.append(f"Batches are those among the first {bill.batches} on L1.")
    else:
        notes.append("L1 was not asked, so no batch is named.")
    notes.append(
        "What is from and to the grid is the supplier's own bill and is shown here, not paid here."
    )
    if bill.avoided is not None:
        notes.append(
            f"CO2: {kwh(bill.avoided.energy_wh)} kWh bought from green neighbours at "
            f"{bill.avoided.carbon.grams_per_kwh} g a kWh, an average of the grid by "
            f"{bill.avoided.carbon.source}. It is what buying them from the grid would have "
            "counted for; the panels would have fed them in without the community too."
        )
    notes.append(
        "Check it: wattlane bill verify FILE recomputes every line and names the first that does "
        "not follow."
    )
    return tuple(notes)
