"""Roots of meters' days in the journal: signed by a member's meter, one for a day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.errors import DayRootGiven, TamperedReading, UnknownMeter, WrongKey
from energy.market.market import fold
from energy.meters.commitments import DayRoot, close_day
from tests.energy.community.streets import START_MS
from tests.energy.market.street import METERS, Street, quarter

DAY_MS = 86_400_000


def root(home: int, start_ms: int = START_MS, signer: int | None = None) -> DayRoot:
    return close_day(METERS[signer or home], start_ms, start_ms + DAY_MS, 0, [bytes([home]) * 32])


def test_a_root_of_a_members_meter_is_kept_and_found_again() -> None:
    street = Street()
    street.begin()
    for home in (1, 2):
        street.put(root(home).encoded, quarter(96))
    street.put(root(1, START_MS + DAY_MS).encoded, quarter(192))
    for market in (street.market, fold(street.entries)):
        assert market.day_roots.of(METERS[1].did, START_MS) == root(1)
        assert market.day_roots.of(METERS[1].did, START_MS + DAY_MS) == root(1, START_MS + DAY_MS)
        assert market.day_roots.of(METERS[2].did, START_MS + DAY_MS - 1) == root(2)
        assert market.day_roots.of(METERS[2].did, START_MS + DAY_MS) is None
        assert market.day_roots.of(METERS[3].did, START_MS) is None


def test_what_is_no_root_of_a_members_meter_is_refused() -> None:
    street = Street()
    street.begin()
    street.put(root(1).encoded, quarter(96))
    with pytest.raises(UnknownMeter):
        street.put(root(5).encoded, quarter(96))
    other = replace(root(2, signer=3), meter=METERS[2].did)
    with pytest.raises(WrongKey):
        street.put(other.encoded, quarter(96))
    with pytest.raises(TamperedReading, match="root of its day"):
        street.put(replace(root(2), count=2).encoded, quarter(96))
    for start_ms in (START_MS + 1, START_MS - 1):
        with pytest.raises(DayRootGiven):
            street.put(root(1, start_ms).encoded, quarter(96))
    assert street.market.day_roots.of(METERS[2].did, START_MS) is None
