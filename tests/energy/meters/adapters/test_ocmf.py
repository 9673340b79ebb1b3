"""Published OCMF records: what real meters signed is taken, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from energy.errors import (
    BadSource,
    BadSourceRecord,
    OtherMeter,
    SourceReplayed,
    WrongSourceSignature,
)
from energy.meters.adapters.ocmf import OcmfReader, OcmfSource
from energy.meters.sample import Clock, Quality
from tests.energy.meters.adapters.gathering import SAMPLES, Refusals, all_of
from tests.energy.meters.adapters.published import published_key

KEY = ec.derive_private_key(7, ec.SECP256R1())
PUBLIC_KEY = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    .hex()
)


def _published(name: str, refused: Refusals | None = None) -> OcmfSource:
    reader = OcmfReader(published_key(name))
    path = SAMPLES / name
    return OcmfSource(path, reader) if refused is None else OcmfSource(path, reader, refused)


def _signed(readings: list[dict[str, object]], page: str = "T1", serial: str = "M1") -> bytes:
    payload = json.dumps({"FV": "1.0", "PG": page, "MS": serial, "IS": False, "RD": readings})
    signature = KEY.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
    return f'OCMF|{payload}|{{"SD":"{signature}"}}'.encode()


def _reading(
    shown: float | str = 1, register: str = "01-00:B0.08.00", **other: str
) -> dict[str, object]:
    when = {"TM": "2024-03-01T12:00:00,250+0100 S", "TX": "B", "ST": "G", "RU": "kWh"}
    return {**when, "RV": shown, "RI": register, **other}


async def test_a_dc_meter_shows_both_registers_under_its_own_signature() -> None:
    samples = await all_of(_published("lem_dcbm.xml"))
    assert [(one.time_ms, one.import_wh, one.export_wh) for one in samples] == [
        (1633518836000, 57_584, 4_405),
        (1633518913000, 58_685, 4_405),
    ]
    assert {one.clock for one in samples} == {Clock.RELATIVE}
    assert {one.quality for one in samples} == {Quality.MEASURED}
    assert [one.context for one in samples] == ["OCMF B", "OCMF E"]


async def test_the_raw_bytes_are_those_that_were_published() -> None:
    (sample, _) = await all_of(_published("lem_dcbm.xml"))
    assert sample.raw in (SAMPLES / "lem_dcbm.xml").read_bytes()
    again = OcmfReader(published_key("lem_dcbm.xml")).read(sample.raw, "again")
    assert again[0] == sample


async def test_digits_below_a_watt_hour_are_left_to_the_next_reading() -> None:
    samples = await all_of(_published("keba_kcp30.xml"))
    assert [(one.import_wh, one.export_wh, one.clock) for one in samples] == [
        (259, 0, Clock.INFORMATIVE),
        (259, 0, Clock.RELATIVE),
    ]


async def test_a_record_a_reading_works_as_well_as_one_for_both() -> None:
    samples = await all_of(_published("ebee_01.xml"))
    assert [(one.time_ms, one.import_wh) for one in samples] == [
        (1629878464000, 7753),
        (1629878469000, 7753),
    ]


async def test_a_changed_date_is_tampering() -> None:
    with pytest.raises(WrongSourceSignature, match="compare the public key"):
        await all_of(_published("keba_kcp30_fail.xml"))


async def test_another_meters_key_does_not_do() -> None:
    source = OcmfSource(SAMPLES / "lem_dcbm.xml", OcmfReader(published_key("keba_kcp30.xml")))
    with pytest.raises(WrongSourceSignature):
        await all_of(source)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("transaction_two_values.xml", "two values at one time"),
        ("loss_compensated.xml", "no total import register"),
        ("isabellenhuette.xml", ""),
    ],
)
async def test_records_that_say_too_little_are_refused(name: str, reason: str) -> None:
    refused = Refusals()
    assert not await all_of(_published(name, refused))
    assert refused
    assert all(isinstance(error, BadSourceRecord) for error in refused)
    assert reason in str(refused[0])


def test_one_bit_of_the_payload_is_enough() -> None:
    record = _signed([_reading()])
    assert OcmfReader(PUBLIC_KEY).read(record, "it")
    for place in range(record.index(b"{"), record.index(b"}]}")):
        changed = bytes((*record[:place], record[place] ^ 1, *record[place + 1 :]))
        with pytest.raises((WrongSourceSignature, BadSourceRecord)):
            OcmfReader(PUBLIC_KEY).read(changed, "it")


def test_a_key_that_rides_in_the_record_proves_nothing() -> None:
    record = _signed([_reading()]) + b"|" + PUBLIC_KEY.encode()
    with pytest.raises(WrongSourceSignature):
        OcmfReader(published_key("lem_dcbm.xml")).read(record, "it")


def test_synchronised_milliseconds_and_exact_kilowatt_hours() -> None:
    (sample,) = OcmfReader(PUBLIC_KEY, register_epoch=3).read(_signed([_reading("0.007")]), "it")
    assert (sample.time_ms, sample.clock) == (1709290800250, Clock.SYNCHRONISED)
    assert (sample.import_wh, sample.export_wh, sample.register_epoch) == (7, 0, 3)


def test_a_substituted_value_and_a_doubtful_clock_are_marked() -> None:
    readings = [_reading(), _reading(2, "01-00:C0.08.00", ST="S", EF="t")]
    (sample,) = OcmfReader(PUBLIC_KEY).read(_signed(readings), "it")
    assert (sample.import_wh, sample.export_wh) == (1000, 2000)
    assert (sample.quality, sample.clock) == (Quality.SUBSTITUTED, Clock.UNKNOWN)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (_reading(ST="T"), "status is T"),
        (_reading(ST="X"), "status is X"),
        (_reading(EF="E"), "erroneous"),
        (_reading(RU="mOhm"), "unit"),
        (_reading(-1), "no register"),
        (_reading(register="01-00:B2.08.00"), "no total import register"),
        (_reading(register="01-00:01.08.01"), "no total import register"),
        (_reading(register="nonsense"), "no OBIS code"),
        (_reading(TM="2024-03-01T12:00:00,250 S"), "no offset from UTC"),
    ],
)
def test_what_a_meter_says_of_itself_is_heeded(reading: dict[str, object], reason: str) -> None:
    with pytest.raises(BadSourceRecord, match=reason):
        OcmfReader(PUBLIC_KEY).read(_signed([reading]), "it")


@pytest.mark.parametrize(
    "record",
    [b"", b"OCMF|{}|{}", b"OCMF|{", b"\xff\xfe", b"OCMF|[]|{}", b'OCMF|{"RD":[]}|{"SD":"0"}'],
)
def test_what_is_no_record_is_named_so(record: bytes) -> None:
    with pytest.raises(BadSourceRecord):
        OcmfReader(PUBLIC_KEY).read(record, "it")


def test_a_record_given_twice_is_refused() -> None:
    reader = OcmfReader(PUBLIC_KEY)
    reader.read(_signed([_reading()], "T7"), "first")
    with pytest.raises(SourceReplayed, match="T7 after T7"):
        reader.read(_signed([_reading()], "T7"), "second")
    assert not reader.read(_signed([_reading()], "F1"), "another context, and nothing new in it")


def test_a_record_of_another_meter_under_the_same_gateway_is_refused() -> None:
    reader = OcmfReader(PUBLIC_KEY)
    reader.read(_signed([_reading()], "T1", "M1"), "first")
    with pytest.raises(OtherMeter, match="from meter 'M2', not 'M1'"):
        reader.read(_signed([_reading()], "T2", "M2"), "second")


async def test_text_files_hold_records_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "records.txt"
    later = _reading(2, TM="2024-03-01T12:15:00,000+0100 S")
    path.write_bytes(_signed([_reading()], "T1") + b"\n\n" + _signed([later], "T2") + b"\n")
    samples = await all_of(OcmfSource(path, OcmfReader(PUBLIC_KEY)))
    assert [one.import_wh for one in samples] == [1000, 2000]


@pytest.mark.parametrize(
    "content", [b"", b"nothing here", b"<values>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
async def test_a_file_without_records_is_no_source(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records"
    path.write_bytes(content)
    with pytest.raises(BadSource):
        await all_of(OcmfSource(path, OcmfReader(PUBLIC_KEY)))


async def test_no_record_is_read_without_a_key() -> None:
    with pytest.raises(BadSource, match="printed on the meter"):
        await all_of(OcmfSource(SAMPLES / "lem_dcbm.xml", OcmfReader("")))
