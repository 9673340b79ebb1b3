"""Readings: one byte string each, and nothing in it can change unseen."""

from __future__ import annotations

from dataclasses import replace

import cbor2
import pytest

from energy.canonical import encode
from energy.errors import BadDocument, BadMeterName
from energy.meters.reading import (
    Reading,
    commit_to_raw,
    commit_to_registers,
    decode_reading,
)
from energy.meters.sample import Clock, Quality
from tests.energy.meters.chains import chain, salts_of, sample_at, signer_of

SIGNER = signer_of(1)
FIRST, SECOND = chain(
    SIGNER, (sample_at(0, 100, 7), replace(sample_at(1, 103, 9), soc_permille=480))
)


PINNED = "04a1a285de8bc0b25d8c4644a5e90b9af01d8f5b03192ea8c03359d4b11f01b2"


def test_a_record_has_one_byte_string() -> None:
    for reading in (FIRST, SECOND):
        assert decode_reading(reading.encoded) == reading
        assert reading.is_signed()
    assert FIRST.digest != SECOND.digest


def test_the_format_is_pinned() -> None:
    """Whoever changes a field, its name or the order changes every signature."""
    assert SECOND.digest.hex() == PINNED


def test_records_hold_integers_only() -> None:
    record = cbor2.loads(SECOND.encoded)
    assert not [name for name, value in record.items() if isinstance(value, float)]
    assert record["import_wh"] == 103
    assert record["before"] == FIRST.digest


OTHERS = {
    "meter": signer_of(2).did,
    "key_id": signer_of(2).key_id,
    "sequence": 2,
    "start_ms": SECOND.start_ms - 1,
    "end_ms": SECOND.end_ms + 1,
    "clock": Clock.UNKNOWN,
    "import_wh": 104,
    "export_wh": 8,
    "register_epoch": 1,
    "quality": Quality.ESTIMATED,
    "context": "x",
    "soc_permille": None,
    "raw_hash": bytes(32),
    "registers_hash": bytes(32),
    "before": bytes(32),
    "signature": bytes(64),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_field_is_under_the_signature(name: str) -> None:
    assert set(OTHERS) == set(Reading.__slots__)
    changed = replace(SECOND, **{name: OTHERS[name]})  # type: ignore[arg-type]
    assert not changed.is_signed()


def test_what_was_committed_to_can_be_shown() -> None:
    salts = salts_of(1)
    assert SECOND.raw_hash == commit_to_raw(salts.raw, sample_at(1, 103, 9).raw)
    assert SECOND.registers_hash == commit_to_registers(salts.registers, SECOND)
    for other in ({"import_wh": 104}, {"end_ms": 1}, {"quality": Quality.SUBSTITUTED}):
        moved = replace(SECOND, **other)
        assert SECOND.registers_hash != commit_to_registers(salts.registers, moved)
    assert SECOND.registers_hash != commit_to_registers(salts.raw, SECOND)


def _changed(**fields: object) -> bytes:
    record = cbor2.loads(SECOND.encoded)
    for name, value in fields.items():
        if value is None:
            del record[name]
        else:
            record[name] = value
    return encode(record)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "order"},
        {"version": 2},
        {"algorithm": "none"},
        {"sequence": None},
        {"sequence": -1},
        {"import_wh": "103"},
        {"import_wh": True},
        {"export_wh": 1 << 63},
        {"clock": "sure"},
        {"quality": "good"},
        {"context": "x" * 65},
        {"soc_permille": 1001},
        {"before": bytes(31)},
        {"signature": bytes(65)},
        {"start_ms": SECOND.end_ms + 1},
        {"meter": 7},
        {"more": 1},
    ],
    ids=str,
)
def test_other_records_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadDocument):
        decode_reading(_changed(**fields))


def test_names_that_are_no_keys_are_refused() -> None:
    for fields in ({"meter": "did:web:x"}, {"key": "z6Mkx"}):
        with pytest.raises(BadMeterName):
            decode_reading(_changed(**fields))


def test_a_key_shows_nothing_secret() -> None:
    assert SIGNER.key_id in repr(SIGNER)
    with pytest.raises(TypeError, match="pickled"):
        SIGNER.__reduce__()
