"""`wattlane meter run`: samples of the source become records on disk, and go to a market."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from energy.errors import EnergyError, MarketRefused, MarketUnreachable, SourceSilent
from energy.market.client import MarketClient
from energy.meters.adapters.by_name import open_source
from energy.meters.meter import Meter
from energy.meters.metering import to_share
from energy.meters.plausible import MoreThanTheSun, Sun, doubt
from energy.meters.reading import Reading
from energy.meters.recording import Recorder, close_days
from energy.meters.sample import Sample
from energy.meters.signing import MeterSigner
from energy.meters.store import MeterStore
from wattlane.errors import BadMeterSettings
from wattlane.meter_check import meter_in_folder
from wattlane.meter_settings import FILE, MeterFile

_MOST_AT_ONCE = 500
_AT_ONCE_S = 0.01
"""Samples that come in less than this are written together."""
_HAD_BEFORE = frozenset({"ReplayedReading", "DayRootGiven"})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0

Said = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a run has done: records kept, samples refused, samples that were kept before, records
    that are doubted, records that the market took."""

    kept: int = 0
    refused: int = 0
    passed_over: int = 0
    doubted: int = 0
    shared: int = 0


def unix_ms() -> int:
    """Now, Unix ms, UTC."""
    return time.time_ns() // 1_000_000


async def run_meter(
    folder: Path, settings: MeterFile, signer: MeterSigner, say: Said, market: str | None = None
) -> Outcome:
    """Record the source until it ends. `say` is told each refusal and each day that is closed.

    A device that is silent is asked again, after pauses that grow to a minute; a market that does
    not answer gets what it lacks later. Raises EnergyError leaves, BadMeterSettings.
    """
    if not settings.source:
        raise BadMeterSettings(str(folder / FILE), "it has no [source]")
    outcome = Outcome()

    def refused(error: EnergyError) -> None:
        outcome.refused += 1
        say(f"refused: {error}")

    source = open_source(settings.source, folder, refused)
    with MeterStore(folder, signer.did) as store:
        meter = meter_in_folder(folder, signer.did, settings)
        recorder = Recorder(store, signer, meter)
        resume = _Resume(recorder.last)
        client = MarketClient(market) if market else None
        try:
            async for samples in _together(_again(lambda: aiter(source), say)):
                new = [sample for sample in samples if resume.is_new(sample)]
                outcome.passed_over += len(samples) - len(new)
                before = recorder.last
                taken = recorder.take(new, unix_ms(), refused)
                outcome.kept += len(taken)
                for found in doubts(before, taken, meter, settings.place):
                    outcome.doubted += 1
                    say(f"worth a look: {found}")
                for day in close_days(store, signer, settings.days_in):
                    say(f"day of {day.count} readings closed, root 0x{day.root.hex()}")
                if client is not None:
                    outcome.shared += await share(store, client, say)
        finally:
            if client is not None:
                await client.close()
    return outcome


def doubts(
    before: Reading | None, readings: Iterable[Reading], meter: Meter, sun: Sun | None
) -> Iterator[MoreThanTheSun]:
    """What is doubted of verified records that follow each other; nothing without a `sun`."""
    for reading in readings:
        found = doubt(before, reading, meter, sun) if sun and before else None
        if found is not None:
            yield found
        before = reading


class _Resume:
    """Passes over what an earlier run has kept, up to the first sample that is new."""

    def __init__(self, last: Reading | None) -> None:
        self._last = last

    def is_new(self, sample: Sample) -> bool:
        """Whether the sample comes after the last record; all that follow it do then."""
        last = self._last
        if last is not None and (sample.time_ms, sample.register_epoch) <= (
            last.end_ms,
            last.register_epoch,
        ):
            return False
        self._last = None
        return True


async def hand_in(market: str, document: bytes) -> None:
    """Give a market one document. Raises MarketUnreachable, MarketRefused."""
    async with MarketClient(market) as client:
        await client.submit(document)


async def share(store: MeterStore, client: MarketClient, say: Said) -> int:
    """Hand a market the records and roots that it needs and lacks; how many records it took.

    Where the community pays at every reading that is each of them, else those at the ends of
    intervals. Repeating is safe. What a market refuses, or that it does not answer, is said, and
    tried again next time: recording goes on.
    """
    taken = 0
    try:
        info = await client.info()
        waiting = tuple(store.readings(after=store.shared_to(client.url) - 1))
        if info.mode != "streaming":
            waiting = to_share(waiting, info.interval_ms)
        for reading in waiting:
            if reading.sequence > store.shared_to(client.url):
                taken += await _submit(client, reading.encoded)
                store.mark_shared(client.url, reading.sequence)
        await _share_days(store, client)
    except (MarketUnreachable, MarketRefused) as error:
        say(f"not shared yet: {error}")
    return taken


async def _share_days(store: MeterStore, client: MarketClient) -> None:
    mark = f"{client.url} days"
    for place, day in enumerate(store.days()):
        if place > store.shared_to(mark):
            await _submit(client, day.encoded)
            store.mark_shared(mark, place)


async def _submit(client: MarketClient, document: bytes) -> bool:
    """Whether the market took it; False where it has had it, or what comes after it."""
    try:
        await client.submit(document)
    except MarketRefused as error:
        if error.reason_code not in _HAD_BEFORE:
            raise
        return False
    return True


async def _again(begin: Callable[[], AsyncIterator[Sample]], say: Said) -> AsyncIterator[Sample]:
    """The samples of a source; one that is silent is begun anew."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async for sample in begin():
                yield sample
                pause_s = _FIRST_PAUSE_S
            return
        except SourceSilent as error:
            say(f"{error}; asking again in {pause_s:.0f} s")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def _next(samples: AsyncIterator[Sample]) -> Sample:
    return await anext(samples)


async def _together(samples: AsyncIterator[Sample]) -> AsyncIterator[list[Sample]]:
    """Samples as they come; what is there at once, together."""
    gathered: list[Sample] = []
    coming: asyncio.Task[Sample] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(samples))
            wait_s = _AT_ONCE_S if gathered else None
            done, _ = await asyncio.wait({coming}, timeout=wait_s)
            if done:
                task, coming = coming, None
                try:
                    gathered.append(task.result())
                except StopAsyncIteration:
                    break
            if gathered and (not done or len(gathered) >= _MOST_AT_ONCE):
                yield gathered
                gathered = []
        if gathered:
            yield gathered
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
