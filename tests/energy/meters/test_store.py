"""The household's store: durable, one writer, and what is erased is gone from the disk."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.errors import (
    DayNotOver,
    EnergyError,
    FallingRegister,
    MeterStoreInUse,
    MeterStoreUnusable,
    NoSuchReading,
    NothingOfDay,
    StoreOfAnotherMeter,
)
from energy.intervals import Interval, day_span
from energy.meters.commitments import check_disclosure
from energy.meters.reading import commit_to_raw, commit_to_registers
from energy.meters.recording import Recorder, close_days, close_one_day, show_alone
from energy.meters.sample import Sample
from energy.meters.store import FILE_NAME, MeterStore
from tests.energy.meters.chains import LATER_MS, MINUTE_MS, START_MS, meter_of, sample_at, signer_of

SIGNER = signer_of(1)
METER = meter_of(SIGNER)
BERLIN = ZoneInfo("Europe/Berlin")
FIRST_DAY, SECOND_DAY = date(2025, 6, 15), date(2025, 6, 16)
HOUR = 60


def hourly(hours: int, first: int = 0) -> list[Sample]:
    """Samples from 16:00 in Berlin on the first day; midnight is at hour 8."""
    return [sample_at(hour * HOUR, hour * 30, hour * 7) for hour in range(first, hours)]


def recorded(folder: Path, hours: int) -> MeterStore:
    store = MeterStore(folder, SIGNER.did)
    Recorder(store, SIGNER, METER).take(hourly(hours), LATER_MS)
    return store


def test_what_was_taken_is_there_after_it_was_opened_again(tmp_path: Path) -> None:
    with recorded(tmp_path, 4) as store:
        before = list(store.readings())
    with MeterStore(tmp_path, SIGNER.did) as store:
        assert list(store.readings()) == before
        recorder = Recorder(store, SIGNER, METER)
        taken = recorder.take(hourly(6, 4), LATER_MS)
        assert [one.sequence for one in taken] == [4, 5]
        assert store.last() == taken[-1] == recorder.last
        assert store.count() == 6


def test_a_committed_record_is_visible_to_others_at_once(tmp_path: Path) -> None:
    with recorded(tmp_path, 2) as store:
        reader = MeterStore.for_reading(tmp_path)
        assert reader.did == SIGNER.did
        assert list(reader.readings()) == list(store.readings())
        Recorder(store, SIGNER, METER).take(hourly(3, 2), LATER_MS)
        assert reader.count() == 3
        with pytest.raises(MeterStoreUnusable, match="readonly"):
            reader.append([store.kept(0)])
        reader.close()


def test_beside_a_record_its_raw_bytes_and_salts_are_kept(tmp_path: Path) -> None:
    with recorded(tmp_path, 3) as store:
        kept = store.kept(2)
        assert kept.raw == hourly(3)[2].raw
        assert kept.salts is not None
        assert commit_to_raw(kept.salts.raw, kept.raw) == kept.reading.raw_hash
        assert (
            commit_to_registers(kept.salts.registers, kept.reading) == kept.reading.registers_hash
        )
        with pytest.raises(NoSuchReading, match="none of that number"):
            store.kept(3)


def test_refused_samples_may_be_passed_over(tmp_path: Path) -> None:
    with recorded(tmp_path, 2) as store:
        refused: list[EnergyError] = []
        samples = [sample_at(2 * HOUR, 29), *hourly(4, 2)]
        taken = Recorder(store, SIGNER, METER).take(samples, LATER_MS, refused.append)
        assert [type(one) for one in refused] == [FallingRegister]
        assert [one.sequence for one in taken] == [2, 3]
        assert list(store.readings(after=1)) == list(taken)


def test_a_market_is_known_to_have_so_much(tmp_path: Path) -> None:
    with recorded(tmp_path, 2) as store:
        assert store.shared_to("http://one") == -1
        store.mark_shared("http://one", 1)
        assert (store.shared_to("http://one"), store.shared_to("http://two")) == (1, -1)


def test_a_refused_sample_keeps_its_whole_batch_out(tmp_path: Path) -> None:
    with recorded(tmp_path, 3) as store:
        recorder = Recorder(store, SIGNER, METER)
        falling = [sample_at(3 * HOUR, 90), sample_at(4 * HOUR, 89)]
        falling = [Sample(one.time_ms, one.clock, one.import_wh, 30) for one in falling]
        with pytest.raises(FallingRegister):
            recorder.take(falling, LATER_MS)
        assert store.count() == 3
        assert len(recorder.take(falling[:1], LATER_MS)) == 1


def test_records_of_a_span(tmp_path: Path) -> None:
    with recorded(tmp_path, 12) as store:
        span = day_span(SECOND_DAY, BERLIN)
        assert [one.sequence for one in store.readings(span)] == [8, 9, 10, 11]
        assert [one.sequence for one in store.readings(span, after=9)] == [10, 11]


def test_pages_of_records_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy.meters.store._AT_ONCE", 3)
    for count in (5, 6, 7):
        with recorded(tmp_path / str(count), count) as store:
            assert [one.sequence for one in store.readings()] == list(range(count))


def test_one_process_writes_one_meter(tmp_path: Path) -> None:
    with recorded(tmp_path, 1), pytest.raises(MeterStoreInUse):
        MeterStore(tmp_path, SIGNER.did)
    with pytest.raises(StoreOfAnotherMeter, match=SIGNER.did):
        MeterStore(tmp_path, signer_of(2).did)
    with recorded(tmp_path / "other", 1):
        pass


def test_a_store_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeterStoreUnusable, match="there are none"):
        MeterStore.for_reading(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"no database, but long enough to look at")
    with pytest.raises(MeterStoreUnusable):
        MeterStore(tmp_path, SIGNER.did)
    (tmp_path / FILE_NAME).unlink()
    recorded(tmp_path, 1).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(MeterStoreUnusable, match="newer"):
        MeterStore(tmp_path, SIGNER.did)
    with pytest.raises(MeterStoreUnusable, match="newer"):
        MeterStore.for_reading(tmp_path)


# --- days ---------------------------------------------------------------------------------------


def test_a_day_closes_once_it_is_over(tmp_path: Path) -> None:
    with recorded(tmp_path, 8) as store:
        assert close_days(store, SIGNER, BERLIN) == []
        with pytest.raises(DayNotOver, match="2025-06-15"):
            close_one_day(store, SIGNER, FIRST_DAY, BERLIN)
        recorder = Recorder(store, SIGNER, METER)
        recorder.take(hourly(9, 8), LATER_MS)
        (day,) = close_days(store, SIGNER, BERLIN)
        assert (day.first, day.count) == (0, 8)
        assert Interval(day.start_ms, day.end_ms) == day_span(FIRST_DAY, BERLIN)
        assert close_days(store, SIGNER, BERLIN) == []
        assert close_one_day(store, SIGNER, FIRST_DAY, BERLIN) == day
        with pytest.raises(NothingOfDay):
            close_one_day(store, SIGNER, date(2025, 6, 14), BERLIN)
        recorder.take(hourly(34, 9), LATER_MS)
        assert [day.first for day in close_days(store, SIGNER, BERLIN)] == [8]
        assert [day.count for day in store.days()] == [8, 24]


def test_a_day_of_25_hours_has_one_root_over_all_of_them(tmp_path: Path) -> None:
    long = date(2025, 10, 26)
    span = day_span(long, BERLIN)
    first = (span.start_ms - START_MS) // (HOUR * MINUTE_MS) - 1
    with MeterStore(tmp_path, SIGNER.did) as store:
        Recorder(store, SIGNER, METER).take(hourly(first + 28, first), LATER_MS)
        days = close_days(store, SIGNER, BERLIN)
        assert [day.count for day in days] == [1, 25]
        assert Interval(days[1].start_ms, days[1].end_ms) == span
        assert span.length_ms == 25 * HOUR * MINUTE_MS
        for sequence in (1, 25):
            check_disclosure(show_alone(store, sequence, BERLIN), days[1])


def test_a_disputed_reading_is_shown_alone_from_the_store(tmp_path: Path) -> None:
    with recorded(tmp_path, 9) as store:
        with pytest.raises(NoSuchReading, match="no root yet"):
            show_alone(store, 3, BERLIN)
        day = close_one_day(store, SIGNER, FIRST_DAY, BERLIN)
        shown = show_alone(store, 3, BERLIN, with_raw=True)
        check_disclosure(shown, day)
        assert (shown.reading, shown.raw) == (store.kept(3).reading, hourly(4)[3].raw)
        assert show_alone(store, 3, BERLIN).raw == b""


def test_erased_salts_are_gone_from_the_disk(tmp_path: Path) -> None:
    """Neither the file nor its log has them, and nothing but what was kept opens any more."""
    with recorded(tmp_path, 9) as store:
        close_days(store, SIGNER, BERLIN)
        other = sqlite3.connect(tmp_path / FILE_NAME)
        other.execute("SELECT count(*) FROM salts").fetchall()  # as it is open, the log stays
        salts = [store.kept(sequence).salts for sequence in range(8)]
        assert all(one is not None and one.registers in on_disk(tmp_path) for one in salts)
        assert store.erase_salts(day_span(FIRST_DAY, BERLIN), keep=[3]) == 7
        left = on_disk(tmp_path)
        other.close()
        for sequence, one in enumerate(salts):
            assert one is not None
            assert (one.registers in left) is (sequence == 3)
            assert (one.raw in left) is (sequence == 3)
            if sequence != 3:
                with pytest.raises(NoSuchReading, match="erased"):
                    show_alone(store, sequence, BERLIN)
        show_alone(store, 3, BERLIN)
        assert store.kept(8).salts is not None
        assert store.erase_salts(day_span(FIRST_DAY, BERLIN), keep=[3]) == 0


def test_salts_in_the_log_of_a_reader_are_said_to_be_there_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy.meters.store._LOG_WAIT_S", 0.05)
    with recorded(tmp_path, 9) as store:
        reader = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM salts").fetchall()
        with pytest.raises(MeterStoreUnusable, match="erase once more"):
            store.erase_salts(day_span(FIRST_DAY, BERLIN))
        reader.close()
        assert store.erase_salts(day_span(FIRST_DAY, BERLIN)) == 0
        assert store.kept(0).salts is None


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name != "readings.lock")
