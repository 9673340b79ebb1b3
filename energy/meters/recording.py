"""From a source to the store: each sample becomes a signed record, is checked, and is on disk.

The household holds its own meter to the rules by which others will: what a market would refuse is
refused here, by the same error, and nothing is kept of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from energy.errors import DayNotOver, NoSuchReading, NothingOfDay, ReadingRefused
from energy.intervals import Interval, day_span, local_day
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.checking import check_next
from energy.meters.commitments import DayRoot, Disclosure, close_day, disclose
from energy.meters.corrections import Correction, check_correction, correct
from energy.meters.meter import Meter
from energy.meters.reading import SALT_BYTES, Reading
from energy.meters.sample import SWAP, WRAP, Quality, Sample
from energy.meters.signing import MeterSigner, Salts
from energy.meters.store import Kept, MeterStore


class Recorder:
    """Makes a meter's records. `meter`: what they are held against; one at a time for a store."""

    def __init__(self, store: MeterStore, signer: MeterSigner, meter: Meter) -> None:
        self._store = store
        self._signer = signer
        self._meter = meter
        self.last = store.last()

    def take(
        self, samples: Sequence[Sample], now_ms: int, refused: Refused = stop_at_first
    ) -> tuple[Reading, ...]:
        """The records of samples, in order, kept together.

        `now_ms`: Unix ms, UTC. `refused` is called for each that may not follow, and raises (so
        that none is kept) or returns to go on. Raises ReadingRefused by its leaves,
        MeterStoreUnusable.
        """
        kept, before = [], self.last
        for sample in samples:
            salts = Salts(secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES))
            reading = self._signer.record(before, _with_its_swap(before, sample), salts)
            try:
                check_next(before, reading, self._meter, now_ms)
            except ReadingRefused as error:
                refused(error)
                continue
            kept.append(Kept(reading, sample.raw, salts))
            before = reading
        self._store.append(kept)
        self.last = before
        return tuple(one.reading for one in kept)


def _with_its_swap(before: Reading | None, sample: Sample) -> Sample:
    """The first sample of a new register epoch, named a swap unless its source names a wrap.

    A source knows its epoch from its settings, where a household writes that it has another device,
    and cannot know which sample is the first after it.
    """
    is_next = before is not None and sample.register_epoch == before.register_epoch + 1
    return replace(sample, context=SWAP) if is_next and sample.context != WRAP else sample


def correct_reading(
    store: MeterStore,
    signer: MeterSigner,
    meter: Meter,
    sequence: int,
    registers_wh: tuple[int, int],
    now_ms: int,
    *,
    quality: Quality,
    reason: str,
) -> Correction:
    """A new correction of a kept record, signed, checked and kept; the newest one if it says this.

    `registers_wh`: what import and export really stood at. Raises NoSuchReading, ReadingRefused by
    its leaves, MeterStoreUnusable.
    """
    reading = store.kept(sequence).reading
    before = [one for one in store.corrections() if one.reading.sequence == sequence]
    last = before[-1].number if before else 0
    for newest in before[-1:]:
        said = (newest.import_wh, newest.export_wh), newest.quality, newest.reason
        if said == (registers_wh, quality, reason):
            return newest
    made = correct(
        signer,
        reading,
        registers_wh,
        number=last + 1,
        made_ms=now_ms,
        quality=quality,
        reason=reason,
    )
    check_correction(made, last, meter, now_ms)
    store.keep_correction(made)
    return made


def close_days(store: MeterStore, signer: MeterSigner, zone: ZoneInfo) -> list[DayRoot]:
    """Sign and keep the roots of all local days that are over and have none yet.

    A day is over once a record ends behind it. Raises MeterStoreUnusable.
    """
    closed = {day.start_ms for day in store.days()}
    made = []
    for day in _days(store, zone):
        span = day_span(day, zone)
        if span.start_ms not in closed and _is_over(store, span):
            found = list(store.readings(span))
            if found:
                made.append(_close(store, signer, span, found))
    return made


def close_one_day(store: MeterStore, signer: MeterSigner, day: date, zone: ZoneInfo) -> DayRoot:
    """The kept root of a local day, or a new one. Raises DayNotOver, NothingOfDay."""
    span = day_span(day, zone)
    kept = store.day(span.start_ms)
    if kept is not None:
        return kept
    if not _is_over(store, span):
        raise DayNotOver(day.isoformat())
    found = list(store.readings(span))
    if not found:
        raise NothingOfDay(day.isoformat())
    return _close(store, signer, span, found)


def show_alone(
    store: MeterStore, sequence: int, zone: ZoneInfo, *, with_raw: bool = False
) -> Disclosure:
    """One record with what shows that it stands in its day's root.

    Raises NoSuchReading if it is unknown, its salts are erased or its day has no root yet.
    """
    kept = store.kept(sequence)
    if kept.salts is None:
        raise NoSuchReading(sequence, "its salts are erased: it cannot be shown alone any more")
    span = day_span(local_day(kept.reading.end_ms, zone), zone)
    day = store.day(span.start_ms)
    if day is None:
        reason = "its day has no root yet; `wattlane meter day` makes one"
        raise NoSuchReading(sequence, reason)
    commitments = [reading.registers_hash for reading in store.readings(span)]
    raw = (kept.raw, kept.salts.raw) if with_raw else (b"", b"")
    return disclose(kept.reading, kept.salts.registers, day, commitments, *raw)


def _days(store: MeterStore, zone: ZoneInfo) -> list[date]:
    first, last = next(store.readings(), None), store.last()
    if first is None or last is None:
        return []
    day, end = local_day(first.end_ms, zone), local_day(last.end_ms, zone)
    days = []
    while day <= end:
        days.append(day)
        day += timedelta(days=1)
    return days


def _is_over(store: MeterStore, span: Interval) -> bool:
    last = store.last()
    return last is not None and last.end_ms >= span.end_ms


def _close(
    store: MeterStore, signer: MeterSigner, span: Interval, found: Sequence[Reading]
) -> DayRoot:
    commitments = [reading.registers_hash for reading in found]
    day = close_day(signer, span.start_ms, span.end_ms, found[0].sequence, commitments)
    store.keep_day(day)
    return day
