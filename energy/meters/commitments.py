"""A day's readings under one root, and one of them shown alone.

What leaves the house is the root over the salted commitments of a local day's records, signed by
the meter's key: it says nothing about any of them. A disclosure is one record with its salt and its
path. Without the salt no one can show or guess what a commitment is of, so erasing the salts makes
what was not shown unopenable for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from energy.canonical import Value, decode, encode
from energy.errors import DoesNotOpen
from energy.fields import Fields
from energy.meters.did import check_did, public_key_of
from energy.meters.merkle import path_to, root_from, root_of
from energy.meters.meter_document import SIGNATURE_BYTES, MeterDocument
from energy.meters.reading import (
    HASH_BYTES,
    SALT_BYTES,
    Reading,
    commit_to_raw,
    commit_to_registers,
    decode_reading,
)
from energy.meters.signing import MeterSigner

DAY_TYPE = "wattlane/readings-of-day"
DISCLOSURE_TYPE = "wattlane/disclosure"
VERSION = 1
_DAY, _DISCLOSURE = "day's root", "disclosure"
_MOST_PATH = 32


@dataclass(frozen=True, slots=True)
class DayRoot(MeterDocument):
    """The root over a meter's records that end in a local day (Unix ms, UTC), in their order.

    `first`: the sequence of the first of them; `count`: how many there are.
    """

    meter: str
    key_id: str
    start_ms: int
    end_ms: int
    first: int
    count: int
    root: bytes
    signature: bytes
    tag: ClassVar = b"wattlane-readings-of-day-v1\x00"

    def _said(self) -> dict[str, Value]:
        return {
            "type": DAY_TYPE,
            "version": VERSION,
            "meter": self.meter,
            "key": self.key_id,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "first": self.first,
            "count": self.count,
            "root": self.root,
        }


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One record, shown alone: its registers' salt, its path to the day's root, that root.

    `raw`, `raw_salt`: the source's bytes too, or both empty.
    """

    reading: Reading
    salt: bytes
    path: tuple[bytes, ...]
    day: DayRoot
    raw: bytes = b""
    raw_salt: bytes = b""

    @property
    def encoded(self) -> bytes:
        """The canonical bytes, to be kept as a file."""
        return encode(
            {
                "type": DISCLOSURE_TYPE,
                "version": VERSION,
                "reading": self.reading.encoded,
                "salt": self.salt,
                "path": list(self.path),
                "day": self.day.encoded,
                "raw": self.raw,
                "raw_salt": self.raw_salt,
            }
        )


def close_day(
    signer: MeterSigner, start_ms: int, end_ms: int, first: int, commitments: Sequence[bytes]
) -> DayRoot:
    """The signed root over the `registers_hash` of a day's records, `first` being the lowest."""
    day = DayRoot(
        signer.did,
        signer.key_id,
        start_ms,
        end_ms,
        first,
        len(commitments),
        root_of(commitments),
        bytes(SIGNATURE_BYTES),
    )
    return replace(day, signature=signer.sign(day.unsigned))


def disclose(
    reading: Reading,
    salt: bytes,
    day: DayRoot,
    commitments: Sequence[bytes],
    raw: bytes = b"",
    raw_salt: bytes = b"",
) -> Disclosure:
    """One record of a day, given the commitments of all. Raises DoesNotOpen as `check_disclosure`.

    `raw` goes along only with its salt.
    """
    place = reading.sequence - day.first
    path = path_to(commitments, place) if 0 <= place < len(commitments) else ()
    shown = Disclosure(reading, salt, path, day, raw if raw_salt else b"", raw_salt)
    check_disclosure(shown, day)
    return shown


def check_disclosure(shown: Disclosure, day: DayRoot) -> None:
    """Whether the record stands where it says in this day's root, and both are signed.

    `day` is the root as it left the house before the dispute, not the one that rides along. Whose
    key has signed is for `check_shared`. Raises DoesNotOpen.
    """
    reading = shown.reading
    if shown.day != day:
        raise DoesNotOpen("it belongs to another day's root than the one that was given out")
    if not reading.is_signed() or not day.is_signed():
        raise DoesNotOpen("the signature of the record or of the day's root does not fit")
    if reading.meter != day.meter or not day.start_ms <= reading.end_ms < day.end_ms:
        raise DoesNotOpen("the record is of another meter or another day")
    if commit_to_registers(shown.salt, reading) != reading.registers_hash:
        raise DoesNotOpen("the salt does not fit the record")
    place = reading.sequence - day.first
    if root_from(reading.registers_hash, place, day.count, shown.path) != day.root:
        raise DoesNotOpen("its path does not lead to the day's root")
    if shown.raw_salt and commit_to_raw(shown.raw_salt, shown.raw) != reading.raw_hash:
        raise DoesNotOpen("the raw bytes are not those of the record")


def decode_day(encoded: bytes) -> DayRoot:
    """A day's root, its signature unverified. Raises BadDocument, BadMeterName."""
    given = Fields(decode(encoded, _DAY), _DAY)
    given.of_type(DAY_TYPE)
    given.whole("version", VERSION, VERSION)
    day = DayRoot(
        check_did(given.text("meter")),
        given.text("key"),
        given.whole("start_ms"),
        given.whole("end_ms"),
        given.whole("first"),
        given.whole("count"),
        given.octets("root", HASH_BYTES),
        given.octets("signature", SIGNATURE_BYTES),
    )
    given.end()
    public_key_of(day.key_id)
    return day


def decode_disclosure(encoded: bytes) -> Disclosure:
    """A disclosure, nothing of it verified. Raises BadDocument, BadMeterName."""
    given = Fields(decode(encoded, _DISCLOSURE), _DISCLOSURE)
    given.of_type(DISCLOSURE_TYPE)
    given.whole("version", VERSION, VERSION)
    path = []
    for node in given.items("path", _MOST_PATH):
        if not isinstance(node, bytes) or len(node) != HASH_BYTES:
            raise given.refused("path", f"is not of {HASH_BYTES} bytes each")
        path.append(node)
    shown = Disclosure(
        decode_reading(given.octets("reading")),
        given.octets("salt", SALT_BYTES),
        tuple(path),
        decode_day(given.octets("day")),
        given.octets("raw"),
        given.octets("raw_salt"),
    )
    given.end()
    return shown
