"""No balance, no trade: whatever is cleared and whatever the meters then show, all can pay it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.canonical import digest
from energy.clearing.trades import Clearing
from energy.community.rules import (
    ClearingRule,
    DeviationRule,
    Fee,
    FeeKind,
    Rules,
    SharingRule,
    Side,
    Tariff,
    Timing,
    Topology,
)
from energy.intervals import QUARTER_MS, Interval
from energy.market.funds import ChannelFunds, Funds
from energy.market.liabilities import open_trades, promised
from energy.market.purses import Purses
from energy.market.rounds import NO_FEES, NO_SHORTFALL, Means, clear_round
from energy.orders.book import Placed
from energy.orders.order import Order
from energy.settlement.dues import NOTHING, Due, Pair, dues
from energy.settlement.flows import Metered
from energy.settlement.revise import corrected_until_ms, finish
from energy.settlement.settle import settle
from tests.energy.community.streets import START_MS, member, street
from tests.energy.market.street import channel_of

HUB, HOMES = 0, (1, 2, 3, 4)
ACCOUNTS = (HUB, *HOMES)
QUARTER = Interval(START_MS, START_MS + QUARTER_MS)
PAIRS = tuple(combinations(ACCOUNTS, 2))
ALL = tuple(permutations(ACCOUNTS, 2))
AMPLE_NTOK = 10**12
NAME = bytes(32)
SELL, BUY = (Side.SELL, 90), (Side.BUY, 390)
WISHES = ([SELL], [BUY], [SELL, BUY], [(Side.SELL, 200), (Side.BUY, None)])


@dataclass(frozen=True, slots=True)
class Case:
    """A street before an interval. `deposits`: (lower account's, higher account's) by channel."""

    deposits: dict[Pair, tuple[int, int]]
    rules: Rules
    tariff: Tariff
    orders: tuple[Order, ...]
    expected: dict[int, tuple[int, int]]
    owed: dict[Pair, Due]


def _metered(shown: dict[int, tuple[int, int]]) -> dict[int, Metered]:
    return {home: Metered(home, QUARTER, *both, b"", b"") for home, both in shown.items()}


def _means(case: Case) -> Means:
    purses = Purses()
    for account in ACCOUNTS:
        lines = []
        for pair, both in case.deposits.items():
            if account in pair:
                own, peer = both if account == pair[0] else both[::-1]
                lines.append(ChannelFunds(channel_of(*pair), True, own, peer, 0, 0, 0, 0))
        lines.sort(key=lambda one: one.channel_id)
        purses.take(Funds(account, 1, START_MS, tuple(lines)))
    return Means(purses, case.owed, {})


def _cleared(case: Case) -> Clearing:
    community = street(
        members=tuple(member(home) for home in HOMES),
        rules=(case.rules,),
        tariffs=(case.tariff,),
        feeders=(),
    )
    standing = [
        Placed(one, digest(bytes([place])), place, START_MS)
        for place, one in enumerate(case.orders)
    ]
    expected = _metered(case.expected)
    return clear_round(standing, QUARTER, expected, community, case.rules, _means(case))


def any_case(rng: Random) -> Case:
    """A street of four homes, of any rules, with little money here and there."""
    rules = Rules(
        1,
        START_MS,
        clearing=rng.choice(list(ClearingRule)),
        timing=rng.choice([Timing.AHEAD, Timing.AHEAD, Timing.AFTER]),
        sharing=rng.choice(list(SharingRule)),
        topology=rng.choice(list(Topology)),
        deviation=rng.choice(list(DeviationRule)),
        short_utok_per_kwh=rng.choice([0, 100, 900]),
        surplus_utok_per_kwh=rng.choice([0, 50]),
    )
    kinds = [one for one in product(FeeKind, Side) if rng.random() < 0.4]
    fees = tuple(Fee(kind, rng.randint(1, 50), side) for kind, side in kinds)
    orders = tuple(
        Order(home, 1, side, limit, rng.randint(0, 1_000), START_MS, QUARTER.end_ms)
        for home in HOMES
        for side, limit in rng.choice(WISHES)
    )

    def money_ntok() -> int:
        return rng.choice([AMPLE_NTOK, rng.randint(0, 30_000), rng.randint(0, 500_000)])

    return Case(
        {pair: (money_ntok(), money_ntok()) for pair in PAIRS if rng.random() < 0.9},
        rules,
        Tariff(START_MS, 400, 80, fees),
        orders,
        any_meters(rng),
        {pair: Due(1, rng.randint(0, 9_000)) for pair in PAIRS if rng.random() < 0.2},
    )


def any_meters(rng: Random) -> dict[int, tuple[int, int]]:
    """What homes have imported and exported, Wh: all that was traded, nothing or some of it."""
    some = rng.choice([(5_000,), (0,), (0, 0, 300, 5_000)])
    shown = [home for home in HOMES if rng.random() < 0.95]
    return {home: (rng.choice(some), rng.choice(some)) for home in shown}


@given(st.integers(0, 2**32))
@settings(max_examples=250, deadline=None)
def test_nobody_comes_to_owe_more_than_it_has_stated(seed: int) -> None:
    """Price, fees and deviations together, in each channel, and also where a meter stays silent:
    of two intervals that are cleared before the first is settled."""
    rng = Random(seed)
    case = any_case(rng)
    rules, tariff = case.rules, case.tariff
    first = _cleared(case)
    kept = promised(first.trades, tariff, rules, HUB)
    both = {pair: case.owed.get(pair, NOTHING) + kept.get(pair, NOTHING) for pair in ALL}
    second = _cleared(replace(case, owed=both))
    for cleared in (first, second):
        traded = {order for one in cleared.trades for order in (one.sell_order, one.buy_order)}
        named = {order for order, _ in cleared.left_out}
        assert traded | named == {digest(bytes([place])) for place in range(len(case.orders))}
    for is_final in (False, True):
        owed = dict.fromkeys(ALL, 0)
        for cleared in (first, second):
            seen = any_meters(rng) if rules.timing is Timing.AHEAD else case.expected
            settled = settle(
                cleared, _metered(seen).values(), rules, tariff, NAME, is_final=is_final
            )
            for pair, due in dues([settled], rules.topology, HUB).items():
                owed[pair] += due.amount_ntok
        free_ntok = _means(case).purses.free_ntok
        assert all(owed[pair] <= free_ntok(pair, case.owed) for pair in ALL)


FEES = (
    Fee(FeeKind.GRID, 30, Side.BUY),
    Fee(FeeKind.TAX, 20, Side.BUY),
    Fee(FeeKind.COMMUNITY, 10, Side.SELL),
)
PLAIN = Case(
    dict.fromkeys(PAIRS, (AMPLE_NTOK, AMPLE_NTOK)),
    Rules(1, START_MS, timing=Timing.AHEAD, short_utok_per_kwh=500),
    Tariff(START_MS, 400, 80, FEES),
    (
        Order(1, 1, Side.SELL, 100, 1_000, START_MS, QUARTER.end_ms),
        Order(2, 1, Side.BUY, 400, 1_000, START_MS, QUARTER.end_ms),
    ),
    {},
    {},
)


def _with(case: Case, topology: Topology, pair: Pair, payer: int, ntok: int) -> Case:
    """The case with a channel in which `payer` has put in so much."""
    both = (ntok, AMPLE_NTOK) if payer == pair[0] else (AMPLE_NTOK, ntok)
    rules = replace(case.rules, topology=topology)
    return replace(case, deposits=case.deposits | {pair: both}, rules=rules)


@pytest.mark.parametrize(
    ("topology", "pair", "payer", "each", "why"),
    [
        (Topology.MESH, (1, 2), 2, 500, "no channel between"),
        (Topology.MESH, (1, 2), 1, 500, NO_SHORTFALL),
        (Topology.MESH, (0, 2), 2, 50, "the community's account the fees of no more"),
        (Topology.MESH, (0, 1), 1, 10, "the community's account the fees of no more"),
        (Topology.HUB, (0, 2), 2, 500, "its balance covers no more, should it be short"),
        (Topology.HUB, (0, 1), 1, 500, "its balance covers no more, should it be short"),
        (Topology.HUB, (0, 1), 0, 500, "no channel between"),
        (Topology.HUB, (0, 2), 0, 500, NO_SHORTFALL),
    ],
)
def test_each_channel_that_may_have_to_pay_bounds_a_trade(
    topology: Topology, pair: Pair, payer: int, each: int, why: str
) -> None:
    """To the Wh, and the reason is shown; and what one trade may need no later one gets."""
    case = replace(PLAIN, expected=dict.fromkeys(HOMES, (0, 0)))
    bound = _with(case, topology, pair, payer, 1_000 * each)
    enough = _cleared(bound)
    assert (enough.traded_wh, enough.left_out) == (1_000, ())
    kept = promised(enough.trades, bound.tariff, bound.rules, HUB)
    assert _cleared(replace(bound, owed=kept)).trades == ()
    short = _cleared(_with(case, topology, pair, payer, 1_000 * each - 1))
    assert short.traded_wh == 999
    assert any(why in reason for _, reason in short.left_out)
    assert _cleared(_with(case, topology, pair, payer, each - 1)).trades == ()


def test_fees_of_both_sides_are_kept_together_over_a_homes_trades() -> None:
    """A buyer's channel with the community bounds all that it buys, of whomever."""
    until_ms = QUARTER.end_ms
    orders = (
        Order(1, 1, Side.SELL, 100, 500, START_MS, until_ms),
        Order(3, 1, Side.SELL, 100, 500, START_MS, until_ms),
        Order(2, 1, Side.BUY, 400, 0, START_MS, until_ms),
    )
    case = replace(PLAIN, orders=orders, expected={1: (0, 500), 2: (1_000, 0), 3: (0, 500)})
    case = replace(case, rules=Rules(1, START_MS))
    assert _cleared(case).traded_wh == 1_000
    bound = _with(case, Topology.MESH, (0, 2), 2, 700 * 50)
    assert _cleared(bound).traded_wh == 700
    silent = replace(bound, deposits={(1, 2): (0, AMPLE_NTOK), (2, 3): (AMPLE_NTOK, 0)})
    assert _cleared(silent).trades == ()  # no channel with the community: its fees go over none
    assert NO_FEES.format(side="buyer").startswith("the buyer's channel")


def test_what_was_cleared_counts_until_both_sides_have_shown_or_it_is_final() -> None:
    """A silent home's shortfall is charged at last, so its balance is kept for it till then."""
    rules = PLAIN.rules
    cleared = _cleared(replace(PLAIN, expected=dict.fromkeys(HOMES, (0, 0))))
    assert open_trades(cleared, [], rules) == cleared.trades != ()
    buyer_alone = _metered({2: (1_000, 0)}).values()
    first = settle(cleared, buyer_alone, rules, PLAIN.tariff, NAME)
    assert dues([first], Topology.MESH, HUB) == {}
    over_ms = corrected_until_ms(QUARTER, rules) + 1
    assert open_trades(cleared, [first], rules, over_ms) == cleared.trades
    last = finish([first], cleared, rules, PLAIN.tariff, over_ms)
    assert last is not None
    owed = dues([first, last], Topology.MESH, HUB).get((1, 2), NOTHING)
    assert owed.amount_ntok == 1_000 * rules.short_utok_per_kwh
    assert open_trades(cleared, [first, last], rules) == ()
    for free in (replace(rules, short_utok_per_kwh=0), replace(rules, timing=Timing.AFTER)):
        assert open_trades(cleared, [first], free, over_ms - 1) == cleared.trades
        assert open_trades(cleared, [first], free, over_ms) == ()
    both = settle(cleared, _metered({1: (0, 9), 2: (9, 0)}).values(), rules, PLAIN.tariff, NAME)
    assert open_trades(cleared, [both], rules) == ()
