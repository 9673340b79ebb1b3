"""A battery's hours by hand: what it draws, keeps and gives, and for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import BadReplay
from energy.replay.battery import Battery, BatteryYear, at_home, for_the_street
from energy.replay.street import surplus_and_deficit, totals
from tests.energy.replay.streets import street


def test_a_battery_for_all_draws_only_what_no_neighbour_takes() -> None:
    """Hour 0: 300 over, 100 lacking, so 200 are left, of which it can draw 150 and keep 135.
    Hour 1: 90 lacking. Hour 2: 100 lacking and 20 over; 45 are left in it."""
    year = street((1, [300, -40, 20]), (2, [-100, -50, -100]))
    assert for_the_street(year, Battery(1_000, 150)) == BatteryYear(150, 90 + 45, 0)
    assert totals(year).matched_wh == 100 + 20


def test_a_battery_at_home_serves_its_home_first() -> None:
    year = street((1, [300, -40, 20]), (2, [-100, -50, -100]))
    changed, own = at_home(year, 1, Battery(100, 1_000, 1000))
    assert own == BatteryYear(100 + 20, 40, 80)
    assert [changed.nets(hour) for hour in range(3)] == [[200, -100], [0, -50], [0, -100]]


def test_it_draws_no_more_than_it_has_room_for() -> None:
    """Room for 10 Wh at 900 thousandths: 11 drawn are 9 kept, 12 are 10, and 13 would be 11."""
    battery = Battery(10, 1_000)
    assert battery.draw_wh(1_000, 0) == 12
    assert battery.keep_wh(12) == 10
    assert battery.draw_wh(1_000, 10) == 1  # is lost: it keeps nothing of it
    assert battery.keep_wh(1) == 0


@given(
    offers=st.lists(st.integers(-2_000, 2_000), min_size=1, max_size=30),
    size=st.integers(0, 3_000),
    power=st.integers(0, 3_000),
    efficiency=st.integers(1, 1000),
)
def test_nothing_comes_from_nowhere(
    offers: list[int], size: int, power: int, efficiency: int
) -> None:
    battery = Battery(size, power, efficiency)
    year = street((1, offers))
    shared = for_the_street(year, battery)
    assert shared.given_wh + shared.left_wh <= shared.drawn_wh * efficiency / 1000
    assert 0 <= shared.left_wh <= size
    surplus = sum(surplus_and_deficit([offer])[0] for offer in offers)
    assert shared.drawn_wh <= surplus
    changed, own = at_home(year, 1, battery)
    assert own == shared
    assert totals(changed).surplus_wh == totals(year).surplus_wh - own.drawn_wh
    assert totals(changed).deficit_wh == totals(year).deficit_wh - own.given_wh


@pytest.mark.parametrize("sizes", [(-1, 1, 900), (1, -1, 900), (1, 1, 0), (1, 1, 1001)])
def test_what_is_no_battery_is_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(BadReplay, match="is none"):
        Battery(*sizes)


def test_it_needs_a_home_that_is_there() -> None:
    with pytest.raises(BadReplay, match="no home 7"):
        at_home(street((1, [1])), 7, Battery(1, 1))
