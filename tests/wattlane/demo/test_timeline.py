"""Readings in UTC, and an interval at whose ends every meter has been read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from wattlane.demo.timeline import MINUTE_MS, READ_EVERY_MS, timeline
from wattlane.errors import BadChoice
from wattlane.readings import DEFAULT_DAY, STREET_ZONE, Meter, Reading, built_in_street

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def _meter(name: str, minutes: list[int]) -> Meter:
    return Meter(name, tuple(Reading(NOON + timedelta(minutes=at), at, 2 * at) for at in minutes))


def test_the_built_in_day_has_96_quarters_and_is_read_every_five_minutes() -> None:
    street = built_in_street([2, 17], DEFAULT_DAY)
    found = timeline(street, STREET_ZONE)
    assert len(found.intervals) == 96
    assert len(found.times_ms) == 24 * 12 + 1
    steps = {after - before for before, after in pairwise(found.times_ms)}
    assert steps == {READ_EVERY_MS}
    assert found.intervals[0].start_ms == found.times_ms[0]
    assert found.intervals[-1].end_ms == found.times_ms[-1]
    midnight = datetime.fromtimestamp(found.times_ms[0] / 1000, STREET_ZONE)
    assert (midnight.date(), midnight.hour, midnight.minute) == (DEFAULT_DAY, 0, 0)
    last = street[1].readings[-1]
    assert found.stands["h17"][-1].import_wh == last.import_wh
    assert found.stands["h17"][-1].export_wh == last.export_wh


@pytest.mark.parametrize(
    ("minutes", "interval"),
    [
        ([0, 15, 30], 15),
        ([0, 10, 20, 30], 30),
        ([0, 60], 60),
        ([0, 20, 40, 60], 60),
        ([0, 1, 2, 3], 3),
        ([3, 4], 1),
    ],
    ids=str,
)
def test_the_interval_is_the_first_that_fits(minutes: list[int], interval: int) -> None:
    found = timeline([_meter("anna", minutes), _meter("bert", minutes)], ZONE)
    assert found.interval_ms == interval * MINUTE_MS
    assert sum(one.length_ms for one in found.intervals) == (minutes[-1] - minutes[0]) * MINUTE_MS


def test_the_ends_of_intervals_are_read_and_little_else() -> None:
    found = timeline([_meter("anna", list(range(0, 31))), _meter("bert", list(range(0, 31)))], ZONE)
    assert [time // MINUTE_MS % 60 for time in found.times_ms] == [0, 5, 10, 15, 20, 25, 30]
    odd = timeline([_meter("anna", [6, 7, 8, 9]), _meter("bert", [6, 7, 8, 9])], ZONE)
    assert [time // MINUTE_MS % 60 for time in odd.times_ms] == [6, 9]


def test_times_that_not_all_meters_share_are_left_out() -> None:
    found = timeline([_meter("anna", [0, 5, 10, 15]), _meter("bert", [0, 15])], ZONE)
    assert len(found.times_ms) == 2
    assert [one.export_wh for one in found.stands["anna"]] == [0, 30]


def test_meters_that_share_no_interval_have_no_market() -> None:
    with pytest.raises(BadChoice, match="whole quarters of an hour"):
        timeline([_meter("anna", [0, 7, 14]), _meter("bert", [0, 14])], ZONE)
