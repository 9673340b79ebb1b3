"""The fold: what a journal says."""

from __future__ import annotations

from dataclasses import replace

from energy.canonical import digest
from energy.community.rules import PaymentMode, Rules, Side, Timing, Topology
from energy.intervals import Interval
from energy.market.market import fold
from energy.market.periods import GATE_MS, GRACE_MS
from energy.settlement.dues import Due
from energy.settlement.flows import FlowKind, Stage
from energy.signed import decode_signed
from tests.energy.community.streets import START_MS, street
from tests.energy.market.street import (
    FIRST_QUARTER,
    NOTHING_YET,
    Street,
    community_of,
    quarter,
    trading,
)


def test_an_interval_is_cleared_and_settled_once_all_have_shown_its_end() -> None:
    made = trading()
    made.read_all(quarter(1), {1: (0, 1_000), 2: (0, 500)})
    assert made.make_due(quarter(1)) == 0
    made.read_all(quarter(1), {3: (900, 0)})
    assert made.make_due(quarter(1)) == 2
    found = made.market.periods.rounds[quarter(0)]
    assert found.clearing.traded_wh == 900
    assert {one.buyer for one in found.clearing.trades} == {3}
    assert [one.stage for one in found.chain] == [Stage.PROVISIONAL]
    owed = made.market.periods.owed
    price = found.clearing.price_utok_per_kwh
    assert owed == {(3, 1): Due(600, 600 * price), (3, 2): Due(300, 300 * price)}
    assert made.market.periods.next_interval().start_ms == quarter(1)


def test_whoever_folds_the_journal_again_gets_the_same() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    made.read_all(quarter(2), {1: (0, 1_100), 2: (0, 500), 3: (1_400, 0)})
    made.make_due(quarter(2))
    again = fold(made.entries)
    assert again.periods.owed == made.market.periods.owed
    assert again.periods.rounds.keys() == {quarter(0), quarter(1)}
    assert (again.seq, again.time_ms) == (made.market.seq, made.market.time_ms)


def test_a_silent_home_is_waited_for_and_then_neither_pays_nor_is_paid() -> None:
    made = trading()
    made.read_all(quarter(1), {1: (0, 1_000), 2: (0, 500)})
    assert made.make_due(quarter(1) + GRACE_MS - 1) == 0
    assert made.make_due(quarter(1) + GRACE_MS) == 2
    found = made.market.periods.rounds[quarter(0)]
    assert found.clearing.trades == ()
    assert ("no verified reading" in dict(found.clearing.left_out).popitem()[1]) is True
    assert {one.home for one in found.chain[0].metered} == {1, 2}


def test_a_late_reading_makes_an_adjustment_and_never_a_rewrite() -> None:
    made = trading()
    made.read_all(quarter(1), {1: (0, 1_000), 2: (0, 500)})
    made.make_due(quarter(1) + GRACE_MS)
    before = made.market.periods.rounds[quarter(0)].names[0]
    made.put(made.reading(3, quarter(1), 900, 0), quarter(1) + 2 * GRACE_MS)
    assert made.make_due(quarter(1) + 2 * GRACE_MS) == 1
    chain = made.market.periods.rounds[quarter(0)].chain
    assert [one.stage for one in chain] == [Stage.PROVISIONAL, Stage.CORRECTED]
    assert chain[1].before == before
    assert {flow.subject for flow in chain[1].flows} == {FlowKind.GRID_PURCHASE}
    assert fold(made.entries).periods.owed == made.market.periods.owed


def test_after_a_long_pause_nobody_is_passed_over() -> None:
    """The first to come back does not trade alone for all that the street missed."""
    made = trading()
    late_ms = quarter(40)
    assert made.make_due(late_ms) == 0
    for number in range(1, 4):
        made.put(made.reading(1, quarter(number), 0, 1_000 * number), late_ms)
    assert made.make_due(late_ms) == 0
    for home in (2, 3):
        for number in range(1, 4):
            gives, takes = (0, 500 * number) if home == 2 else (900 * number, 0)
            made.put(made.reading(home, quarter(number), gives, takes), late_ms + 1_000)
    assert made.make_due(late_ms + 1_000) == 6
    rounds = made.market.periods.rounds.values()
    assert [one.clearing.traded_wh for one in rounds] == [900, 900, 900]


def test_an_order_counts_from_the_next_interval_on_and_so_does_its_end() -> None:
    made = Street()
    made.begin()
    made.read_all(quarter(0), NOTHING_YET)
    made.put(made.order(1, Side.SELL, 100_000), quarter(0))
    made.put(made.order(3, Side.BUY, 250_000), quarter(0) + 1)
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    made.read_all(quarter(2), {1: (0, 2_000), 2: (0, 500), 3: (1_800, 0)})
    made.make_due(quarter(2))
    sell = made.market.book.of_account(1)[0]
    made.put(made.cancel(1, sell.name), quarter(2) + 1)
    made.read_all(quarter(3), {1: (0, 3_000), 2: (0, 500), 3: (2_700, 0)})
    made.make_due(quarter(3))
    made.read_all(quarter(4), {1: (0, 4_000), 2: (0, 500), 3: (3_600, 0)})
    made.make_due(quarter(4))
    traded = [one.clearing.traded_wh for one in made.market.periods.rounds.values()]
    assert traded == [0, 900, 900, 0]


def test_many_readings_show_no_more_than_one_could() -> None:
    """Each may be a Wh above what the connection carries: together they would be a power plant."""
    made = Street(community_of(rules=(Rules(1, START_MS, interval_ms=60_000),)))
    made.begin()
    member = made.community.member(1)
    most_wh = member.connection.export_w * 120_000 // 3_600_000 + 1
    made.read_all(START_MS, NOTHING_YET)
    for more in range(1, most_wh + 2):
        made.put(made.reading(1, START_MS + more, 0, more), START_MS + more)
    measuring, minute = made.market.measuring, Interval(START_MS, START_MS + 60_000)
    end = made.reading(1, minute.end_ms, 0, most_wh + 1)
    made.put(end, minute.end_ms)
    assert measuring.metered(member, minute) is None
    stronger = replace(member.connection, export_w=member.connection.export_w + 30)
    assert measuring.metered(replace(member, connection=stronger), minute) is not None


def test_a_running_interval_is_cleared_as_if_it_ended_now() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    assert made.market.periods.running() is None
    middle_ms = quarter(1) + 300_000
    made.read_all(middle_ms, {1: (0, 1_300), 2: (0, 600), 3: (1_200, 0)})
    running = made.market.periods.running()
    assert running is not None
    assert (running.until_ms, running.clearing.traded_wh) == (middle_ms, 300)
    settled, now = made.market.periods.owed, running.owed
    assert sum(due.energy_wh for due in now.values()) == 1_200
    assert sum(due.energy_wh for due in settled.values()) == 900


def test_ahead_of_time_orders_promise_and_meters_deliver() -> None:
    rules = Rules(1, START_MS, timing=Timing.AHEAD, mode=PaymentMode.SLOT, short_utok_per_kwh=1)
    made = Street(community_of(rules=(rules,)))
    made.begin(START_MS + 1)
    opens_ms, closes_ms = quarter(1), quarter(1) - GATE_MS
    made.put(made.order(1, Side.SELL, 100_000, energy_wh=400), START_MS + 2)
    made.put(made.order(3, Side.BUY, 250_000, energy_wh=300), closes_ms)
    assert made.make_due(closes_ms - 1) == 0
    made.put(made.order(2, Side.SELL, 0, energy_wh=400), closes_ms + 1)  # too late for this one
    assert made.make_due(closes_ms + 1) == 1
    found = made.market.periods.rounds[opens_ms]
    assert [(one.seller, one.energy_wh) for one in found.clearing.trades] == [(1, 300)]
    assert found.chain == []
    made.read_all(opens_ms, NOTHING_YET)
    made.read_all(quarter(2), {1: (0, 250), 2: (0, 0), 3: (900, 0)})
    assert made.make_due(quarter(2)) >= 1
    kinds = {flow.kind: flow.energy_wh for flow in found.chain[0].flows}
    assert kinds[FlowKind.TRADE] == 250
    assert kinds[FlowKind.DEVIATION] == 50
    assert fold(made.entries).periods.owed == made.market.periods.owed


def test_in_a_hub_the_community_stands_between() -> None:
    rules = Rules(1, START_MS, topology=Topology.HUB)
    made = trading(community_of(rules=(rules,)))
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    assert set(made.market.periods.owed) == {(3, 0), (0, 1), (0, 2)}
    assert made.market.periods.owed[3, 0].energy_wh == 900


def test_an_orders_name_is_the_digest_of_what_was_signed() -> None:
    made = Street()
    made.begin()
    document = made.order(1, Side.SELL, 5)
    made.put(document, START_MS)
    assert made.market.book.of_account(1)[0].name == digest(decode_signed(document).document)
    assert street().domain == made.community.domain


def test_what_a_silent_home_may_still_owe_is_kept_from_its_later_trades() -> None:
    """Its shortfall is charged at last, so its balance answers for it, also once it is settled."""
    rules = Rules(1, START_MS, timing=Timing.AHEAD, short_utok_per_kwh=250_000)
    made = Street(community_of(rules=(rules,)))
    made.begin(START_MS + 1)
    enough_ntok = 300 * 250_000
    made.put(made.funds(3, START_MS + 1, deposit_ntok=enough_ntok, peers=(0, 1)), START_MS + 1)
    made.put(made.order(1, Side.SELL, 100_000, energy_wh=300), START_MS + 2)
    made.put(made.order(3, Side.BUY, 250_000, energy_wh=300), START_MS + 2)
    made.make_due(quarter(1) - GATE_MS)
    found = made.market.periods.rounds[quarter(1)]
    assert found.clearing.traded_wh == 300
    for number in (1, 2):  # home 3 shows nothing
        made.read_all(quarter(number), dict.fromkeys((1, 2), (0, 300 * number)))
    now_ms = quarter(2) + GRACE_MS
    made.make_due(now_ms)
    assert found.chain != []
    assert made.market.periods.owed == {}
    made.make_due(quarter(4) - GATE_MS)
    later = [one for one in made.market.periods.rounds.values() if one.seq > found.seq]
    assert later
    assert all(one.clearing.trades == () for one in later)
    made.put(made.funds(3, now_ms, deposit_ntok=2 * enough_ntok, peers=(0, 1)), now_ms)
    made.make_due(quarter(5) - GATE_MS)
    assert made.market.periods.rounds[quarter(5)].clearing.traded_wh == 300
