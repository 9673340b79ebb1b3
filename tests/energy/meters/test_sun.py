"""The sun's bound: nothing at night, above what panels give by day, by the place's own sun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from energy.community.members import MeterKey
from energy.errors import BadSource
from energy.meters.meter import Meter
from energy.meters.plausible import doubt
from energy.meters.sample import Clock, Sample
from energy.meters.signing import MeterSigner, Salts
from energy.meters.sun import SunnyPlace
from wattlane.readings import home_hours

FONTANA = SunnyPlace(34.09, -117.44, peak_w=5_000, altitude_m=380)
"""The street of the built-in data: Sierra Crest, Fontana, California."""
HOUR_MS = 3_600_000
TROMSO = SunnyPlace(69.65, 18.96, peak_w=5_000)


def _span(*start: int, minutes: int = 15) -> tuple[int, int]:
    start_ms = int(datetime(*start, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]
    return start_ms, start_ms + minutes * 60_000


def test_at_night_there_is_nothing() -> None:
    assert FONTANA.most_wh(*_span(2017, 6, 17, 7, 0)) == 0  # 00:00 in California


def test_at_noon_panels_may_give_somewhat_more_than_they_are_rated() -> None:
    rated_wh = FONTANA.peak_w // 4
    assert rated_wh < FONTANA.most_wh(*_span(2017, 6, 17, 19, 45)) < 2 * rated_wh


def test_the_same_hour_is_day_in_one_place_and_night_in_another() -> None:
    """Midsummer in the far north has no night, midwinter no day."""
    assert TROMSO.most_wh(*_span(2017, 6, 21, 23, 0)) > 100
    assert TROMSO.most_wh(*_span(2017, 12, 21, 11, 0)) == 0
    assert FONTANA.most_wh(*_span(2017, 6, 21, 10, 0)) == 0


def test_the_minutes_of_sunrise_count_with_their_brighter_end() -> None:
    """Sunrise at Fontana on 17 June 2017 is at about 05:37 local time, 12:37 UTC."""
    assert FONTANA.most_wh(*_span(2017, 6, 17, 12, 25, minutes=5)) == 0
    assert FONTANA.most_wh(*_span(2017, 6, 17, 12, 35, minutes=10)) > 0


def test_a_rising_sun_counts_as_bright_as_it_ends_the_minute() -> None:
    huge = SunnyPlace(FONTANA.latitude, FONTANA.longitude, peak_w=10**9)
    start_ms, end_ms = _span(2017, 6, 17, 13, 0, minutes=1)
    first_second_wh = huge.most_wh(start_ms, start_ms + 1_000)
    last_second_wh = huge.most_wh(end_ms - 1_000, end_ms)
    assert last_second_wh > first_second_wh
    assert huge.most_wh(start_ms, end_ms) >= 60 * (last_second_wh - 1)


def test_a_reading_that_exports_at_night_is_doubted_and_one_at_noon_is_not() -> None:
    signer = MeterSigner(bytes(range(32)))
    meter = Meter(signer.did, (MeterKey(signer.did, signer.key_id, 0),), 10_000, 10_000)
    doubts = []
    for start_ms, end_ms in (_span(2017, 6, 17, 7, 0), _span(2017, 6, 17, 19, 45)):
        salts = Salts(bytes(32), bytes(32))
        before = signer.record(None, Sample(start_ms, Clock.SYNCHRONISED, 0, 0), salts)
        after = signer.record(before, Sample(end_ms, Clock.SYNCHRONISED, 0, 900), salts)
        doubts.append(doubt(before, after, meter, FONTANA))
    night, noon = doubts
    assert night is not None
    assert (night.export_wh, night.most_wh) == (900, 1)
    assert "the sun allows 1 Wh there then" in str(night)
    assert noon is None


def _warnings(home: int, offset_hours: int) -> int:
    """How many hours of a home's real year, a day in each season, lie beyond its sun.

    The data's hours are taken as this far from UTC. Ratings are not published with it: a system's
    best hour is taken for four fifths of what its modules are rated at.
    """
    hours = home_hours(home)
    rated_w = max(hour.pv_wh for hour in hours) * 5 // 4
    place = SunnyPlace(FONTANA.latitude, FONTANA.longitude, rated_w, FONTANA.altitude_m)
    found = 0
    for day in range(30, 365, 90):
        first = datetime(2016, 8, 1, tzinfo=timezone(timedelta(hours=offset_hours)))
        start_ms = int((first + timedelta(days=day)).timestamp()) * 1000
        for hour in range(24):
            span = start_ms + HOUR_MS * hour, start_ms + HOUR_MS * (hour + 1)
            made_wh = hours[1 + 24 * day + hour].pv_wh
            found += bool(made_wh) and made_wh > place.most_wh(*span)
    return found


def test_real_panels_stay_below_it_in_all_seasons() -> None:
    assert _warnings(9, -8) == 0


def test_a_clock_that_is_an_hour_wrong_shows() -> None:
    """The built-in data is in Pacific standard time all year round: this is how it was noticed."""
    assert _warnings(9, -7) > 0


@pytest.mark.parametrize(
    "change", [{"latitude": 91.0}, {"longitude": -181.0}, {"peak_w": 0}, {"altitude_m": 10_000}]
)
def test_a_place_that_is_not_on_earth_is_refused(change: dict[str, float]) -> None:
    place: dict[str, float] = {"latitude": 1.0, "longitude": 1.0, "peak_w": 1, **change}
    with pytest.raises(BadSource, match=next(iter(change))):
        SunnyPlace(**place)  # type: ignore[arg-type]
