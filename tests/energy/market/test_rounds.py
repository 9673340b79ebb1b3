"""Who is paired with whom: over channels that are open, where there are any."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from energy.canonical import digest
from energy.community.rules import ClearingRule, Rules, Side, Topology
from energy.intervals import QUARTER_MS, Interval
from energy.market.funds import ChannelFunds, Funds
from energy.market.purses import Purses
from energy.market.rounds import NO_CHANNEL, Means, clear_round
from energy.orders.book import Placed
from energy.orders.order import Order
from energy.settlement.dues import Due
from energy.settlement.flows import Metered
from tests.energy.community.streets import START_MS, member, street
from tests.energy.market.street import channel_of

QUARTER = Interval(START_MS, START_MS + QUARTER_MS)
NETS = {1: 500, 2: 500, 3: -500, 4: -500}
"""Wh: homes 1 and 2 have a surplus, 3 and 4 need it."""
HUB = 0
FEES = {(HUB, home): 10**12 for home in NETS}
"""Every home's channel with the community's account, which fees are paid over."""


class Asked(Purses):
    """Purses that remember of whom it was asked what is free."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def free_of(self, payer: int, owed: Mapping[int, Due]) -> dict[int, int]:
        self.asked.append(payer)
        return super().free_of(payer, owed)


def _purses(channels: dict[tuple[int, int], int]) -> Asked:
    """Channels with what the second of two accounts has put in, ntok; nothing was paid yet."""
    purses = Asked()
    for account in (HUB, *NETS):
        lines = [
            ChannelFunds(
                channel_of(*pair),
                True,
                deposit if account == pair[1] else 0,
                deposit if account == pair[0] else 0,
                0,
                0,
                0,
                0,
            )
            for pair, deposit in channels.items()
            if account in pair
        ]
        purses.take(Funds(account, 1, START_MS, tuple(lines)))
    return purses


def _pairs(
    channels: dict[tuple[int, int], int],
    rules: Rules,
    preferred: tuple[int, ...] = (),
    fees: dict[tuple[int, int], int] = FEES,
) -> tuple[set[tuple[int, int]], set[str]]:
    """(seller, buyer) of all trades, and the reasons for what was left out."""
    community = street(members=tuple(member(home) for home in NETS), rules=(rules,), feeders=())
    standing = []
    shown = {}
    for place, (home, net) in enumerate(NETS.items()):
        side = Side.SELL if net > 0 else Side.BUY
        named = preferred if home == 3 else ()
        until_ms = QUARTER.end_ms
        order = Order(home, 1, side, None, 0, START_MS, until_ms, preferred=named)
        standing.append(Placed(order, digest(bytes([home])), place, START_MS))
        shown[home] = Metered(home, QUARTER, max(-net, 0), max(net, 0), b"", b"")
    purses = _purses(fees | channels)
    cleared = clear_round(standing, QUARTER, shown, community, rules, Means(purses, {}, {}))
    assert len(purses.asked) == len(set(purses.asked)), "a payer is asked once a round"
    return {(one.seller, one.buyer) for one in cleared.trades}, {why for _, why in cleared.left_out}


MESH = Rules(1, START_MS)


@pytest.mark.parametrize(
    "rules", [Rules(1, START_MS, clearing=rule) for rule in ClearingRule], ids=str
)
@pytest.mark.parametrize("pairs", [{(1, 3), (2, 4)}, {(1, 4), (2, 3)}], ids=str)
def test_open_channels_are_used_first(pairs: set[tuple[int, int]], rules: Rules) -> None:
    """Whatever the rule: what can be paid is traded, side by side or crosswise."""
    assert _pairs(dict.fromkeys(pairs, 10**12), rules) == (pairs, set())


def test_the_channel_with_most_balance_comes_first() -> None:
    """So that small ones last."""
    channels = {(1, 3): 10**9, (2, 3): 10**12, (1, 4): 10**12, (2, 4): 10**9}
    assert _pairs(channels, MESH)[0] == {(1, 4), (2, 3)}


def test_whom_an_order_names_comes_before_that() -> None:
    """A preference is the household's own word."""
    channels = {(1, 3): 10**9, (2, 3): 10**12, (1, 4): 10**12, (2, 4): 10**12}
    assert _pairs(channels, MESH, preferred=(1,))[0] == {(1, 3), (2, 4)}


def test_without_a_channel_nothing_is_cleared() -> None:
    """And the reason is shown."""
    found, reasons = _pairs({(1, 3): 10**12}, MESH)
    assert found == {(1, 3)}
    assert any(NO_CHANNEL in reason or "balance" in reason for reason in reasons)
    assert _pairs({(1, 3): 10**12}, Rules(1, START_MS, topology=Topology.HUB))[0] == set()
