"""No balance, no trade: what channels hold bounds what is cleared."""

from __future__ import annotations

import pytest

from energy.community.rules import Rules, Side, Timing, Topology
from energy.market.periods import GATE_MS
from energy.settlement.dues import Due
from tests.energy.community.streets import START_MS
from tests.energy.market.street import (
    DEPOSIT_NTOK,
    FIRST_QUARTER,
    HOMES,
    Street,
    channel_of,
    community_of,
    quarter,
    trading,
)


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


def test_all_that_is_free_of_a_payer_is_what_each_pair_says() -> None:
    """Also after a statement that changes one channel, and beside what is owed."""
    made = Street()
    made.begin()
    purses = made.market.purses
    owed = {(1, 2): Due(5, 10**11), (1, 3): Due(1, 10**15), (2, 1): Due(0, -7)}
    for _ in range(2):
        for payer in (0, *HOMES):
            of_pairs = {
                payee: purses.free_ntok((payer, payee), owed) for payee in purses.payees_of(payer)
            }
            mine = {payee: due for (one, payee), due in owed.items() if one == payer}
            assert purses.free_of(payer, mine) == of_pairs
        assert purses.free_of(1, {3: owed[1, 3]})[3] == 0
        made.put(made.funds(2, START_MS, deposit_ntok=10**10), START_MS)
    assert purses.free_of(2, {})[1] == 10**10
