"""The fold: what a journal says, and that nothing false can stand in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from energy.canonical import digest, encode
from energy.community.community import Community
from energy.community.document import encode_community
from energy.community.rules import PaymentMode, Rules, Side, Timing, Topology
from energy.errors import (
    AlreadyFounded,
    AnotherRollup,
    BadDocument,
    DoesNotFollow,
    EnergyError,
    FromTheFuture,
    NoCommunityYet,
    NotSigned,
    OutOfTurn,
    ReadingRefused,
    UnknownKind,
    UnknownMember,
    UnknownMeter,
)
from energy.intervals import Interval
from energy.market.market import Market, fold, shown_kind
from energy.market.periods import GATE_MS, GRACE_MS
from energy.meters.sample import Clock, Sample
from energy.meters.signing import Salts
from energy.settlement.documents import encode_clearing, encode_settlement
from energy.settlement.dues import Due
from energy.settlement.flows import FlowKind, Stage
from energy.signed import decode_signed
from tests.energy.community.streets import SIGNERS, START_MS, street
from tests.energy.market.street import (
    DEPOSIT_NTOK,
    HOMES,
    METERS,
    NOTHING_YET,
    Street,
    channel_of,
    community_of,
    quarter,
    signed,
)

FIRST_QUARTER = {1: (0, 1_000), 2: (0, 500), 3: (900, 0)}
"""Home 1 gives 1,000 Wh, home 2 gives 500, home 3 takes 900."""


def _reading_of_a_stranger() -> bytes:
    sample = Sample(START_MS, Clock.SYNCHRONISED, 0, 0, raw=b"raw")
    return METERS[5].record(None, sample, Salts(bytes(32), bytes(32))).encoded


def trading(community: Community | None = None) -> Street:
    """A street whose homes 1 and 2 sell at 100,000 or more, and 3 buys up to 250,000."""
    made = Street(community)
    made.begin()
    made.put(made.order(1, Side.SELL, 100_000), START_MS)
    made.put(made.order(2, Side.SELL, 100_000), START_MS)
    made.put(made.order(3, Side.BUY, 250_000), START_MS)
    made.read_all(quarter(0), NOTHING_YET)
    return made


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


def test_no_balance_no_trade() -> None:
    made = trading()
    poor = made.funds(3, START_MS, deposit_ntok=500 * 250_000)
    made.put(poor, START_MS)
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    made.read_all(quarter(2), {1: (0, 2_000), 2: (0, 1_000), 3: (1_800, 0)})
    made.make_due(quarter(2))
    first, second = made.market.periods.rounds.values()
    assert first.clearing.traded_wh == 900
    spent = sum(due.amount_ntok for due in made.market.periods.owed.values())
    assert spent <= 3 * 500 * 250_000
    assert second.clearing.traded_wh < 900
    assert all(due.amount_ntok <= 500 * 250_000 for due in made.market.periods.owed.values())


def test_what_the_payee_says_of_a_channel_bounds_what_the_payer_says() -> None:
    made = trading()
    for seller in (1, 2):  # they know nothing of a channel with home 3
        made.put(made.funds(seller, START_MS, peers=(0, 1, 2)), START_MS)
    assert made.market.purses.free_ntok((3, 1), {}) == DEPOSIT_NTOK  # it was stated before
    made.put(made.funds(1, START_MS, peer_deposit_ntok=70), START_MS)
    assert made.market.purses.free_ntok((3, 1), {}) == 70
    assert made.market.purses.free_ntok((1, 3), {}) == DEPOSIT_NTOK
    other = Street()
    other.put(other.signed_community(), START_MS)
    other.put(other.funds(3, START_MS), START_MS)
    other.put(other.funds(1, START_MS, peers=(0, 2)), START_MS)
    assert other.market.purses.free_ntok((3, 1), {}) == 0


def test_payments_do_not_change_what_is_free_and_deposits_do() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    purses, owed = made.market.purses, made.market.periods.owed
    due = owed[3, 1]
    free = purses.free_ntok((3, 1), owed)
    assert free == DEPOSIT_NTOK - due.amount_ntok
    paid = {1: (due.energy_wh, due.amount_ntok)}
    made.put(made.funds(3, quarter(1), paid=paid), quarter(1))
    made.put(made.funds(1, quarter(1), got={3: paid[1]}), quarter(1))
    assert purses.free_ntok((3, 1), owed) == free
    assert purses.paid((3, 1)) == due
    back = {3: (10, 5_000)}
    made.put(made.funds(1, quarter(1), paid=back, got={3: paid[1]}), quarter(1))
    made.put(made.funds(3, quarter(1), paid=paid, got={1: back[3]}), quarter(1))
    assert purses.free_ntok((3, 1), owed) == free + 5_000


def test_what_a_lane_carried_before_is_not_the_markets() -> None:
    made = Street()
    made.put(made.signed_community(), START_MS)
    made.put(made.funds(3, START_MS, paid={1: (70, 7_000)}), START_MS)
    assert made.market.purses.paid((3, 1)) == Due(0, 0)
    assert made.market.purses.paid((3, 1), {}) == Due(0, 0)
    made.put(made.funds(3, START_MS, paid={1: (75, 7_900)}), START_MS)
    assert made.market.purses.paid((3, 1)) == Due(5, 900)


def test_a_payer_alone_does_not_say_where_its_lane_started() -> None:
    """It could ask back what it paid for other things, or promise what its deposit has paid."""
    made = Street()
    made.put(made.signed_community(), START_MS)
    made.put(made.funds(3, START_MS, paid={1: (0, 0)}), START_MS)
    purses, lanes = made.market.purses, {channel_of(3, 1): Due(70, 7_000)}
    assert purses.paid((3, 1), lanes, to_payee=True) == Due(0, 0)  # home 1 has said nothing yet
    made.put(made.funds(1, START_MS, got={3: (70, 7_000)}), START_MS)
    assert purses.paid((3, 1), lanes, to_payee=True) == Due(0, 0)
    assert purses.free_ntok((3, 1), {}) == DEPOSIT_NTOK - 7_000


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


@pytest.mark.parametrize("topology", Topology)
@pytest.mark.parametrize("bound", ["balance", "budget"])
def test_what_was_promised_ahead_is_not_promised_again(topology: Topology, bound: str) -> None:
    """Two intervals are cleared before the first is settled: both count against one purse."""
    rules = Rules(1, START_MS, timing=Timing.AHEAD, topology=topology)
    made = Street(community_of(rules=(rules,)))
    made.begin(START_MS + 1)
    most_ntok = 300 * 250_000
    if bound == "balance":
        made.put(made.funds(3, START_MS + 1, deposit_ntok=most_ntok, peers=(0, 1)), START_MS + 1)
        made.put(made.funds(2, START_MS + 1, peers=(0, 1)), START_MS + 1)
    budget_ntok = most_ntok if bound == "budget" else 0
    made.put(made.order(1, Side.SELL, 100_000, energy_wh=400), START_MS + 2)
    buy = made.order(3, Side.BUY, 250_000, energy_wh=300, budget_ntok=budget_ntok)
    made.put(buy, START_MS + 2)
    made.make_due(quarter(1) - GATE_MS)
    made.make_due(quarter(2) - GATE_MS)
    first, second = made.market.periods.rounds.values()
    assert first.chain == second.chain == []
    trades = [*first.clearing.trades, *second.clearing.trades]
    assert sum(one.energy_wh for one in first.clearing.trades) == 300
    assert 0 < sum(one.energy_wh * one.price_utok_per_kwh for one in trades) <= most_ntok


def test_in_a_hub_the_community_stands_between() -> None:
    rules = Rules(1, START_MS, topology=Topology.HUB)
    made = trading(community_of(rules=(rules,)))
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    assert set(made.market.periods.owed) == {(3, 0), (0, 1), (0, 2)}
    assert made.market.periods.owed[3, 0].energy_wh == 900


def test_a_hub_sells_no_more_than_it_can_pay_its_sellers() -> None:
    rules = Rules(1, START_MS, topology=Topology.HUB)
    made = trading(community_of(rules=(rules,)))
    made.put(made.funds(0, START_MS, deposit_ntok=10_000_000), START_MS)
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    found = made.market.periods.rounds[quarter(0)]
    assert 0 < found.clearing.traded_wh < 900
    assert all(made.market.periods.owed[0, one].amount_ntok <= 10_000_000 for one in (1, 2))
    assert any("no channel between" in reason for _, reason in found.clearing.left_out)


@pytest.mark.parametrize("what", ["trades", "price", "left_out", "version"])
def test_a_clearing_that_the_orders_do_not_give_is_named(what: str) -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    true = made.market.periods.clearing(made.market.periods.next_interval())
    false = {
        "trades": lambda: replace(true, trades=true.trades[:1]),
        "price": lambda: replace(true, price_utok_per_kwh=true.price_utok_per_kwh + 1),
        "left_out": lambda: replace(true, left_out=((bytes(32), "no reason"),)),
        "version": lambda: replace(true, rules_version=2),
    }[what]()
    with pytest.raises(DoesNotFollow, match="clearing"):
        made.put(encode_clearing(false), quarter(1))
    made.put(encode_clearing(true), quarter(1))


def test_a_clearing_before_its_time_or_out_of_order_is_named() -> None:
    made = trading()
    made.read_all(quarter(1), {1: (0, 1_000)})
    early = made.market.periods.clearing(made.market.periods.next_interval())
    with pytest.raises(DoesNotFollow, match="not due"):
        made.put(encode_clearing(early), quarter(1))
    other = replace(early, interval=replace(early.interval, start_ms=quarter(0) + 1))
    with pytest.raises(DoesNotFollow, match="the next interval is"):
        made.put(encode_clearing(other), quarter(1) + GRACE_MS)


def test_a_settlement_that_the_meters_do_not_give_is_named() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.put(made.market.due(quarter(1)) or b"", quarter(1))
    found = made.market.periods.rounds[quarter(0)]
    true = made.market.periods.settlement(found, quarter(1))
    assert true is not None
    changes = (
        replace(true, flows=true.flows[1:]),
        replace(true, revision=1, before=bytes(32)),
        replace(true, clearing=bytes(32)),
        replace(true, metered=true.metered[:2], flows=()),
    )
    for false in changes:
        with pytest.raises(DoesNotFollow, match="settlement"):
            made.put(encode_settlement(false), quarter(1))
    made.put(encode_settlement(true), quarter(1))
    with pytest.raises(DoesNotFollow, match="revision"):
        made.put(encode_settlement(true), quarter(1))


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (lambda made: encode({"type": "letter"}), UnknownKind),
        (lambda made: signed(encode({"type": "letter"}), SIGNERS[1]), UnknownKind),
        (lambda made: b"\xff\x00", BadDocument),
        (lambda made: made.order(1, Side.SELL, 1, signer=SIGNERS[2]), NotSigned),
        (lambda made: made.order(5, Side.SELL, 1), UnknownMember),
        (lambda made: made.order(0, Side.SELL, 1), UnknownMember),
        (lambda made: made.funds(1, START_MS + 120_000), FromTheFuture),
        (lambda made: (made.funds(1, START_MS), made.funds(1, START_MS))[1], OutOfTurn),
        (lambda made: made.signed_community(community_of(name="Another")), AlreadyFounded),
        (lambda made: _reading_of_a_stranger(), UnknownMeter),
        (lambda made: made.reading(1, START_MS + 60_000, 0, 0), ReadingRefused),
    ],
)
def test_a_document_that_may_not_stand_there_is_refused_and_changes_nothing(
    document: Callable[[Street], bytes], error: type[EnergyError]
) -> None:
    made = Street()
    made.begin()
    seq = made.market.seq
    with pytest.raises(error):
        made.put(document(made), START_MS)
    assert made.market.seq == seq
    made.read_all(quarter(0), {home: (0, 0) for home in HOMES if home not in made.readings})


def test_a_market_begins_with_its_community() -> None:
    made = Street()
    for document in (made.order(1, Side.SELL, 1), made.reading(1, START_MS, 0, 0)):
        with pytest.raises(NoCommunityYet):
            made.put(document, START_MS)
    assert Market().due(START_MS) is None
    with pytest.raises(NotSigned):
        made.put(signed(encode_community(community_of()), SIGNERS[1]), START_MS)
    with pytest.raises(AnotherRollup):
        Market(domain=1).prepare(made.signed_community(), START_MS)


def test_a_journal_that_was_changed_is_found_out_wherever_it_was() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    for place, one in enumerate(made.entries[:-1]):
        if shown_kind(one.document) == "funds":
            continue  # whoever says nothing of its channels just cannot pay
        with pytest.raises(EnergyError):
            fold([*made.entries[:place], *made.entries[place + 1 :]])


def test_an_orders_name_is_the_digest_of_what_was_signed() -> None:
    made = Street()
    made.begin()
    document = made.order(1, Side.SELL, 5)
    made.put(document, START_MS)
    assert made.market.book.of_account(1)[0].name == digest(decode_signed(document).document)
    assert street().domain == made.community.domain
