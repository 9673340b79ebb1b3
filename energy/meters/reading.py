"""A reading: one signed record of a meter, in canonical CBOR, integers only, chained to the last.

It holds registers, never differences: those are computed by whoever needs them. The source's raw
bytes stay with the household; the record commits to them, and once more to the registers, each
under a salt of its own, so that either can be shown alone later. Signed is a tag of this kind of
document and the record without its signature (Ed25519, RFC 8032).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from energy.canonical import Value, decode, encode
from energy.fields import Fields
from energy.meters.did import check_did, public_key_of
from energy.meters.meter_document import SIGNATURE_BYTES, MeterDocument
from energy.meters.sample import MOST_CONTEXT, Clock, Quality

TYPE = "wattlane/reading"
VERSION = 1
ALGORITHM = "Ed25519"
HASH_BYTES = 32
SALT_BYTES = 32
NONE_BEFORE = bytes(HASH_BYTES)
"""Stands for the record before the first."""
WHAT = "reading"
_RAW = b"wattlane-raw-v1\x00"
_REGISTERS = b"wattlane-registers-v1\x00"


@dataclass(frozen=True, slots=True)
class Reading(MeterDocument):
    """A record, whose signature nobody has looked at yet. Times: Unix ms, UTC; energy: Wh.

    `sequence`: 0 for a meter's first, then one more each. `start_ms`: the end of the record before
    it; `end_ms`: when the registers stood so. `before`: digest of the record before. `raw_hash`,
    `registers_hash`: the two commitments. The other fields are those of a Sample.
    """

    meter: str
    key_id: str
    sequence: int
    start_ms: int
    end_ms: int
    clock: Clock
    import_wh: int
    export_wh: int
    register_epoch: int
    quality: Quality
    context: str
    soc_permille: int | None
    raw_hash: bytes
    registers_hash: bytes
    before: bytes
    signature: bytes
    tag: ClassVar = b"wattlane-reading-v1\x00"

    def _said(self) -> dict[str, Value]:
        said: dict[str, Value] = {
            "type": TYPE,
            "version": VERSION,
            "algorithm": ALGORITHM,
            "meter": self.meter,
            "key": self.key_id,
            "sequence": self.sequence,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "clock": self.clock.value,
            "import_wh": self.import_wh,
            "export_wh": self.export_wh,
            "epoch": self.register_epoch,
            "quality": self.quality.value,
            "context": self.context,
            "raw": self.raw_hash,
            "registers": self.registers_hash,
            "before": self.before,
        }
        if self.soc_permille is not None:
            said["soc_permille"] = self.soc_permille
        return said


def commit_to_raw(salt: bytes, raw: bytes) -> bytes:
    """The commitment to a source's raw bytes under 32 random bytes that are kept beside."""
    return hashlib.sha256(_RAW + salt + raw).digest()


def commit_to_registers(salt: bytes, reading: Reading) -> bytes:
    """The commitment to what a record says: meter, place, time, registers, quality."""
    said: list[Value] = [
        reading.meter,
        reading.sequence,
        reading.end_ms,
        reading.register_epoch,
        reading.import_wh,
        reading.export_wh,
        reading.quality.value,
    ]
    return hashlib.sha256(_REGISTERS + salt + encode(said)).digest()


def decode_reading(encoded: bytes) -> Reading:
    """A record from its canonical bytes, each field in its range. Raises BadDocument, BadMeterName.

    Its signature, its key and its place in the chain are for `check_next` to see.
    """
    given = Fields(decode(encoded, WHAT), WHAT)
    given.of_type(TYPE)
    given.whole("version", VERSION, VERSION)
    algorithm = given.text("algorithm")
    if algorithm != ALGORITHM:
        raise given.refused("algorithm", f"is {algorithm[:40]!r}; known is {ALGORITHM}")
    reading = Reading(
        meter=check_did(given.text("meter")),
        key_id=given.text("key"),
        sequence=given.whole("sequence"),
        start_ms=given.whole("start_ms"),
        end_ms=given.whole("end_ms"),
        clock=given.one_of("clock", Clock),
        import_wh=given.whole("import_wh"),
        export_wh=given.whole("export_wh"),
        register_epoch=given.whole("epoch"),
        quality=given.one_of("quality", Quality),
        context=given.text("context", MOST_CONTEXT),
        soc_permille=given.whole("soc_permille", 0, 1000) if given.has("soc_permille") else None,
        raw_hash=given.octets("raw", HASH_BYTES),
        registers_hash=given.octets("registers", HASH_BYTES),
        before=given.octets("before", HASH_BYTES),
        signature=given.octets("signature", SIGNATURE_BYTES),
    )
    given.end()
    public_key_of(reading.key_id)
    if reading.start_ms > reading.end_ms:
        raise given.refused("start_ms", "lies after end_ms")
    return reading
