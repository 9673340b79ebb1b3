"""A correction: what a reading's registers really stood at, signed later, the reading untouched.

Nothing is written anew. A correction carries the record that it corrects and is numbered; the
newest one counts, and what was settled by the record is adjusted. Ref: energy/settlement/revise.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from energy.canonical import Value, decode
from energy.errors import (
    ClockNotSynchronised,
    CorrectionOutOfTurn,
    FallingRegister,
    ImplausibleReading,
    TamperedReading,
    UnexplainedEpoch,
)
from energy.fields import Fields
from energy.meters.checking import MOST_AHEAD_MS, check_alone, check_key
from energy.meters.did import public_key_of
from energy.meters.meter import Meter
from energy.meters.meter_document import SIGNATURE_BYTES, MeterDocument
from energy.meters.metering import most_wh
from energy.meters.reading import Reading, decode_reading
from energy.meters.sample import SWAP, WRAP, Quality
from energy.meters.signing import MeterSigner
from energy.settlement.flows import Metered

TYPE = "wattlane/correction"
VERSION = 1
MOST_REASON = 200
MOST_CORRECTIONS = 50
"""Corrections of one reading: each makes settlements of the whole street."""
_WHAT = "correction"


@dataclass(frozen=True, slots=True)
class Correction(MeterDocument):
    """The `number`th correction (from 1) of `reading`, made at `made_ms` (Unix ms, UTC), Wh."""

    key_id: str
    number: int
    made_ms: int
    import_wh: int
    export_wh: int
    quality: Quality
    reason: str
    reading: Reading
    signature: bytes
    tag: ClassVar = b"wattlane-correction-v1\x00"

    def _said(self) -> dict[str, Value]:
        return {
            "type": TYPE,
            "version": VERSION,
            "key": self.key_id,
            "number": self.number,
            "made_ms": self.made_ms,
            "import_wh": self.import_wh,
            "export_wh": self.export_wh,
            "quality": self.quality.value,
            "reason": self.reason,
            "reading": self.reading.encoded,
        }


def correct(
    signer: MeterSigner,
    reading: Reading,
    registers_wh: tuple[int, int],
    *,
    number: int,
    made_ms: int,
    quality: Quality,
    reason: str,
) -> Correction:
    """A signed correction. `registers_wh`: what import and export really stood at."""
    blank = bytes(SIGNATURE_BYTES)
    made = Correction(
        signer.key_id, number, made_ms, *registers_wh, quality, reason, reading, blank
    )
    return replace(made, signature=signer.sign(made.unsigned))


def decode_correction(encoded: bytes) -> Correction:
    """A correction, nothing of it verified. Raises BadDocument, BadMeterName."""
    given = Fields(decode(encoded, _WHAT), _WHAT)
    given.of_type(TYPE)
    given.whole("version", VERSION, VERSION)
    made = Correction(
        given.text("key"),
        given.whole("number", 1),
        given.whole("made_ms"),
        given.whole("import_wh"),
        given.whole("export_wh"),
        given.one_of("quality", Quality),
        given.text("reason", MOST_REASON),
        decode_reading(given.octets("reading")),
        given.octets("signature", SIGNATURE_BYTES),
    )
    given.end()
    public_key_of(made.key_id)
    return made


def check_correction(correction: Correction, last_number: int, meter: Meter, now_ms: int) -> None:
    """Whether it may follow the last correction of its reading (0: there is none).

    Who corrects is a key of the meter that counts at the time it is made. The first record of a
    register epoch stands for itself: it cannot be corrected. Raises ReadingRefused by its leaves.
    """
    reading = correction.reading
    place = reading.meter, reading.sequence
    check_alone(reading, meter, now_ms)
    check_key(place, correction.key_id, correction.made_ms, meter)
    if not correction.is_signed():
        raise TamperedReading(*place, "the signature does not fit the correction")
    if not reading.end_ms <= correction.made_ms <= now_ms + MOST_AHEAD_MS:
        raise ClockNotSynchronised(*place, "its correction is older than itself, or of the future")
    if correction.number != last_number + 1:
        reason = f"its number is {correction.number}, the next one is {last_number + 1}"
        raise CorrectionOutOfTurn(*place, reason)
    if correction.number > MOST_CORRECTIONS:
        raise CorrectionOutOfTurn(*place, f"it has been corrected {MOST_CORRECTIONS} times")
    if reading.context in (WRAP, SWAP):
        raise UnexplainedEpoch(*place, "it begins one, and is not corrected")


class Corrections:
    """All corrections so far, and what they make of an interval that was metered before them."""

    def __init__(self) -> None:
        self._newest: dict[bytes, Correction] = {}
        self._stood: dict[bytes, tuple[bytes, int, int]] = {}

    def last_number(self, reading: Reading) -> int:
        """The number of a reading's newest correction, 0 for none."""
        newest = self._newest.get(reading.digest)
        return newest.number if newest else 0

    def stood(self, name: bytes) -> tuple[bytes, int, int] | None:
        """The reading's digest and the registers of one of its `names`, None if it is of none."""
        return self._stood.get(name)

    def names(self, reading: Reading) -> frozenset[bytes]:
        """The digests by which a reading was ever metered: its own, those of its corrections."""
        own = reading.digest
        return frozenset({own, *(name for name, at in self._stood.items() if at[0] == own)})

    def take(self, correction: Correction) -> None:
        """Count a correction that was checked."""
        reading, name = correction.reading, correction.reading.digest
        self._stood[name] = name, reading.import_wh, reading.export_wh
        self._stood[correction.digest] = name, correction.import_wh, correction.export_wh
        self._newest[name] = correction

    def with_one_more(self, correction: Correction) -> Corrections:
        """All of these, and one that was checked; these stay as they are."""
        more = Corrections()
        more._newest, more._stood = dict(self._newest), dict(self._stood)
        more.take(correction)
        return more

    def applied(self, metered: Metered) -> Metered | None:
        """An interval with its ends as they are known by now.

        None where they contradict each other: then it has no verified reading.
        """
        found = metered
        for end, sign in ((metered.last, 1), (metered.first, -1)):
            stood = self.stood(end)
            if stood is None:
                continue
            newest = self._newest[stood[0]]
            if newest.digest != end:
                found = _moved(found, end, sign, stood, newest)
        return found if found.import_wh >= 0 and found.export_wh >= 0 else None


def check_effect(
    metered: Metered, correction: Correction, known: Corrections, meter: Meter
) -> None:
    """Whether an interval that begins or ends with the reading stays possible.

    Raises FallingRegister, ImplausibleReading.
    """
    reading = correction.reading
    names = known.names(reading)
    found = metered
    for end, sign in ((metered.last, 1), (metered.first, -1)):
        if end in names:
            stood = known.stood(end) or (end, reading.import_wh, reading.export_wh)
            found = _moved(found, end, sign, stood, correction)
    place = reading.meter, reading.sequence
    most_import_wh, most_export_wh = most_wh(meter, metered.interval)
    for name, flowed_wh, bound_wh in (
        ("import_wh", found.import_wh, most_import_wh),
        ("export_wh", found.export_wh, most_export_wh),
    ):
        if flowed_wh < 0:
            was = stands = getattr(correction, name)
            if metered.first in names:
                stands += flowed_wh
            else:
                was -= flowed_wh
            raise FallingRegister(*place, name, was, stands)
        if flowed_wh > bound_wh:
            raise ImplausibleReading(*place, name, flowed_wh, bound_wh)


def _moved(
    metered: Metered, end: bytes, sign: int, stood: tuple[bytes, int, int], newest: Correction
) -> Metered:
    """The interval with one end's registers as corrected. `sign`: 1 for its end, -1 its start."""
    _, import_wh, export_wh = stood
    moved = replace(
        metered,
        import_wh=metered.import_wh + sign * (newest.import_wh - import_wh),
        export_wh=metered.export_wh + sign * (newest.export_wh - export_wh),
        is_measured=metered.is_measured and newest.quality is Quality.MEASURED,
    )
    if sign > 0:
        return replace(moved, last=newest.digest)
    return replace(moved, first=newest.digest)
