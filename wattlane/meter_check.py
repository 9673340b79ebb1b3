"""`wattlane meter verify`: a household's own records, or one of them that was shown alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from energy.community.members import Member, MeterKey
from energy.errors import BadDocument, EnergyError
from energy.intervals import Interval
from energy.market.journal import read_journal
from energy.market.market import kind_of
from energy.meters.checking import check_next, check_shared
from energy.meters.commitments import (
    DAY_TYPE,
    DayRoot,
    Disclosure,
    check_disclosure,
    decode_day,
    decode_disclosure,
)
from energy.meters.did import PREFIX
from energy.meters.merkle import root_of
from energy.meters.meter import Meter, meters_of
from energy.meters.meter_key import names
from energy.meters.reading import Reading, commit_to_raw, commit_to_registers
from energy.meters.store import Kept, MeterStore
from prover.progress import Progress
from wattlane.errors import BadChoice, MeterRecordsBroken
from wattlane.meter_settings import MeterFile

_EVERY = 200


@dataclass(frozen=True, slots=True)
class Findings:
    """What a store holds, all of it verified. `openable`: records whose salts are still there."""

    readings: int
    openable: int
    days: int
    first: Reading | None
    last: Reading | None


def check_store(store: MeterStore, meter: Meter, now_ms: int, progress: Progress) -> Findings:
    """Every record against the one before it and what is kept beside it, and every day's root.

    Raises MeterRecordsBroken at the first that does not follow, MeterStoreUnusable.
    """
    total = store.count()
    first: Reading | None = None
    before: Reading | None = None
    openable = done = 0
    for kept in store.everything():
        reading = kept.reading
        try:
            check_next(before, reading, meter, now_ms)
        except EnergyError as error:
            raise MeterRecordsBroken(reading.sequence, str(error)) from error
        _check_beside(kept)
        openable += kept.salts is not None
        first, before, done = first or reading, reading, done + 1
        if done % _EVERY == 0 or done == total:
            progress("records", min(done, total), total)
    days = store.days()
    for day in days:
        _check_day(store, day)
    return Findings(done, openable, len(days), first, before)


def check_shown(
    shown: Disclosure, day: DayRoot, members: Iterable[Member] | None, now_ms: int
) -> str:
    """Whose reading it is, if it stands in the day's root and its meter's key has signed both.

    `members`: of the community that says which keys count; None: only the meter's first key does,
    which its name is. Raises DoesNotOpen, ReadingRefused by its leaves, BadChoice.
    """
    check_disclosure(shown, day)
    reading = shown.reading
    if members is None:
        if not reading.meter.endswith(":" + reading.key_id) or day.key_id != reading.key_id:
            raise BadChoice(
                f"a later key of {reading.meter} has signed: only its community can say whether "
                "that counts; give --community FILE"
            )
        return reading.meter
    member, meter = meter_of_members(reading.meter, members)
    check_shared(None, reading, meter, now_ms)
    if meter.key(day.key_id) is None:
        raise BadChoice(f"the day's root is signed by {day.key_id}, no key of the meter")
    return f"{member.name} (account {member.account})"


def meter_of_members(did: str, members: Iterable[Member]) -> tuple[Member, Meter]:
    """Whose meter it is, and what is known of it. Raises BadChoice."""
    for member in members:
        meter = meters_of(member).get(did)
        if meter is not None:
            return member, meter
    raise BadChoice(f"no home of the community has the meter {did}")


def meter_in_folder(folder: Path, did: str, settings: MeterFile) -> Meter:
    """A meter by its own folder's word: its first key, which its name is, and the present one.

    Raises BadMeterKeyFile.
    """
    _, present = names(folder)
    keys = dict.fromkeys((did.removeprefix(PREFIX), present))
    return settings.meter(did, tuple(MeterKey(did, key_id, 0) for key_id in keys))


def root_in_journal(journal: Path, shown: Disclosure) -> DayRoot:
    """The root of the shown reading's day, as a market's journal has had it since.

    Raises BadChoice, JournalUnusable, JournalBroken.
    """
    reading = shown.reading
    _, entries = read_journal(journal)
    for entry in entries:
        if kind_of(entry.document) == DAY_TYPE:
            day = decode_day(entry.document)
            if day.meter == reading.meter and day.start_ms <= reading.end_ms < day.end_ms:
                return day
    raise BadChoice(f"{journal} has no root of that day of {reading.meter}")


def read_disclosure(path: Path) -> Disclosure:
    """A file that `wattlane meter disclose` wrote. Raises BadChoice."""
    try:
        return decode_disclosure(_read(path))
    except BadDocument as error:
        raise BadChoice(f"{path} shows no reading: {error}") from error


def read_day(path: Path) -> DayRoot:
    """A file that `wattlane meter day` wrote. Raises BadChoice."""
    try:
        return decode_day(_read(path))
    except BadDocument as error:
        raise BadChoice(f"{path} is no day's root: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadChoice(f"cannot read {path}: {error.strerror or error}") from error


def _check_beside(kept: Kept) -> None:
    reading, salts = kept.reading, kept.salts
    if salts is None:
        return
    if commit_to_raw(salts.raw, kept.raw) != reading.raw_hash:
        raise MeterRecordsBroken(reading.sequence, "the raw bytes beside it are others")
    if commit_to_registers(salts.registers, reading) != reading.registers_hash:
        raise MeterRecordsBroken(reading.sequence, "the salt beside it is another")


def _check_day(store: MeterStore, day: DayRoot) -> None:
    found = [one.registers_hash for one in store.readings(Interval(day.start_ms, day.end_ms))]
    if not day.is_signed() or len(found) != day.count or root_of(found) != day.root:
        raise MeterRecordsBroken(day.first, "the root of its day is of other records")
