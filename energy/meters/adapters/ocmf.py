"""OCMF records: the meter itself signs exactly the payload's bytes, and they go along as raw.

A record is text, `OCMF|payload|signature`. Nothing of it is taken before its signature holds under
the public key that the settings give: the format has keys come by another way, and one that rides
in the record is not looked at. Ref: Open Charge Metering Format 1.4.1, S.A.F.E. e.V.,
https://github.com/SAFE-eV/OCMF-Open-Charge-Metering-Format (sections Signature Section; tables 7,
10, 19, 25).
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from energy.errors import (
    BadSample,
    BadSource,
    BadSourceRecord,
    EnergyError,
    OtherMeter,
    SourceReplayed,
    WrongSourceSignature,
)
from energy.meters.adapters.extras import library
from energy.meters.adapters.ocmf_files import records_of
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.adapters.registers import unix_ms, whole_wh
from energy.meters.sample import Clock, Quality, Sample

if TYPE_CHECKING:
    from pyocmf import OCMF, Reading

ADAPTER = "OCMF"
EXTRA = "ocmf"
TOTAL_IMPORT = (0x01, 0xB0)
"""Registers of all energy taken at the meter: active import, and its name in table 25."""
TOTAL_EXPORT = (0x02, 0xC0)
OTHER_IMPORT = (0x98, 0x9E, 0xB1, 0xB2, 0xB3)
"""Registers of one transaction, or with the cable's losses taken out: no meter's total."""
OTHER_EXPORT = (0xC1, 0xC2, 0xC3)
ENERGY = 8
ALL_TARIFFS = (0x00, 0x0E)
"""Group E of a register over all tariffs: 0, or the letter e in records of old."""
_CLOCKS = {"S": Clock.SYNCHRONISED, "I": Clock.INFORMATIVE, "R": Clock.RELATIVE}
_QUALITIES = {"G": Quality.MEASURED, "S": Quality.SUBSTITUTED}


@dataclass(slots=True)
class OcmfReader:
    """Records of one meter, read in order.

    `public_key`: DER, hex or base64, as printed on the meter. `serial`: the meter's (MS), or its
    gateway's (GS) where a record names no meter; taken from the first record if empty.
    """

    public_key: str
    serial: str = ""
    register_epoch: int = 0
    _pages: dict[str, int] = field(default_factory=dict)
    _last: tuple[int, int, int] = (-1, 0, 0)

    def read(self, record: bytes, place: str) -> tuple[Sample, ...]:
        """Samples of one record, by rising time; one that was the last of the record before goes
        out once.

        Raises BadSourceRecord, WrongSourceSignature, OtherMeter, SourceReplayed, MissingExtra.
        """
        ocmf = self._verified(record, place)
        self._same_meter(ocmf, place)
        page = self._next_page(ocmf, place)
        moments = self._moments(ocmf, record, place)
        if page:
            self._pages[page[:1]] = int(page[1:])
        samples = []
        for sample in moments:
            shown = (sample.time_ms, sample.import_wh, sample.export_wh)
            if shown != self._last:
                samples.append(sample)
            self._last = shown
        return tuple(samples)

    def _verified(self, record: bytes, place: str) -> OCMF:
        pyocmf = library("pyocmf", EXTRA)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pyocmf.SpecWarning)
                ocmf: OCMF = pyocmf.OCMF.from_string(record.decode("utf-8"))
            holds = ocmf.verify_signature(self.public_key)
        except (pyocmf.PyOCMFError, UnicodeDecodeError) as error:
            raise BadSourceRecord(ADAPTER, place, " ".join(str(error).split())) from error
        if not holds:
            raise WrongSourceSignature(ADAPTER, place)
        return ocmf

    def _same_meter(self, ocmf: OCMF, place: str) -> None:
        found = ocmf.payload.MS or ocmf.payload.GS or ""
        self.serial = self.serial or found
        if found != self.serial:
            raise OtherMeter(ADAPTER, place, self.serial, found)

    def _next_page(self, ocmf: OCMF, place: str) -> str:
        """Its pagination: a context's letter and a number that rises with each record signed."""
        page = ocmf.payload.PG or ""
        if not page[1:].isdecimal():
            return ""
        before = self._pages.get(page[0], -1)
        if int(page[1:]) <= before:
            raise SourceReplayed(ADAPTER, place, page, f"{page[0]}{before}")
        return page

    def _moments(self, ocmf: OCMF, record: bytes, place: str) -> Sequence[Sample]:
        at: dict[int, list[Reading]] = defaultdict(list)
        try:
            for reading in ocmf.payload.RD:
                at[unix_ms(reading.timestamp)].append(reading)
            return [self._sample(time_ms, at[time_ms], record) for time_ms in sorted(at)]
        except (ValueError, BadSample) as error:
            raise BadSourceRecord(ADAPTER, place, str(error)) from error

    def _sample(self, time_ms: int, readings: Sequence[Reading], record: bytes) -> Sample:
        first = readings[0]
        for reading in readings:
            if str(reading.ST) not in _QUALITIES:
                raise ValueError(f"the meter's status is {reading.ST}, neither good nor substitute")
            if "E" in (reading.EF or ""):
                raise ValueError("the meter marks its energy as erroneous (EF)")
        has_clock = "t" not in "".join(reading.EF or "" for reading in readings)
        worst = max((_QUALITIES[str(one.ST)] for one in readings), key=list(Quality).index)
        return Sample(
            time_ms=time_ms,
            clock=_CLOCKS.get(str(first.time_status), Clock.UNKNOWN)
            if has_clock
            else Clock.UNKNOWN,
            import_wh=_register(readings, TOTAL_IMPORT, OTHER_IMPORT, "import"),
            export_wh=_register(readings, TOTAL_EXPORT, OTHER_EXPORT, "export"),
            register_epoch=self.register_epoch,
            quality=worst,
            context=f"OCMF {first.TX}" if first.TX else "",
            raw=record,
        )


def _register(
    readings: Sequence[Reading], total: Sequence[int], others: Sequence[int], direction: str
) -> int:
    """The one total register of a direction; 0 where the meter counts nothing that way."""
    shown = set()
    only_others = False
    for reading in readings:
        if reading.RI is None or reading.RV is None:
            continue
        c, d, e = _groups(str(reading.RI))
        if d != ENERGY or c not in (*total, *others):
            continue
        if c in total and e in ALL_TARIFFS:
            shown.add(whole_wh(reading.RV, str(reading.RU)))
        else:
            only_others = True
    if len(shown) > 1:
        raise ValueError(f"its {direction} register shows two values at one time")
    if not shown and only_others:
        raise ValueError(f"it holds no total {direction} register, only parts of one")
    return shown.pop() if shown else 0


def _groups(obis: str) -> tuple[int, int, int]:
    """Groups C, D and E of a code, written in hex."""
    parts = obis.partition(":")[2].replace("*", ".").split(".")
    try:
        return int(parts[0], 16), int(parts[1], 16), int(parts[2], 16)
    except (ValueError, IndexError):
        raise ValueError(f"{obis} is no OBIS code") from None


@dataclass(slots=True)
class OcmfSource:
    """The records of a file: lines of text, or the XML container that charging stations hand out.

    `refused` gets each record that `OcmfReader.read` refuses. Raises BadSource, MissingExtra.
    """

    path: Path
    reader: OcmfReader
    refused: Refused = stop_at_first

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Samples of all records in the file's order."""
        library("pyocmf", EXTRA)
        if not self.reader.public_key:
            raise BadSource(ADAPTER, "no public_key: it is printed on the meter, or its maker's")
        for number, record in enumerate(records_of(self.path), 1):
            try:
                samples = self.reader.read(record, f"record {number} of {self.path.name}")
            except EnergyError as error:
                self.refused(error)
                continue
            for sample in samples:
                yield sample
