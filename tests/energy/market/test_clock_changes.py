"""Days of 92 and 100 quarters of an hour in a market: rounds, prices, budgets and meters."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.community.rules import PaymentMode, Rules, Side, Timing
from energy.intervals import QUARTER_MS, day_span, days_before
from energy.market.entries import following
from energy.market.journal import Journal
from energy.market.market import fold
from energy.market.views import prices
from energy.settlement.flows import FlowKind
from tests.energy.community.streets import START_MS
from tests.energy.market.journals import KEY
from tests.energy.market.street import NOTHING_YET, Street, community_of

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_MS = 3_600_000
PRICE = 100_000
SPARE = 4
"""Quarters of an hour that the day's budget does not reach."""
LONG_DAY = date(2026, 10, 25)


def _registers(number: int) -> dict[int, tuple[int, int]]:
    """After so many quarters: home 1 gives 100 Wh in each, 3 takes them; 2 does both."""
    return {1: (0, 100 * number), 2: (7 * number, number**2), 3: (100 * number, 0)}


@pytest.mark.parametrize(("day", "count"), [(LONG_DAY, 100), (date(2027, 3, 28), 92)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(
    day: date, count: int, tmp_path: Path
) -> None:
    """From an hour before its midnight until half an hour after the next one."""
    span, before = day_span(day, BERLIN), 4
    assert span.length_ms == count * QUARTER_MS
    first_ms, budget_ntok = span.start_ms - before * QUARTER_MS, (count - SPARE) * 100 * PRICE
    made = Street()
    made.begin(first_ms)
    made.put(made.order(1, Side.SELL, PRICE), first_ms)
    made.put(made.order(3, Side.BUY, PRICE, budget_ntok=budget_ntok), first_ms)
    made.read_all(first_ms, NOTHING_YET)
    for number in range(1, before + count + 3):
        made.read_all(first_ms + number * QUARTER_MS, _registers(number))
        assert made.make_due(first_ms + number * QUARTER_MS) == 2
    journal = Journal(tmp_path, KEY.public)
    journal.append(made.entries)
    market = fold(following(journal.entries(), KEY.public))
    journal.close()
    rounds = market.periods.rounds
    of_day = [rounds[start] for start in rounds if span.contains(start)]
    assert (len(rounds), len(of_day)) == (before + count + 2, count)
    rows = prices(market, day, market.time_ms)
    assert (len(rows), rows[0].start_ms, rows[-1].end_ms) == (count, span.start_ms, span.end_ms)
    assert [row.traded_wh for row in rows] == [100] * (count - SPARE) + [0] * SPARE
    after = prices(market, day + timedelta(days=1), market.time_ms)
    assert [row.traded_wh for row in after[:2]] == [100, 100]  # a new day's budget
    at_midnights = _registers(before), _registers(before + count)
    for home, (import_wh, export_wh) in at_midnights[1].items():
        shown = [one for found in of_day for one in found.chain[-1].metered if one.home == home]
        assert sum(one.import_wh for one in shown) == import_wh - at_midnights[0][home][0]
        assert sum(one.export_wh for one in shown) == export_wh - at_midnights[0][home][1]
    bought = [flow for found in of_day for flow in found.chain[0].flows if flow.payer == 3]
    of_kind = {kind: sum(one.energy_wh for one in bought if one.kind is kind) for kind in FlowKind}
    assert of_kind[FlowKind.TRADE] == (count - SPARE) * 100
    assert of_kind[FlowKind.GRID_PURCHASE] == SPARE * 100
    assert sum(one.amount_ntok for one in bought if one.kind is FlowKind.TRADE) == budget_ntok


def test_what_is_expected_ahead_is_of_the_same_local_time() -> None:
    """Home 1 gives energy from noon to one, by the clock on the wall, also after it was changed."""
    rules = Rules(1, START_MS, timing=Timing.AHEAD, mode=PaymentMode.SLOT, interval_ms=HOUR_MS)
    made = Street(community_of(rules=(rules,)))
    first_ms = day_span(LONG_DAY - timedelta(days=1), BERLIN).start_ms + 11 * HOUR_MS
    made.begin(first_ms - HOUR_MS)
    made.put(made.order(1, Side.SELL, 100_000), first_ms - HOUR_MS)
    made.put(made.order(3, Side.BUY, 250_000, energy_wh=500), first_ms - HOUR_MS)
    made.read_all(first_ms, NOTHING_YET)
    for hour in range(1, 27):
        shown = {1: (0, 500 if hour > 1 else 0), 2: (0, 0), 3: (0, 0)}
        made.read_all(first_ms + hour * HOUR_MS, shown)
        made.make_due(first_ms + hour * HOUR_MS)
    rounds = made.market.periods.rounds.values()
    traded = [one.interval.start_ms for one in rounds if one.clearing.trades]
    assert traded == [
        day_span(LONG_DAY, BERLIN).start_ms + 13 * HOUR_MS
    ]  # noon: an hour came twice


def test_the_same_local_time_days_before() -> None:
    long, after = day_span(LONG_DAY, BERLIN), day_span(LONG_DAY + timedelta(days=1), BERLIN)
    half_past = 2 * HOUR_MS + HOUR_MS // 2
    assert days_before(after.start_ms + half_past, 1, BERLIN) == long.start_ms + half_past
    twice = [long.start_ms + half_past + more for more in (0, HOUR_MS)]
    before = day_span(LONG_DAY - timedelta(days=1), BERLIN)
    assert {days_before(one, 1, BERLIN) for one in twice} == {before.start_ms + half_past}
    short = day_span(date(2027, 3, 28), BERLIN)
    next_ms = short.end_ms
    assert days_before(next_ms + half_past, 1, BERLIN) is None
    assert days_before(next_ms + half_past, 2, BERLIN) == short.start_ms - 24 * HOUR_MS + half_past
    assert days_before(next_ms + 12 * HOUR_MS + 1, 1, BERLIN) == short.start_ms + 11 * HOUR_MS + 1
