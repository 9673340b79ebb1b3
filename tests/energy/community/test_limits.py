"""What goes beyond a connection, a feeder or the law is not cleared, and the reason is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.clearing.trades import Bid, Clearing, Trade
from energy.community.community import Community
from energy.community.limits import trades_within_limits, within_limits
from energy.community.members import Connection, Feeder
from energy.community.profiles import ProfileName
from energy.community.rules import Rules, SharingRule, Side, Topology
from energy.errors import BadCommunity
from energy.intervals import QUARTER_MS, Interval
from tests.energy.community.streets import START_MS, member, street

NOW = Interval(START_MS, START_MS + QUARTER_MS)


def bid(home: int, side: Side, energy_wh: int, place: int) -> Bid:
    """Order `home`-`place` of a home."""
    return Bid(bytes([home, place]), home, side, 100_000, energy_wh, place)


def cleared(*trades: tuple[int, int, int]) -> Clearing:
    """A clearing of trades (seller, buyer, Wh)."""
    return Clearing(
        NOW,
        1,
        200_000,
        tuple(
            Trade(seller, buyer, bytes([seller]), bytes([buyer]), energy_wh, 200_000)
            for seller, buyer, energy_wh in trades
        ),
    )


def test_a_home_sells_and_buys_no_more_than_its_connection_carries() -> None:
    """10 kW are 2,500 Wh a quarter; the earlier of two orders has them first."""
    bids = [
        bid(1, Side.SELL, 2_000, 5),
        bid(1, Side.SELL, 1_000, 3),
        bid(1, Side.BUY, 2_500, 4),
        bid(2, Side.BUY, 2_501, 1),
        bid(1, Side.SELL, 7, 6),
    ]
    limited = within_limits(bids, NOW, street())
    assert [(one.place, one.energy_wh) for one in limited.bids] == [
        (5, 1_500),
        (3, 1_000),
        (4, 2_500),
        (1, 2_500),
    ]
    assert dict(limited.left_out) == {
        bytes([2, 1]): "2500 of 2501 Wh: the home's connection can take 10000 W, "
        "2500 Wh in this interval",
        bytes([1, 5]): "1500 of 2000 Wh: the home's connection can give 10000 W, "
        "2500 Wh in this interval",
        bytes(
            [1, 6]
        ): "0 of 7 Wh: the home's connection can give 10000 W, 2500 Wh in this interval",
    }


def test_each_way_has_its_own_limit() -> None:
    one_way = street(members=(member(1, connection=Connection(8_000, 4_000)), member(2), member(3)))
    bids = [bid(1, Side.SELL, 5_000, 0), bid(1, Side.BUY, 5_000, 1)]
    limited = within_limits(bids, NOW, one_way)
    assert [one.energy_wh for one in limited.bids] == [1_000, 2_000]


def test_a_stranger_is_left_out() -> None:
    limited = within_limits([bid(9, Side.BUY, 5, 0)], NOW, street())
    assert not limited.bids
    assert "account 9 is no member" in limited.left_out[0][1]


def test_where_only_renewable_energy_is_shared_others_do_not_sell_it() -> None:
    """They may buy. And nobody trades before the law lets them."""
    bids = [bid(3, Side.SELL, 5, 0), bid(3, Side.BUY, 5, 1), bid(1, Side.SELL, 5, 2)]
    german = street(profile=ProfileName.GERMANY)
    limited = within_limits(bids, NOW, german)
    assert [one.place for one in limited.bids] == [1, 2]
    ((order, reason),) = limited.left_out
    assert order == bytes([3, 0])
    assert "no. 3 has no renewable source" in reason
    assert len(within_limits(bids, NOW, street()).bids) == 3
    early = Interval(START_MS - QUARTER_MS, START_MS)
    too_early = within_limits(bids, early, german)
    assert not too_early.bids
    assert all(reason.endswith("not before 2026-06-01") for _, reason in too_early.left_out)


def test_where_only_a_retailer_may_sell_homes_trade_with_it_alone() -> None:
    """Household to household is refused as a whole; through the retailer's hub it is not."""
    with pytest.raises(BadCommunity, match="here only the retailer may sell"):
        street(profile=ProfileName.RETAILER_ONLY, rules=(Rules(1, START_MS),))
    hub = street(
        profile=ProfileName.RETAILER_ONLY, rules=(Rules(1, START_MS, topology=Topology.HUB),)
    )
    assert len(within_limits([bid(3, Side.SELL, 5, 0)], NOW, hub).bids) == 1


def test_trades_over_a_feeder_are_cut_to_what_it_carries() -> None:
    """4 kW are 1,000 Wh a quarter. Trades on one feeder do not cross its end."""
    narrow = street(feeders=(Feeder("north", 40_000, 4_000), Feeder("south", 40_000, 40_000)))
    clearing = cleared((1, 2, 900), (2, 3, 5_000), (1, 3, 1_800))
    found = trades_within_limits(clearing, narrow)
    assert [one.energy_wh for one in found.trades] == [333, 5_000, 667]
    first_come = replace(
        narrow, rules=(Rules(1, START_MS, sharing=SharingRule.FIRST_IN_FIRST_OUT),)
    )
    first = trades_within_limits(clearing, first_come)
    assert [one.energy_wh for one in first.trades] == [900, 5_000, 100]
    why = (
        "100 of 1800 Wh: 4000 W, 1000 Wh in this interval, is all that trades may bring "
        "out of 'north'"
    )
    assert first.left_out == ((bytes([1]), why), (bytes([3]), why))
    assert trades_within_limits(clearing, street()) == clearing


def test_what_comes_in_is_limited_as_well() -> None:
    narrow = street(feeders=(Feeder("north", 40_000, 40_000), Feeder("south", 0, 40_000)))
    found = trades_within_limits(cleared((1, 2, 900), (2, 3, 7)), narrow)
    assert [one.energy_wh for one in found.trades] == [7]
    assert "into 'south'" in found.left_out[0][1]
    nothing = trades_within_limits(cleared((1, 2, 900)), narrow)
    assert nothing.price_utok_per_kwh == 0


def test_where_the_law_keeps_to_one_area_no_trade_leaves_it() -> None:
    feeders = (Feeder("north", 40_000, 40_000, "area 2"), Feeder("south", 40_000, 40_000))
    clearing = cleared((1, 2, 900), (2, 3, 7))
    german = street(profile=ProfileName.GERMANY, feeders=feeders)
    found = trades_within_limits(clearing, german)
    assert [one.energy_wh for one in found.trades] == [7]
    assert "'area 2' and 'area 1' are two balancing areas" in found.left_out[0][1]
    assert trades_within_limits(clearing, street(feeders=feeders)) == clearing


@st.composite
def streets_with_trades(draw: st.DrawFn) -> tuple[Community, Clearing]:
    """Six homes on three feeders and on none, each feeder with a small limit."""
    names = ["", "a", "b", "c"]
    watts = st.integers(0, 8_000)
    feeders = tuple(Feeder(name, draw(watts), draw(watts)) for name in names[1:])
    homes = tuple(member(1 + one, feeder=draw(st.sampled_from(names))) for one in range(5))
    sharing = draw(st.sampled_from(list(SharingRule)))
    community = street(members=homes, feeders=feeders, rules=(Rules(1, START_MS, sharing=sharing),))
    pair = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3_000))
    trades = draw(st.lists(pair.filter(lambda one: one[0] != one[1]), max_size=12))
    return community, cleared(*trades)


@settings(max_examples=60, deadline=None)
@given(streets_with_trades())
def test_no_feeder_ever_carries_more_and_nothing_else_changes(
    given_: tuple[Community, Clearing],
) -> None:
    community, clearing = given_
    found = trades_within_limits(clearing, community)
    for feeder in community.feeders:
        homes = {one.account for one in community.members if one.feeder == feeder.name}
        out = sum(
            one.energy_wh for one in found.trades if one.seller in homes and one.buyer not in homes
        )
        into = sum(
            one.energy_wh for one in found.trades if one.buyer in homes and one.seller not in homes
        )
        assert out * 4 <= feeder.most_out_w
        assert into * 4 <= feeder.most_in_w
    before = [(one.seller, one.buyer, one.price_utok_per_kwh) for one in clearing.trades]
    after = [(one.seller, one.buyer, one.price_utok_per_kwh) for one in found.trades]
    assert all(after.count(one) <= before.count(one) for one in after)
    assert found.traded_wh <= clearing.traded_wh
    assert (found == clearing) == (found.traded_wh == clearing.traded_wh)


def test_a_connection_of_nothing_leaves_its_home_out() -> None:
    idle = street(members=(member(1, connection=Connection(0, 0)), member(2), member(3)))
    limited = within_limits([bid(1, Side.BUY, 5, 0)], NOW, idle)
    assert not limited.bids
    assert limited.left_out[0][1].startswith("0 of 5 Wh: the home's connection can take 0 W")
