from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from wattlane.household.chart import HEIGHT, LEFT, WIDTH, Interval, chart
from wattlane.household.day import Told, channel_line, day_of, day_page, hour_before

NOW = datetime(2026, 6, 21, 13, 37, 12, tzinfo=timezone(timedelta(hours=2)))
INFO: Told = {
    "account_index": 4,
    "final_time": int(NOW.timestamp()) - 30,
    "problem": None,
    "towers": 1,
}
CHANNEL: Told = {
    "channel_id": 7,
    "peer_index": 2,
    "status": "open",
    "soft_status": "open",
    "level": "final",
    "deadline": 0,
    "window_s": 86_400,
    "deposit_own_ntok": 1_000,
    "deposit_peer_ntok": 500,
    "paid_out_ntok": 300,
    "paid_in_ntok": 100,
    "energy_out_wh": 30,
    "energy_in_wh": 10,
    "unacknowledged": 0,
}


def interval(label: str, sold_wh: int = 0, bought_wh: int = 0) -> Interval:
    return Interval(label, sold_wh, bought_wh, sold_wh * 2, bought_wh * 2)


def test_a_day_begins_at_midnight_where_the_home_is() -> None:
    day = day_of(NOW)
    assert datetime.fromtimestamp(day.start_s, UTC) == datetime(2026, 6, 20, 22, tzinfo=UTC)
    assert (day.end_s - day.start_s, day.span_s) == (86_400, 3_600)
    hour = hour_before(NOW)
    assert hour.end_s - hour.start_s == 3_600
    assert hour.start_s <= NOW.timestamp() - 3_500
    assert NOW.timestamp() < hour.end_s


def test_the_page_adds_up_what_the_node_says() -> None:
    day = day_of(NOW)
    spans: list[Told] = [
        {"start_s": day.start_s + 3_600 * n, "payments": n, "sold_wh": 10 * n, "bought_wh": n,
         "earned_ntok": 20 * n, "spent_ntok": 2 * n}
        for n in range(3)
    ]  # fmt: skip
    balance: Told = {"final_ntok": 90, "soft_ntok": 100, "pending_l1_ntok": 5}
    page = day_page(INFO, [CHANNEL, {**CHANNEL, "status": "closed"}], balance, spans, day, NOW)
    assert (page.sold_wh, page.bought_wh, page.net_ntok, page.payments) == (30, 3, 54, 3)
    assert [one.label for one in page.intervals] == ["00:00", "01:00", "02:00"]
    assert page.money is not None
    assert page.money.mark.level == "soft"
    assert [one.own_ntok for one in page.channels] == [800]
    assert page.warnings == ()
    assert day_page(INFO, [], None, spans, day, NOW).money is None


@pytest.mark.parametrize(
    ("info", "channel", "title"),
    [
        ({"problem": "L1Unreachable: no"}, {}, "Your node has trouble"),
        ({"final_time": int(NOW.timestamp()) - 10_000}, {}, "L1 is behind"),
        ({"towers": 0}, {}, "Nobody watches"),
        ({}, {"unacknowledged": 2}, "Home 2 does not answer"),
        ({}, {"status": "closing", "deadline": int(NOW.timestamp()) + 60}, "is closing"),
    ],
)
def test_what_the_household_should_know_is_said(info: Told, channel: Told, title: str) -> None:
    page = day_page({**INFO, **info}, [{**CHANNEL, **channel}], None, [], day_of(NOW), NOW)
    (warning,) = page.warnings
    assert title in warning.title


def test_what_a_channel_gives_is_never_more_than_is_in_it() -> None:
    assert channel_line({**CHANNEL, "paid_out_ntok": 5_000}).own_ntok == 0
    assert channel_line({**CHANNEL, "paid_in_ntok": 5_000}).own_ntok == 1_500


@pytest.mark.parametrize("level", ["soft", "proved", "final"])
def test_a_channel_is_marked_as_far_as_it_has_come(level: str) -> None:
    line = channel_line({**CHANNEL, "soft_status": "closing", "level": level})
    assert (line.status, line.soft_status, line.mark.level) == ("open", "closing", level)
    assert line.is_ending
    assert not channel_line(CHANNEL).is_ending


def test_bars_are_as_high_as_their_energy_and_stay_inside() -> None:
    found = chart([interval("a", sold_wh=100), interval("b", bought_wh=50), interval("c", 50, 25)])
    height = {(one.label, one.kind): one.height for one in found.bars}
    assert height["a", "sold"] == pytest.approx(2 * height["c", "sold"], abs=0.2)
    assert height["b", "bought"] == pytest.approx(height["c", "sold"], abs=0.2)
    for bar in found.bars:
        assert LEFT <= bar.x < bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
        assert (bar.y + bar.height <= found.zero_y + 0.2) == (bar.kind == "sold")
    assert [one.energy_wh for one in found.ticks] == [100, 50]


def test_a_chart_of_nothing_is_empty_and_labels_are_few() -> None:
    assert chart([]).is_empty
    assert chart([interval(str(n)) for n in range(24)]).is_empty
    assert len(chart([interval(str(n), n) for n in range(60)]).labels) <= 8
    only_sold = chart([interval("a", sold_wh=7)])
    assert [one.energy_wh for one in only_sold.ticks] == [10]
    assert replace(only_sold).zero_y < HEIGHT
