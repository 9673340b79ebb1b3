"""Readings that come late settle what was left open, and count as if they had been in time."""

from __future__ import annotations

import pytest

from energy.community.rules import PaymentMode, Rules, Side, Timing
from energy.market.market import fold
from energy.market.periods import GATE_MS, GRACE_MS
from energy.settlement.flows import FlowKind, Stage
from energy.settlement.revise import corrected_until_ms, stage_at
from tests.energy.community.streets import START_MS
from tests.energy.market.street import NOTHING_YET, Street, community_of, quarter, trading

MINUTE_MS = 60_000
AHEAD = Rules(1, START_MS, timing=Timing.AHEAD, mode=PaymentMode.SLOT)


def _delivered(made: Street, number: int) -> int:
    """Wh of trades that are settled in a quarter of an hour."""
    found = made.market.periods.rounds[quarter(number)]
    flows = [flow for one in found.chain for flow in one.flows]
    return sum(flow.energy_wh for flow in flows if flow.subject is FlowKind.TRADE)


@pytest.mark.parametrize("is_at_once", [False, True])
def test_a_home_that_fell_silent_within_an_interval_settles_that_one_too(is_at_once: bool) -> None:
    """Its readings come one by one, or all of them before anything else is made of them."""
    made = trading()
    made.put(made.reading(3, quarter(0) + 7 * MINUTE_MS, 420, 0), quarter(0) + 7 * MINUTE_MS)
    for number in range(1, 6):
        made.read_all(quarter(number), {1: (0, 1_000 * number), 2: (0, 500 * number)})
        made.make_due(quarter(number) + GRACE_MS)
    made.read_all(quarter(6), {1: (0, 6_000), 2: (0, 3_000)})
    for number in range(1, 7):
        made.put(made.reading(3, quarter(number), 900 * number, 0), quarter(6))
        if not is_at_once:
            made.make_due(quarter(6))
    made.make_due(quarter(6))
    rounds = made.market.periods.rounds
    for number in range(5):
        assert [one.stage for one in rounds[quarter(number)].chain][1:] == [Stage.CORRECTED]
    for number in range(6):
        shown = {one.home: one.import_wh for one in rounds[quarter(number)].chain[-1].metered}
        assert shown[3] == 900
    assert fold(made.entries).periods.owed == made.market.periods.owed


def test_a_seller_that_fell_silent_is_paid_for_what_it_had_promised() -> None:
    made = Street(community_of(rules=(AHEAD,)))
    made.begin(START_MS + 1)
    made.put(made.order(1, Side.SELL, 100_000, energy_wh=400), START_MS + 2)
    once = made.order(3, Side.BUY, None, energy_wh=400, until_ms=quarter(2))
    made.put(once, START_MS + 2)
    made.make_due(quarter(1) - GATE_MS)
    made.read_all(quarter(1), NOTHING_YET)
    made.make_due(quarter(1))
    made.put(made.reading(1, quarter(1) + 7 * MINUTE_MS, 0, 200), quarter(1) + 7 * MINUTE_MS)
    for number in range(2, 7):
        made.read_all(quarter(number), {2: (0, 0), 3: (400, 0)})
        made.make_due(quarter(number) + GRACE_MS)
    assert _delivered(made, 1) == 0
    for number in range(2, 7):
        made.put(made.reading(1, quarter(number), 0, 400), quarter(7))
    made.make_due(quarter(7))
    assert _delivered(made, 1) == 400
    assert made.market.periods.owed[3, 1].energy_wh == 400


def test_what_a_late_reading_settles_counts_against_the_days_budget() -> None:
    """As long as it is open, the trade is kept money for; once it is settled, it is spent."""
    budget_ntok = 400 * 320_000
    made = Street(community_of(rules=(AHEAD,)))
    made.begin(START_MS + 1)
    made.put(made.order(1, Side.SELL, 100_000, energy_wh=400), START_MS + 2)
    made.put(made.order(3, Side.BUY, None, energy_wh=400, budget_ntok=budget_ntok), START_MS + 2)
    made.make_due(quarter(1) - GATE_MS)
    made.read_all(quarter(1), NOTHING_YET)
    made.make_due(quarter(2) - GATE_MS)
    made.read_all(quarter(2), {2: (0, 0), 3: (400, 0)})
    made.make_due(quarter(2) + GRACE_MS)
    assert _delivered(made, 1) == 0
    late_ms = quarter(3) - GATE_MS + 1
    made.put(made.reading(1, quarter(2), 0, 400), late_ms)
    for number in range(3, 6):
        made.make_due(max(late_ms, quarter(number) - GATE_MS))
    assert _delivered(made, 1) == 400
    rounds = made.market.periods.rounds.values()
    trades = [trade for one in rounds for trade in one.clearing.trades]
    cost_ntok = sum(one.energy_wh * one.price_utok_per_kwh for one in trades)
    assert len(rounds) == 5
    assert budget_ntok // 2 < cost_ntok <= budget_ntok
    corrected = made.market.periods.rounds[quarter(1)].chain[1].flows
    assert {flow.kind for flow in corrected} == {FlowKind.ADJUSTMENT}


def test_a_reading_is_taken_for_sixty_days_whatever_was_settled_in_between() -> None:
    """Three days are, and then the market is off until the last moment."""
    hour_ms = 60 * MINUTE_MS
    rules = Rules(1, START_MS, interval_ms=hour_ms)
    made = Street(community_of(rules=(rules,)))
    made.begin()
    for home, side in ((1, Side.SELL), (2, Side.SELL), (3, Side.BUY)):
        made.put(made.order(home, side, 100_000), START_MS)
    made.read_all(START_MS, NOTHING_YET)
    made.put(made.reading(3, START_MS + MINUTE_MS, 50, 0), START_MS + MINUTE_MS)
    for number in range(1, 73):
        time_ms = START_MS + number * hour_ms
        made.read_all(time_ms, {1: (0, 1_000 * number), 2: (0, 500 * number)})
        made.make_due(time_ms + GRACE_MS * (number == 1))
    periods = made.market.periods
    first, second = periods.rounds[START_MS], periods.rounds[START_MS + hour_ms]
    assert [len(found.chain) for found in periods.rounds.values()] == [1] * 72
    last_ms = corrected_until_ms(first.interval, rules)
    assert last_ms == first.interval.end_ms + 60 * 24 * hour_ms
    made.put(made.reading(3, first.interval.end_ms, 900, 0), last_ms)
    document = made.market.due(last_ms)  # before all that the pause has left to be cleared
    assert document is not None
    made.put(document, last_ms)
    assert [one.stage for one in first.chain] == [Stage.PROVISIONAL, Stage.CORRECTED]
    assert {one.home: one.import_wh for one in first.chain[1].metered}[3] == 900
    over_ms = corrected_until_ms(second.interval, rules) + 1
    made.put(made.reading(3, second.interval.end_ms, 1_800, 0), over_ms)
    assert periods.settlement(second, over_ms) is None
    assert stage_at(second.chain, rules, over_ms) is Stage.FINAL
    assert fold(made.entries).periods.rounds[START_MS].names == first.names
