"""Bills in a terminal: the same tables as on paper, and what a month is worth to each member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from energy.bills.comparison import compare_members
from energy.bills.figures import tokens
from energy.bills.month import Month, month_of
from energy.bills.shown import LineRow, ReckoningRow, ShownBill
from wattlane.billing import Progress, read_copy
from wattlane.errors import BadChoice


def bill_lines(shown: ShownBill, with_lines: bool) -> Iterator[str]:
    """A bill, line by line of text."""
    yield shown.title
    yield f"  {shown.subtitle}"
    yield ""
    for what, much in shown.figures:
        yield f"  {what:<40}{much:>26}"
    yield ""
    yield f"  {'':<26}{'lines':>8}{'kWh':>14}{'tokens':>20}"
    for one in shown.sums:
        yield f"  {one.what:<26}{one.lines:>8}{one.kwh:>14}{one.tokens:>20}"
    for each in shown.reckonings:
        yield ""
        yield from _reckoning(each)
    if with_lines:
        yield ""
        yield from _lines(shown.lines)
    yield ""
    for note in shown.notes:
        yield f"  {note}"


def _reckoning(row: ReckoningRow) -> Iterator[str]:
    yield f"  {row.other:<26}{'the home owes':>20}{'is owed to it':>20}"
    for what, both in (
        ("before", row.before),
        ("on this bill", row.lines),
        ("after", row.after),
        ("paid by vouchers", row.paid),
    ):
        yield f"    {what:<24}{both[0]:>20}{both[1]:>20}"
    yield f"    {'still open':<24}{row.open:>20}"
    for one in row.channels:
        yield f"    channel {one.channel}: paid {one.paid}; received {one.received}; {one.on_l1}"


def _lines(rows: Sequence[LineRow]) -> Iterator[str]:
    for row in rows:
        batch = f", batch {row.batch}" if row.batch else ""
        if row.opened and not row.batch:
            batch = f", in no batch yet, its channel since batch {row.opened}"
        yield (
            f"  {row.number:>5}  {row.time}  {row.what}, {row.other}: {row.kwh} kWh at {row.price},"
            f" {row.tokens} tokens"
        )
        yield (
            f"         rules {row.rules}, readings {row.readings}, settlement {row.settlement}, "
            f"clearing {row.clearing}, order {row.order or 'none'}, paid: {row.paid}{batch}"
        )


def member_lines(journal: Path, month: Month | None, progress: Progress) -> list[str]:
    """What a month cost each member with the community and without, those who lose included.

    Raises what reading the journal raises, and BadChoice where nothing was settled.
    """
    copy = read_copy(journal, None, progress=progress)
    community, names = copy.community, copy.history.names
    if not copy.settled:
        raise BadChoice(f"nothing was settled up to entry {copy.head.place} of the journal")
    if copy.fault is not None:
        what = f"entry {copy.fault.place} of the journal does not follow: {copy.fault.why}"
        raise BadChoice(what)
    zone = community.zone_info
    last_ms = copy.settled[-1].settlement.interval.start_ms
    chosen = month or month_of(last_ms, zone)
    found = compare_members(copy.settled, chosen.span(zone), community.tariff_at)
    lines = [
        f"{community.name}, {chosen}: what the month costs, in tokens; below 0 it earns",
        f"  {'':<24}{'with':>18}{'without':>18}{'gain':>18}",
    ]
    for home, one in found.items():
        loses = "  loses" if one.gain_ntok < 0 else ""
        row = one.with_ntok, one.without_ntok, one.gain_ntok
        figures = "".join(f"{tokens(amount):>18}" for amount in row)
        lines.append(f"  {names.get(home, str(home)):<24}{figures}{loses}")
    losers = sum(one.gain_ntok < 0 for one in found.values())
    gain = tokens(sum(one.gain_ntok for one in found.values()))
    lines.append(f"  {len(found)} members, {losers} lose; all together gain {gain}")
    return lines
