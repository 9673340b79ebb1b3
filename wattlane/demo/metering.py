"""The homes' meters: each has a key of its own, reads the street's CSV and keeps signed records.

The file is what the timeline shows; from there on everything is the meters' own code: the adapter,
the signature, the checks by which a market would judge, the store.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime
from pathlib import Path

from energy.errors import EnergyError
from energy.meters import meter_key
from energy.meters.adapters.csv_file import CsvSource
from energy.meters.checking import check_next
from energy.meters.meter import Meter
from energy.meters.reading import Reading
from energy.meters.recording import Recorder
from energy.meters.sample import Sample
from energy.meters.signing import MeterSigner
from energy.meters.store import MeterStore
from wattlane.demo.timeline import Timeline
from wattlane.meter_settings import write_meter_file
from wattlane.readings_file import HEADER


def write_street(timeline: Timeline, path: Path) -> None:
    """The readings of all homes, as `wattlane demo --readings` takes them, with times in UTC."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(HEADER)
    for home, stands in timeline.stands.items():
        for stand in stands:
            time = datetime.fromtimestamp(stand.time_ms // 1000, UTC).isoformat()
            rows.writerow([time, home, stand.import_wh, stand.export_wh])
    path.write_text(text.getvalue(), encoding="utf-8")


def make_meter_key(folder: Path) -> MeterSigner:
    """A new key for a home's meter, readable by its owner alone. Raises KeystoreExists."""
    return meter_key.create(folder)


def write_settings(folder: Path, street: Path, name: str, zone: str, meter: Meter) -> None:
    """The meter.toml of a home's meter, so that `wattlane meter` can be asked about what is kept.

    Raises BadMeterSettings.
    """
    source = os.path.relpath(street, folder), name
    write_meter_file(folder, zone, meter.import_w, meter.export_w, source)


class HomeMeter:
    """A meter at work: each call of `read` takes the next row of its file. Close it in the end."""

    def __init__(self, folder: Path, street: Path, name: str, meter: Meter) -> None:
        """Raises MeterStoreInUse, MeterStoreUnusable, BadMeterKeyFile."""
        signer = meter_key.load(folder)
        self.store = MeterStore(folder, signer.did)
        self._recorder = Recorder(self.store, signer, meter)
        self._samples = _rows(CsvSource(street, name))

    async def read(self) -> Reading:
        """The record of the next row, on disk. Raises ReadingRefused leaves, StopAsyncIteration."""
        sample = await anext(self._samples)
        (reading,) = await asyncio.to_thread(self._recorder.take, [sample], sample.time_ms)
        return reading

    async def close(self) -> None:
        """Let go of its files."""
        await self._samples.aclose()
        self.store.close()


def is_one_chain(folder: Path, meter: Meter, last_ms: int) -> bool:
    """Whether a home's store holds one signed chain of records. Raises MeterStoreUnusable."""
    store = MeterStore.for_reading(folder)
    try:
        return _follow(store.readings(), meter, last_ms)
    finally:
        store.close()


def _follow(readings: Iterable[Reading], meter: Meter, last_ms: int) -> bool:
    before: Reading | None = None
    try:
        for reading in readings:
            check_next(before, reading, meter, last_ms)
            before = reading
    except EnergyError:
        return False
    return before is not None


async def _rows(source: CsvSource) -> AsyncGenerator[Sample]:
    async for sample in source:
        yield sample
