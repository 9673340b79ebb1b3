"""Differences of registers, within an epoch, over a wrap, over another device."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.errors import FallingRegister, NoVerifiedReading, UnexplainedEpoch
from energy.intervals import QUARTER_MS, Interval
from energy.meters.metering import DEFAULT_SLACK_MS, metered, to_share
from energy.meters.reading import Reading
from energy.meters.registers import Difference, between, step
from energy.meters.sample import SWAP, WRAP, Clock, Quality, Sample
from tests.energy.meters.chains import MINUTE_MS, START_MS, chain, sample_at, signer_of

SIGNER = signer_of(1)
REGISTER_WH = 1_000


def _pair(first: Sample, second: Sample) -> tuple[Reading, Reading]:
    one, two = chain(SIGNER, (first, second))
    return one, two


def test_a_wrap_counts_on_from_zero() -> None:
    first = sample_at(0, 990, 5)
    wrapped = replace(sample_at(1, 3, 9), register_epoch=1, context=WRAP)
    assert step(*_pair(first, wrapped), REGISTER_WH) == Difference(13, 4)
    both = replace(first, export_wh=999), replace(wrapped, export_wh=0)
    assert step(*_pair(*both), REGISTER_WH) == Difference(13, 1)


def test_a_wrap_of_values_that_no_register_shows_is_refused() -> None:
    first = sample_at(0, REGISTER_WH)
    wrapped = replace(sample_at(1, 3), register_epoch=1, context=WRAP)
    with pytest.raises(UnexplainedEpoch, match="1000 Wh is more"):
        step(*_pair(first, wrapped), REGISTER_WH)


def test_another_device_begins_with_values_of_its_own() -> None:
    closing = sample_at(0, 500, 40)
    opening = replace(sample_at(0, 12, 9), register_epoch=1, context=SWAP)
    assert step(*_pair(closing, opening), REGISTER_WH) == Difference(0, 0, True)
    later = replace(sample_at(5, 12, 9), register_epoch=1, context=SWAP)
    assert step(*_pair(closing, later), REGISTER_WH) == Difference(0, 0, False)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 400), st.booleans()), min_size=1, max_size=8
    )
)
def test_what_flowed_adds_up_over_wraps_and_swaps(steps: list[tuple[int, int, bool]]) -> None:
    """A device that counts on, wraps when it must and is replaced now and then."""
    imported = exported = epoch = 0
    totals = [0, 0]
    samples = [sample_at(0, 0)]
    for minute, (more_in, more_out, is_swapped) in enumerate(steps, 1):
        totals[0] += more_in
        totals[1] += more_out
        wraps = imported + more_in >= REGISTER_WH or exported + more_out >= REGISTER_WH
        imported, exported = (imported + more_in) % REGISTER_WH, (exported + more_out) % REGISTER_WH
        epoch += wraps
        context = WRAP if wraps else ""
        good = sample_at(minute, imported, exported)
        samples.append(replace(good, register_epoch=epoch, context=context))
        if is_swapped:
            epoch, imported, exported = epoch + 1, 7, 11
            opening = sample_at(minute, imported, exported)
            samples.append(replace(opening, register_epoch=epoch, context=SWAP))
    assert between(chain(SIGNER, samples), REGISTER_WH) == Difference(totals[0], totals[1])


def test_a_register_that_falls_has_no_difference() -> None:
    with pytest.raises(FallingRegister):
        step(*_pair(sample_at(0, 5), sample_at(1, 4)), REGISTER_WH)


# --- intervals ----------------------------------------------------------------------------------

HOUR = chain(SIGNER, (sample_at(minute, minute * 3, minute * 5) for minute in range(0, 61, 5)))


def test_an_interval_is_the_difference_of_its_ends() -> None:
    shown = metered(4, Interval(START_MS, START_MS + QUARTER_MS), HOUR)
    assert (shown.home, shown.import_wh, shown.export_wh) == (4, 45, 75)
    assert (shown.first, shown.last) == (HOUR[0].digest, HOUR[3].digest)
    assert shown.is_measured


def test_what_is_shared_gives_the_same_intervals() -> None:
    shared = to_share(HOUR, QUARTER_MS)
    assert [reading.sequence for reading in shared] == [0, 3, 6, 9, 12]
    for quarter in range(4):
        start = START_MS + quarter * QUARTER_MS
        interval = Interval(start, start + QUARTER_MS)
        assert metered(4, interval, shared) == metered(4, interval, HOUR)


def test_a_boundary_takes_the_last_reading_before_it() -> None:
    """So that two intervals meet in one reading, and no energy is counted twice or lost."""
    off_ms = 20_000
    samples = [sample_at(minute, minute * 3) for minute in range(31)]
    readings = chain(SIGNER, (replace(one, time_ms=one.time_ms - off_ms) for one in samples))
    middle = START_MS + QUARTER_MS
    first = metered(4, Interval(START_MS, middle), readings)
    second = metered(4, Interval(middle, middle + QUARTER_MS), readings)
    assert first.last == second.first == readings[15].digest
    assert (first.import_wh, second.import_wh) == (45, 45)
    shared = to_share(readings, QUARTER_MS)
    assert metered(4, Interval(START_MS, middle), shared) == first


def test_no_reading_no_interval() -> None:
    after = Interval(START_MS + 4 * QUARTER_MS, START_MS + 5 * QUARTER_MS)
    with pytest.raises(NoVerifiedReading, match="home 4"):
        metered(4, after, HOUR)
    before = Interval(START_MS - QUARTER_MS, START_MS)
    with pytest.raises(NoVerifiedReading):
        metered(4, before, HOUR)
    with pytest.raises(NoVerifiedReading):
        metered(4, before, ())


def test_a_reading_may_be_so_old_and_no_older() -> None:
    end = START_MS + 60 * MINUTE_MS + DEFAULT_SLACK_MS
    assert metered(4, Interval(START_MS, end), HOUR).import_wh == 180
    with pytest.raises(NoVerifiedReading):
        metered(4, Interval(START_MS, end + 1), HOUR)


def test_what_was_not_measured_says_so() -> None:
    good = sample_at(0, 0), sample_at(15, 45)
    for quality in (Quality.SUBSTITUTED, Quality.ESTIMATED):
        for samples in (
            (replace(good[0], quality=quality), good[1]),
            (good[0], replace(good[1], quality=quality)),
        ):
            readings = chain(SIGNER, samples)
            shown = metered(4, Interval(START_MS, START_MS + QUARTER_MS), readings)
            assert not shown.is_measured


def test_an_interval_with_another_device_in_it_adds_both() -> None:
    """Beside it the same meter that wraps: it goes on counting, and nothing is lost."""
    opening = replace(sample_at(5, 1_000, 0), register_epoch=1, context=SWAP)
    late = replace(opening, time_ms=opening.time_ms + 1)
    end = replace(sample_at(15, 1_020, 9), register_epoch=1)
    for begins, is_measured in ((opening, True), (late, False)):
        readings = chain(SIGNER, (sample_at(0, 0), sample_at(5, 7, 1), begins, end))
        interval = Interval(START_MS, START_MS + QUARTER_MS)
        shown = metered(4, interval, readings)
        assert (shown.import_wh, shown.export_wh) == (27, 10)
        assert shown.is_measured is is_measured
        assert metered(4, interval, to_share(readings, QUARTER_MS)) == shown
    wrapped = replace(sample_at(6, 5, 3), register_epoch=1, context=WRAP)
    end = replace(sample_at(15, 25, 9), register_epoch=1)
    readings = chain(SIGNER, (sample_at(0, 980, 0), sample_at(5, 990, 1), wrapped, end))
    for seen in (readings, to_share(readings, QUARTER_MS)):
        shown = metered(4, interval, seen, register_wh=REGISTER_WH)
        assert (shown.import_wh, shown.export_wh, shown.is_measured) == (45, 9, True)


def test_the_newest_reading_is_shared_only_at_a_boundary() -> None:
    assert to_share(HOUR[:2], QUARTER_MS) == HOUR[:1]
    assert to_share((), QUARTER_MS) == ()


def test_a_sample_without_a_time_of_its_own_is_no_interval() -> None:
    alone = chain(SIGNER, (Sample(START_MS, Clock.SYNCHRONISED, 1, 1),))
    with pytest.raises(NoVerifiedReading):
        metered(4, Interval(START_MS, START_MS + QUARTER_MS), alone)
