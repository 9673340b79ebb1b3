"""Channels, collateral and credit of a mesh and a hub, by hand, and what reuse saves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from energy.canonical import digest
from energy.community.rules import Rules, Tariff, Topology
from energy.intervals import QUARTER_MS, Interval
from energy.settlement.dues import Due, dues
from energy.settlement.flows import FlowKind, Metered, Settlement
from energy.topology import Exposure, Need, Owed, channel_of, costs
from energy.trial import carried_wh, trial

COMMUNITY = 0
TARIFF = Tariff(0, retail_utok_per_kwh=280_000, feed_in_utok_per_kwh=80_000)
RULES = Rules(1, 0)


def _owed(**amounts: int) -> Owed:
    """`_1_2=5`: 1 owes 2 five ntok."""
    return {
        (int(name.split("_")[1]), int(name.split("_")[2])): Due(0, amount)
        for name, amount in amounts.items()
    }


BY_HAND = [_owed(_1_2=50, _3_2=30), _owed(_1_2=20, _2_3=70), _owed(_2_1=100)]


def test_collateral_follows_the_difference_of_the_lanes() -> None:
    """1 pays 2 70 and then gets 100: 70 of its own are enough, and 2 needs 30 beyond those 70."""
    found = costs(Topology.MESH, BY_HAND, COMMUNITY, {(1, 2)}, top_up_intervals=3, readings=1)
    assert found.needs == (Need((1, 2), (70, 30), 170, True), Need((2, 3), (40, 30), 100, False))
    assert found.to_open == 1
    assert found.locked_ntok() == {1: 70, 2: 70, 3: 30}
    assert found.paid_ntok == 270
    assert found.busiest(1) == {(1, 2)}


def test_topping_up_more_often_locks_less() -> None:
    """After two intervals each channel begins anew; so the third costs 2 all of its 100."""
    found = costs(Topology.MESH, BY_HAND, COMMUNITY, set(), top_up_intervals=2, readings=1)
    assert found.needs == (Need((1, 2), (70, 100), 170, False), Need((2, 3), (40, 30), 100, False))


def test_both_ways_in_one_interval_need_both_deposits() -> None:
    """Who pays first is not known beforehand."""
    found = costs(
        Topology.MESH, [_owed(_1_2=50, _2_1=40)], COMMUNITY, set(), top_up_intervals=9, readings=1
    )
    assert found.needs == (Need((1, 2), (50, 40), 90, False),)


def test_credit_is_what_is_owed_before_it_is_paid() -> None:
    """To one debtor, to all, and the community's own; at every reading a part of it."""
    by_interval = costs(Topology.MESH, BY_HAND, COMMUNITY, set(), top_up_intervals=3, readings=1)
    assert by_interval.to_one == Exposure(1, 2, 100)
    assert by_interval.to_all == Exposure(1, None, 100)
    assert by_interval.community_ntok == 0
    by_reading = costs(Topology.MESH, BY_HAND, COMMUNITY, set(), top_up_intervals=3, readings=15)
    assert by_reading.to_one == Exposure(1, 2, 7)
    hub = [_owed(_1_0=50, _3_0=30, _0_2=80)]
    found = costs(Topology.HUB, hub, COMMUNITY, set(), top_up_intervals=1, readings=1)
    assert found.to_all == Exposure(2, None, 80)
    assert found.community_ntok == 80
    assert found.locked_ntok() == {0: 80, 1: 50, 2: 0, 3: 30}


def _street(nets: list[list[int]]) -> list[tuple[Metered, ...]]:
    name = digest(b"")
    found = []
    for place, row in enumerate(nets):
        interval = Interval(place * QUARTER_MS, (place + 1) * QUARTER_MS)
        found.append(
            tuple(
                Metered(home, interval, max(-net, 0), max(net, 0), name, name)
                for home, net in enumerate(row, 1)
            )
        )
    return found


STREETS = st.lists(
    st.lists(st.integers(-900, 900), min_size=5, max_size=5), min_size=1, max_size=5
).map(_street)


@bounded(max_examples=60, deadline=None)
@given(STREETS, st.sets(st.sampled_from([(1, 2), (1, 3), (2, 4), (3, 5), (4, 5)])))
def test_a_street_trades_all_it_can_over_whatever_channels(
    street: list[tuple[Metered, ...]], channels: set[tuple[int, int]]
) -> None:
    """The smaller of surplus and need, in every interval; channels choose the neighbour alone."""
    with_reuse = list(trial(street, RULES, TARIFF, channels))
    without = list(trial(street, RULES, TARIFF, channels, reuses=False))
    for meters, one, other in zip(street, with_reuse, without, strict=True):
        surplus = sum(metered.export_wh for metered in meters)
        need = sum(metered.import_wh for metered in meters)
        assert _traded_wh(one) == _traded_wh(other) == min(surplus, need)
        hubs = [dues([each], Topology.HUB, COMMUNITY) for each in (one, other)]
        assert hubs[0] == hubs[1]


def test_open_channels_are_used_first() -> None:
    """Two sellers, two buyers: whoever has channels crosswise trades crosswise."""
    street = _street([[500, 500, -500, -500]] * 3)
    for channels in ({(1, 3), (2, 4)}, {(1, 4), (2, 3)}):
        for settlement in trial(street, RULES, TARIFF, channels):
            pairs = {
                channel_of(flow.payee, flow.payer)
                for flow in settlement.flows
                if isinstance(flow.payer, int) and isinstance(flow.payee, int)
            }
            assert pairs == channels


def test_a_channel_that_was_opened_is_used_again() -> None:
    """1 has sold to 4; so when 2 and 3 come in it does so again, and 2 sells to 3."""
    street = _street([[300, 0, 0, -300], [300, 300, -300, -300]])
    used = []
    for reuses in (True, False):
        owed = [
            dues([one], Topology.MESH, COMMUNITY)
            for one in trial(street, RULES, TARIFF, reuses=reuses)
        ]
        found = costs(Topology.MESH, owed, COMMUNITY, set(), top_up_intervals=9, readings=1)
        used.append([need.channel for need in found.needs])
    assert used == [[(1, 4), (2, 3)], [(1, 3), (1, 4), (2, 4)]]


def test_fewer_channels_carry_less() -> None:
    """1 and 2 sell 300 each to 3 and 4: over two channels all, over one half, and over two that
    both are 1's only what 1 has."""
    (settlement,) = trial(_street([[300, 300, -300, -300]]), RULES, TARIFF)
    for channels, energy_wh in (
        ({(1, 4), (2, 3)}, 600),
        ({(2, 3)}, 300),
        ({(1, 3), (1, 4)}, 300),
        ({(1, 2), (3, 4)}, 0),
        ({(1, 3), (1, 4), (2, 3), (2, 4)}, 600),
    ):
        assert carried_wh(settlement, channels) == energy_wh


def _traded_wh(settlement: Settlement) -> int:
    return sum(flow.energy_wh for flow in settlement.flows if flow.kind is FlowKind.TRADE)
