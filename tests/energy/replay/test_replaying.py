"""A street's hours cleared again: totals by hand, and every Wh that limits kept back has a line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.community.rules import ClearingRule, Rules, Side, Tariff
from energy.errors import BadReplay
from energy.replay.limits import Limit, no_limits, spread_limits
from energy.replay.replaying import KeptBack, replay
from energy.replay.street import HomeYear, Street, totals, without_panels
from tests.energy.replay.streets import street

TARIFF = Tariff(0, 320_000, 80_000)
RULES = Rules(1, 0)
UNIFORM = Rules(1, 0, clearing=ClearingRule.UNIFORM)


def test_without_limits_all_that_is_possible_is_traded() -> None:
    """Hour 0: 300 over, 200 lacking; hour 1: all lack; hour 2: 10 over, 50 lacking."""
    year = street((1, [300, -5, 10]), (2, [-120, -5, -20]), (3, [-80, -5, -30]))
    found = replay(year, no_limits([1, 2, 3], TARIFF), RULES, TARIFF)
    assert (found.traded_wh, found.hours_with_trade, found.kept_back) == (210, 2, ())
    assert found.sold_wh == {1: 210}
    assert found.bought_wh == {2: 120 + 4, 3: 80 + 6}
    assert totals(year).matched_wh == 210
    assert totals(year).hours_with_both == 2


def test_gains_are_against_having_only_the_grid() -> None:
    """100 Wh for 80 of 100 wanted: low + (high - low) * 100/180 = 213,333 utok per kWh."""
    year = street((1, [80]), (2, [-100]))
    found = replay(year, no_limits([1, 2], TARIFF), RULES, TARIFF)
    assert found.gained_ntok == {1: 80 * (213_333 - 80_000), 2: 80 * (320_000 - 213_333)}


def test_a_sellers_limit_keeps_back_what_it_says() -> None:
    """Seller 2 asks for more than the buyer pays at most: its 50 Wh stay, and nobody else's."""
    year = street((1, [100]), (2, [50]), (3, [-200]))
    limits = {1: Limit(80_000, 0), 2: Limit(320_001, 0), 3: Limit(0, 320_000)}
    found = replay(year, limits, UNIFORM, TARIFF)
    assert found.traded_wh == 100
    assert found.kept_back == (KeptBack(2, Side.SELL, 320_001, 0, 50, 1),)


def test_where_both_sides_keep_back_sellers_limits_are_lifted_first() -> None:
    """Nobody meets: seller 1 wants 300,000, buyer 2 pays 200,000 and buyer 3 nothing at all.

    With all sellers free, buyer 2 takes its 40 Wh and buyer 3 its 60 at a price of 0: all is the
    seller's. So no line is the buyers'.
    """
    year = street((1, [100]), (2, [-40]), (3, [-60]))
    limits = {1: Limit(300_000, 0), 2: Limit(0, 200_000), 3: Limit(0, 0)}
    found = replay(year, limits, UNIFORM, TARIFF)
    assert found.traded_wh == 0
    assert found.kept_back == (KeptBack(1, Side.SELL, 300_000, 0, 100, 1),)


def test_a_buyers_limit_keeps_back_what_lies_above_it() -> None:
    """By supply and demand the price is low + (high - low) * 100/200; buyer 3 pays no more than
    the grid gives, so it stays out, and the price falls to that of 50 Wh for 150 Wh."""
    year = street((1, [100]), (2, [-50]), (3, [-50]))
    limits = {1: Limit(0, 0), 2: Limit(0, 320_000), 3: Limit(0, 80_000)}
    found = replay(year, limits, RULES, TARIFF)
    assert found.traded_wh == 50
    assert found.gained_ntok[2] == 50 * (320_000 - 160_000)
    assert found.kept_back == (KeptBack(3, Side.BUY, 80_000, 0, 50, 1),)


def test_lines_are_by_hour_of_the_day_over_all_days() -> None:
    day = [0] * 24
    night, noon = [*day], [*day]
    noon[12] = 50
    night[12] = -70
    year = street((1, noon * 3), (2, night * 3))
    limits = {1: Limit(330_000, 0), 2: Limit(0, 320_000)}
    found = replay(year, limits, UNIFORM, TARIFF)
    assert found.kept_back == (KeptBack(1, Side.SELL, 330_000, 12, 150, 3),)


_NETS = st.lists(st.integers(-500, 500), min_size=3, max_size=3)
_PRICES = st.integers(0, 400_000)
_LIMITS = st.builds(Limit, _PRICES, _PRICES)


@settings(max_examples=60, deadline=None)
@given(
    nets=st.lists(_NETS, min_size=2, max_size=5),
    prices=st.lists(_LIMITS, min_size=5, max_size=5),
    rule=st.sampled_from(ClearingRule),
)
def test_what_is_traded_and_what_is_kept_back_add_up(
    nets: list[list[int]], prices: list[Limit], rule: ClearingRule
) -> None:
    year = street(*enumerate(nets))
    limits = dict(enumerate(prices[: len(nets)]))
    # buyers above the grid's price would trade at no price between the grid's two
    found = replay(year, limits, Rules(1, 0, clearing=rule), TARIFF)
    assert found.traded_wh + found.missing_wh == totals(year).matched_wh
    assert all(line.kept_wh > 0 for line in found.kept_back)
    assert sum(found.sold_wh.values()) == sum(found.bought_wh.values()) == found.traded_wh


def test_the_spread_goes_from_any_price_to_three_quarters_of_the_gain() -> None:
    limits = spread_limits([2, 4, 9], TARIFF)
    assert limits == {
        2: Limit(80_000, 320_000),
        4: Limit(170_000, 230_000),
        9: Limit(260_000, 140_000),
    }


def test_a_home_without_panels_only_buys() -> None:
    year = Street((HomeYear(1, (10,), (60,)), HomeYear(2, (10,), (30,))), 0, 0)
    assert totals(year).matched_wh == 0
    assert totals(without_panels(year, 2)).matched_wh == 10
    with pytest.raises(BadReplay, match="no home 3 in it; there are 1, 2"):
        without_panels(year, 3)


def test_a_street_whose_homes_do_not_match_is_none() -> None:
    with pytest.raises(BadReplay, match="same hours"):
        Street((HomeYear(1, (1, 2), (1, 2)), HomeYear(2, (1,), (1,))), 0, 0)
    with pytest.raises(BadReplay, match="same hours"):
        Street((), 0, 0)
    with pytest.raises(BadReplay, match="named twice"):
        Street((HomeYear(1, (1,), (1,)), HomeYear(1, (1,), (1,))), 0, 0)
