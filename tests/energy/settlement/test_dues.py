"""What is due less what is paid, exactly, in payments that a channel can make."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from channels.lanes import Payment
from energy.clearing.trades import Clearing
from energy.community.rules import DeviationRule, Rules, Tariff, Timing, Topology
from energy.settlement.dues import Due, Pair, Part, dues, parts, to_pay
from energy.settlement.flows import FlowKind, Metered, Outside, net_ntok
from energy.settlement.revise import revise
from tests.energy.settlement.examples import (
    COMMUNITY,
    INTERVAL,
    clearing,
    intervals_to_settle,
    metered,
    rules,
    settled,
    trade,
)

PAIR: Pair = (2, 1)


@bounded(max_examples=60, deadline=None)
@given(intervals_to_settle(), st.sampled_from(Topology))
def test_dues_are_the_settlements_money(
    example: tuple[Clearing, list[Metered], Rules, Tariff], topology: Topology
) -> None:
    """Each home owes and is owed, over all its channels, what its flows with all but the supplier
    say, before and after an adjustment; in a hub it has to do with the community alone."""
    cleared, meters, chosen, tariff = example
    chain = [settled(cleared, meters, chosen, tariff)]
    more = revise(chain, cleared, meters[:-1], chosen, tariff, INTERVAL.end_ms)
    for settlements in (chain, [*chain, more] if more else chain):
        owed = dues(settlements, topology, COMMUNITY)
        net: defaultdict[int, int] = defaultdict(int)
        for (payer, payee), due in owed.items():
            assert topology is Topology.MESH or COMMUNITY in (payer, payee)
            net[payer] -= due.amount_ntok
            net[payee] += due.amount_ntok
        by_channel = net_ntok(
            flow
            for one in settlements
            for flow in one.flows
            if Outside.SUPPLIER not in (flow.payer, flow.payee)
        )
        for home in range(1, 7):
            assert net[home] == by_channel.get(home, 0)


def test_a_mesh_and_a_hub() -> None:
    """Who owes whom for one trade of 400 Wh with all fees, and for how many Wh."""
    found = settled(clearing(trade(1, 2, 400)), [metered(1, 0, 400), metered(2, 400, 0)], rules())
    assert dues([found], Topology.MESH, COMMUNITY) == {
        (2, 1): Due(400, 400 * 180_000),
        (2, COMMUNITY): Due(400, 400 * 40_000),
        (1, COMMUNITY): Due(400, 400 * 5_000),
    }
    assert dues([found], Topology.HUB, COMMUNITY) == {
        (2, COMMUNITY): Due(400, 400 * 220_000),
        (COMMUNITY, 1): Due(400, 400 * 175_000),
    }


def test_a_deviation_is_money_without_energy() -> None:
    """It waits for energy to carry it, and is paid at the interval's end in any case."""
    chosen = rules(
        timing=Timing.AHEAD,
        deviation=DeviationRule.TO_THE_OTHER_SIDE,
        short_utok_per_kwh=50_000,
    )
    found = settled(clearing(trade(1, 2, 400)), [metered(1, 0, 0), metered(2, 400, 0)], chosen)
    owed = dues([found], Topology.MESH, COMMUNITY)
    assert owed == {(1, 2): Due(0, 400 * 50_000)}
    assert to_pay(owed, {}, (1, 2)) == ()
    assert to_pay(owed, {}, (1, 2), trues_up=True) == (Part(1, 400 * 50_000),)
    paid = {(1, 2): Due(1, 400 * 50_000)}
    assert to_pay(owed, paid, (1, 2), trues_up=True) == ()
    later = {(1, 2): Due(100, 400 * 50_000 + 100 * 180_000)}
    assert sum(part.energy_wh for part in to_pay(later, paid, (1, 2))) == 99


@bounded(max_examples=100, deadline=None)
@given(st.integers(-5, 10**6), st.integers(1, 10**9))
def test_payments_add_up_exactly(energy_wh: int, amount_ntok: int) -> None:
    """At most two, each one that a channel takes; never more Wh than are due, but for one."""
    found = parts(energy_wh, amount_ntok)
    assert 1 <= len(found) <= 2
    payments = [Payment(part.energy_wh, part.price_utok_per_kwh) for part in found]
    assert sum(payment.amount_ntok for payment in payments) == amount_ntok
    carried_wh = sum(payment.energy_wh for payment in payments)
    assert carried_wh == max(1, min(energy_wh, amount_ntok))


@bounded(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 300_000)), min_size=1, max_size=8))
def test_streaming_ends_at_the_due(readings: list[tuple[int, int]]) -> None:
    """Whatever the running dues were, and both ways: at the end the lanes' difference is the due to
    the ntok, and the Wh too where a Wh costs anything; a second look pays nothing."""
    paid: defaultdict[Pair, Due] = defaultdict(Due)
    sides = (PAIR, PAIR[::-1])
    owed: dict[Pair, Due] = {}
    for energy_wh, price in readings:
        owed = {PAIR: Due(energy_wh, energy_wh * price)}
        for pair in sides:
            _pay(paid, owed, pair, trues_up=False)
        assert paid[PAIR[::-1]] == Due()
    for pair in sides:
        _pay(paid, owed, pair, trues_up=True)
    left = paid[PAIR] - paid[PAIR[::-1]]
    assert left.amount_ntok == owed[PAIR].amount_ntok
    for pair in sides:
        assert to_pay(owed, paid, pair, trues_up=True) == ()


def _pay(paid: dict[Pair, Due], owed: dict[Pair, Due], pair: Pair, *, trues_up: bool) -> None:
    for part in to_pay(owed, paid, pair, trues_up=trues_up):
        amount_ntok = part.energy_wh * part.price_utok_per_kwh
        paid[pair] += Due(part.energy_wh, amount_ntok)


def test_repeating_pays_once() -> None:
    """What is paid is read from the lanes, so a crash between two payments only pays the rest."""
    owed = {PAIR: Due(150, 25_000_000)}
    first, second = to_pay(owed, {}, PAIR)
    paid = {PAIR: Due(first.energy_wh, first.energy_wh * first.price_utok_per_kwh)}
    assert to_pay(owed, paid, PAIR) == (second,)


def test_what_was_overpaid_is_used_up_or_paid_back() -> None:
    """While the interval runs it waits; at its end it comes back on the other lane, once."""
    owed = {PAIR: Due(240, 43_200_000)}
    paid = {PAIR: Due(250, 45_000_000)}
    back = PAIR[::-1]
    assert to_pay(owed, paid, PAIR) == to_pay(owed, paid, back) == ()
    assert to_pay(owed, paid, PAIR, trues_up=True) == ()
    assert to_pay(owed, paid, back, trues_up=True) == (Part(10, 180_000),)
    paid[back] = Due(10, 1_800_000)
    assert to_pay(owed, paid, back, trues_up=True) == ()
    owed[PAIR] = Due(260, 46_800_000)
    assert to_pay(owed, paid, PAIR, trues_up=True) == (Part(20, 180_000),)


def test_two_that_owe_each_other_both_pay() -> None:
    """So each lane carries the energy that its payer bought; nothing is netted away."""
    owed = {PAIR: Due(100, 10_000_000), PAIR[::-1]: Due(40, 2_000_000)}
    for trues_up in (False, True):
        assert to_pay(owed, {}, PAIR, trues_up=trues_up) == (Part(100, 100_000),)
        assert to_pay(owed, {}, PAIR[::-1], trues_up=trues_up) == (Part(40, 50_000),)


def test_the_grids_money_is_no_channels() -> None:
    """Purchases and feed-in are settled with the supplier."""
    found = settled(clearing(), [metered(1, 0, 400), metered(2, 400, 0)], rules())
    assert {flow.kind for flow in found.flows} == {FlowKind.GRID_PURCHASE, FlowKind.GRID_FEED_IN}
    for topology in Topology:
        assert dues([found], topology, COMMUNITY) == {}
