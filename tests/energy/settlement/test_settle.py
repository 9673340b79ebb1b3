"""Only what was metered is paid, nothing is lost, and every interval adds up to zero."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as bounded

from energy.clearing.trades import Clearing
from energy.community.rules import DeviationRule, FeeKind, Rules, SharingRule, Side, Tariff, Timing
from energy.errors import MeteredElsewhere, MeteredTwice, RulesDiffer
from energy.intervals import Interval, day_intervals, day_span
from energy.settlement.deliveries import deliveries
from energy.settlement.flows import FlowKind, Metered, Outside, net_ntok
from energy.settlement.settle import FEES as FEE_FLOWS
from energy.settlement.settle import settle
from tests.energy.settlement.examples import (
    INTERVAL,
    TARIFF,
    clearing,
    intervals_to_settle,
    metered,
    rules,
    settled,
    trade,
)

BERLIN = ZoneInfo("Europe/Berlin")
Given = tuple[Clearing, list[Metered], Rules, Tariff]


@bounded(max_examples=80, deadline=None)
@given(intervals_to_settle())
def test_what_is_paid_was_metered_and_all_is_zero(example: Given) -> None:
    """Sold <= exported, bought <= imported, trade by trade and in all; no reading, no flow."""
    cleared, meters, chosen, tariff = example
    found = settled(cleared, meters, chosen, tariff)
    assert sum(net_ntok(found.flows).values()) == 0
    by_home = {one.home: one for one in meters}
    sold: Counter[int] = Counter()
    bought: Counter[int] = Counter()
    for flow in found.flows:
        assert flow.amount_ntok == flow.energy_wh * flow.price_utok_per_kwh
        assert flow.energy_wh > 0
        for party in (flow.payer, flow.payee):
            assert isinstance(party, Outside) or party in by_home
        if flow.kind is FlowKind.TRADE:
            of = cleared.trades[flow.trade]
            assert (flow.payer, flow.payee) == (of.buyer, of.seller)
            assert flow.energy_wh <= of.energy_wh
            assert flow.price_utok_per_kwh == of.price_utok_per_kwh
            sold[of.seller] += flow.energy_wh
            bought[of.buyer] += flow.energy_wh
    assert all(wh <= by_home[home].export_wh for home, wh in sold.items())
    assert all(wh <= by_home[home].import_wh for home, wh in bought.items())
    assert settled(cleared, meters[::-1], chosen, tariff) == found


@bounded(max_examples=80, deadline=None)
@given(intervals_to_settle())
def test_every_wh_of_a_meter_is_traded_covered_or_the_grids(example: Given) -> None:
    """What a home took or gave stands once in its flows, whatever the rule."""
    cleared, meters, chosen, tariff = example
    found = settled(cleared, meters, chosen, tariff)
    flows: defaultdict[tuple[FlowKind, object, object], int] = defaultdict(int)
    for flow in found.flows:
        flows[flow.kind, flow.payer, "pays"] += flow.energy_wh
        flows[flow.kind, flow.payee, "gets"] += flow.energy_wh
    own = chosen.timing is Timing.AHEAD and chosen.deviation is DeviationRule.EACH_ITS_OWN
    for one in meters:
        taken = (
            flows[FlowKind.TRADE, one.home, "pays"]
            + flows[FlowKind.GRID_PURCHASE, one.home, "pays"]
        )
        given_ = (
            flows[FlowKind.TRADE, one.home, "gets"] + flows[FlowKind.GRID_FEED_IN, one.home, "gets"]
        )
        if own:
            assert taken <= one.import_wh
            assert given_ <= one.export_wh
        else:
            assert (taken, given_) == (one.import_wh, one.export_wh)


@bounded(max_examples=150, deadline=None)
@given(intervals_to_settle(most_wh=3))
def test_how_much_a_side_is_short_is_no_matter_of_the_rule(example: Given) -> None:
    """Each rule gives every side min(its meter, its trades) in all, and no trade too much."""
    cleared, meters, _, _ = example
    by_home = {one.home: one for one in meters}
    best = 0
    for sharing in SharingRule:
        shares = deliveries(cleared.trades, by_home, sharing)
        out: Counter[int] = Counter()
        into: Counter[int] = Counter()
        for of, share in zip(cleared.trades, shares, strict=True):
            assert 0 <= share.seller_wh <= of.energy_wh
            assert 0 <= share.buyer_wh <= of.energy_wh
            out[of.seller] += share.seller_wh
            into[of.buyer] += share.buyer_wh
        for home in out:
            promised = sum(of.energy_wh for of in cleared.trades if of.seller == home)
            shown = by_home[home].export_wh if home in by_home else 0
            assert out[home] == min(promised, shown)
        for home in into:
            promised = sum(of.energy_wh for of in cleared.trades if of.buyer == home)
            shown = by_home[home].import_wh if home in by_home else 0
            assert into[home] == min(promised, shown)
        delivered = sum(share.delivered_wh for share in shares)
        assert delivered <= _cut(cleared, by_home)
        best = max(best, delivered)
    assert delivered == best == _cut(cleared, by_home)


def _cut(cleared: Clearing, by_home: dict[int, Metered]) -> int:
    """The most that can be delivered, by the smallest cut over all sets of homes: a proof from the
    other side, with nothing in common with how it was found."""
    sellers = {of.seller for of in cleared.trades}
    buyers = {of.buyer for of in cleared.trades}
    exported = {home: by_home[home].export_wh if home in by_home else 0 for home in sellers}
    imported = {home: by_home[home].import_wh if home in by_home else 0 for home in buyers}
    least = sum(exported.values())
    for cut in _subsets(sellers):
        for kept in _subsets(buyers):
            crossing = sum(
                of.energy_wh
                for of in cleared.trades
                if of.seller not in cut and of.buyer not in kept
            )
            through = sum(exported[home] for home in cut) + sum(imported[home] for home in kept)
            least = min(least, through + crossing)
    return least


def _subsets(homes: set[int]) -> list[tuple[int, ...]]:
    return [some for size in range(len(homes) + 1) for some in combinations(sorted(homes), size)]


def test_a_trade_with_a_home_without_a_reading_is_not_paid() -> None:
    """Neither side pays; the seller's energy for it counts as fed in."""
    found = settled(
        clearing(trade(1, 2, 500), trade(1, 3, 500)),
        [metered(1, 0, 1_000), metered(2, 500, 0)],
        rules(timing=Timing.AHEAD, short_utok_per_kwh=9),
    )
    assert {flow.trade for flow in found.flows} == {0, -1}
    assert [one.home for one in found.metered] == [1, 2]
    fed = [flow for flow in found.flows if flow.kind is FlowKind.GRID_FEED_IN]
    assert [(flow.payee, flow.energy_wh) for flow in fed] == [(1, 500)]


def test_hiding_the_meter_does_not_save_what_it_costs() -> None:
    """Once no reading can come any more, what was never shown counts as 0."""
    cleared = clearing(trade(1, 2, 500))
    chosen = rules(timing=Timing.AHEAD, short_utok_per_kwh=40_000)
    last = settle(cleared, [metered(2, 500, 0)], chosen, TARIFF, b"", is_final=True)
    deviation = [flow for flow in last.flows if flow.kind is FlowKind.DEVIATION]
    assert [(flow.payer, flow.payee, flow.amount_ntok) for flow in deviation] == [
        (1, 2, 500 * 40_000)
    ]


def test_trades_made_after_the_interval_have_no_deviations() -> None:
    """They were cleared with what the meters showed; later corrections are no broken promises."""
    for deviation in DeviationRule:
        found = settled(
            clearing(trade(1, 2, 500)),
            [metered(1, 0, 300), metered(2, 400, 0)],
            rules(deviation=deviation, short_utok_per_kwh=9, surplus_utok_per_kwh=9),
        )
        assert FlowKind.DEVIATION not in {flow.kind for flow in found.flows}


def test_each_fee_goes_where_it_belongs() -> None:
    """A line of its own, paid by the side that the tariff names, on what was delivered."""
    found = settled(clearing(trade(1, 2, 500)), [metered(1, 0, 400), metered(2, 500, 0)], rules())
    fees = {flow.kind: flow for flow in found.flows if flow.kind in _fee_kinds()}
    assert len(fees) == len(FeeKind)
    for fee in TARIFF.fees:
        kind, payee = FEE_FLOWS[fee.kind]
        payer = 2 if fee.paid_by is Side.BUY else 1
        assert (fees[kind].payer, fees[kind].payee) == (payer, payee)
        assert fees[kind].amount_ntok == 400 * fee.utok_per_kwh


def _fee_kinds() -> set[FlowKind]:
    return {kind for kind, _ in FEE_FLOWS.values()}


def test_what_cannot_be_settled_is_refused() -> None:
    """Other rules, another interval, a home twice."""
    cleared = clearing(trade(1, 2, 500))
    with pytest.raises(RulesDiffer, match="version 1 of the rules, not 2"):
        settle(cleared, [], replace(rules(), version=2), TARIFF, b"")
    with pytest.raises(MeteredTwice, match="home 1"):
        settled(cleared, [metered(1, 0, 5), metered(1, 0, 6)], rules())
    other = Interval(INTERVAL.end_ms, INTERVAL.end_ms + 1)
    with pytest.raises(MeteredElsewhere, match="home 1"):
        settled(cleared, [metered(1, 0, 5, other)], rules())


@pytest.mark.parametrize(
    ("day", "quarters"),
    [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 6, 1), 96)],
)
def test_a_days_settlements_add_up_to_its_registers(day: date, quarters: int) -> None:
    """A day on which clocks change is settled whole: nothing twice, nothing left out.

    Home 1 exports 7 Wh a minute and home 2 imports 5, home 2 buys all that it takes.
    """
    span = day_span(day, BERLIN)
    out_wh = in_wh = sold_wh = fed_wh = 0
    spans = day_intervals(day, BERLIN)
    assert len(spans) == quarters
    for interval in spans:
        exported, imported = (
            rate * (interval.end_ms // 60_000) - rate * (interval.start_ms // 60_000)
            for rate in (7, 5)
        )
        meters = [metered(1, 0, exported, interval), metered(2, imported, 0, interval)]
        found = settled(clearing(trade(1, 2, imported), interval=interval), meters, rules())
        assert sum(net_ntok(found.flows).values()) == 0
        out_wh, in_wh = out_wh + exported, in_wh + imported
        sold_wh += sum(flow.energy_wh for flow in found.flows if flow.kind is FlowKind.TRADE)
        fed_wh += sum(flow.energy_wh for flow in found.flows if flow.kind is FlowKind.GRID_FEED_IN)
    minutes = span.length_ms // 60_000
    assert (out_wh, in_wh) == (7 * minutes, 5 * minutes)
    assert (sold_wh, fed_wh) == (5 * minutes, 2 * minutes)
