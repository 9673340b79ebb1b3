"""Meters of the tests: keys from seeds, and chains of signed readings from plain registers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from energy.community.members import MeterKey
from energy.meters.meter import Meter
from energy.meters.reading import Reading
from energy.meters.sample import Clock, Sample
from energy.meters.signing import MeterSigner, Salts

START_MS = 1_749_996_000_000
"""2025-06-15T14:00:00Z."""
MINUTE_MS = 60_000
LATER_MS = START_MS + 400 * 86_400_000
"""A time at which all readings of the tests have been made."""


def signer_of(seed: int, did: str | None = None) -> MeterSigner:
    """The key of this seed."""
    return MeterSigner(hashlib.sha256(b"meter" + seed.to_bytes(4, "big")).digest(), did)


def meter_of(signer: MeterSigner, *more: MeterKey, watts: int = 20_000) -> Meter:
    """A meter with this key, and more, behind a connection of so many W."""
    return Meter(signer.did, (MeterKey(signer.did, signer.key_id, 0), *more), watts, watts)


def salts_of(number: int) -> Salts:
    """Salts that a test can repeat."""
    seed = number.to_bytes(4, "big")
    return Salts(hashlib.sha256(b"raw" + seed).digest(), hashlib.sha256(b"reg" + seed).digest())


def sample_at(minute: int, import_wh: int, export_wh: int = 0) -> Sample:
    """A good sample so many minutes after the tests' beginning."""
    time_ms = START_MS + minute * MINUTE_MS
    raw = f"{time_ms},{import_wh},{export_wh}".encode()
    return Sample(time_ms, Clock.SYNCHRONISED, import_wh, export_wh, raw=raw)


def chain(signer: MeterSigner, samples: Iterable[Sample]) -> tuple[Reading, ...]:
    """The meter's records of these samples."""
    readings: list[Reading] = []
    for number, sample in enumerate(samples):
        before = readings[-1] if readings else None
        readings.append(signer.record(before, sample, salts_of(number)))
    return tuple(readings)
