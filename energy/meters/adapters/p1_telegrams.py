"""Telegrams of a smart meter's customer port (P1), in the DSMR family of formats.

A telegram is signed by nobody: its checksum finds noise on the line, not a forger. What makes its
numbers binding is the household's own meter key over them. Its clock is set by the grid's operator.
Ref: P1 Companion Standard 5.0.2, Netbeheer Nederland; dsmr-parser's telegram specifications.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from energy.errors import BadSample, BadSource, BadSourceRecord, OtherMeter
from energy.meters.adapters.extras import library
from energy.meters.adapters.registers import unix_ms, whole_wh
from energy.meters.sample import Clock, Sample

ADAPTER = "DSMR P1"
EXTRA = "dsmr"
ZONE = ZoneInfo("Europe/Amsterdam")
"""Central European time, which all versions named here are in."""
VERSIONS = {
    "4": "V4",
    "5": "V5",
    "belgium": "BELGIUM_FLUVIUS",
    "luxembourg": "LUXEMBOURG_SMARTY",
    "luxembourg-encrypted": "MSN",
    "sweden": "SWEDEN",
    "austria-encrypted": "SAGEMCOM_T210_D_R",
    "hungary": "EON_HUNGARY",
}
MOST_CLOCK_ERROR_MS = 60_000
_TARIFFS = range(1, 5)
_IDENTIFIERS = (
    "EQUIPMENT_IDENTIFIER",
    "BELGIUM_EQUIPMENT_IDENTIFIER",
    "LUXEMBOURG_EQUIPMENT_IDENTIFIER",
    "COSEM_LOGICAL_DEVICE_NAME",
)
_NEEDED = {
    "P1_MESSAGE_TIMESTAMP",
    *_IDENTIFIERS,
    *(f"ELECTRICITY_{way}_TOTAL" for way in ("IMPORTED", "EXPORTED")),
    *(f"ELECTRICITY_{way}_TARIFF_{number}" for way in ("USED", "DELIVERED") for number in _TARIFFS),
}
_TIME = re.compile(rb"^\d-\d:1\.0\.0\(\d{12}([SW])\)", re.MULTILINE)


class Value(Protocol):
    """A line of a telegram as dsmr-parser gives it."""

    value: object
    unit: str | None


@dataclass(slots=True)
class P1Reader:
    """Telegrams of one meter, read in order. Raises BadSource for a version it does not know.

    `serial`: the meter's identifier as the telegram has it (hex of its letters); taken from the
    first telegram if empty. `keys`: encryption and authentication key in hex, for the encrypted
    versions. `now_ms`: this computer's time; a meter's clock more than a minute off it is no longer
    taken for synchronised. None for telegrams of the past. A clock whose summer time is not its
    date's is unknown.
    """

    version: str = "5"
    serial: str = ""
    register_epoch: int = 0
    keys: tuple[str, str] = ("", "")
    now_ms: Callable[[], int] | None = None

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise BadSource(ADAPTER, f"version {self.version!r} is none of {', '.join(VERSIONS)}")

    @property
    def is_encrypted(self) -> bool:
        """Whether this version's telegrams are encrypted frames."""
        return self.version.endswith("-encrypted")

    def read(self, telegram: bytes, place: str) -> Sample:
        """The sample of one telegram: text from "/" to its checksum, or an encrypted frame.

        Raises BadSourceRecord, OtherMeter, MissingExtra.
        """
        values = self._parsed(telegram, place)
        found = next((str(values[name].value) for name in _IDENTIFIERS if name in values), "")
        self.serial = self.serial or found
        if found != self.serial:
            raise OtherMeter(ADAPTER, place, self.serial, found)
        try:
            time_ms, clock = self._time(values, telegram)
            return Sample(
                time_ms=time_ms,
                clock=clock,
                import_wh=_register(
                    values, "ELECTRICITY_IMPORTED_TOTAL", "ELECTRICITY_USED_TARIFF"
                ),
                export_wh=_register(
                    values, "ELECTRICITY_EXPORTED_TOTAL", "ELECTRICITY_DELIVERED_TARIFF"
                ),
                register_epoch=self.register_epoch,
                raw=telegram,
            )
        except (ValueError, BadSample) as error:
            raise BadSourceRecord(ADAPTER, place, str(error)) from error

    def _parsed(self, telegram: bytes, place: str) -> dict[str, Value]:
        errors = library("dsmr_parser.exceptions", EXTRA)
        parser = _parser(self.version)
        try:
            text = telegram.hex() if self.is_encrypted else telegram.decode("latin-1")
            parsed = parser.parse(text, *self.keys, throw_ex=True)
        except (errors.ParseError, errors.DecryptionError) as error:
            raise BadSourceRecord(ADAPTER, place, " ".join(map(str, error.args))) from error
        except (ValueError, ArithmeticError, IndexError) as error:
            raise BadSourceRecord(ADAPTER, place, f"no telegram ({error})") from error
        return {name: cast(Value, value) for name, value in parsed}

    def _time(self, values: dict[str, Value], telegram: bytes) -> tuple[int, Clock]:
        if "P1_MESSAGE_TIMESTAMP" not in values:
            raise ValueError("it has no time (1.0.0)")
        moment = values["P1_MESSAGE_TIMESTAMP"].value
        if not isinstance(moment, datetime):
            raise ValueError("its time (1.0.0) is none: never set")  # noqa: TRY004
        time_ms = unix_ms(moment)
        flag = _TIME.search(telegram)
        if flag is not None and (flag[1] == b"S") != bool(moment.astimezone(ZONE).dst()):
            return time_ms, Clock.UNKNOWN
        if self.now_ms is not None and abs(self.now_ms() - time_ms) > MOST_CLOCK_ERROR_MS:
            return time_ms, Clock.INFORMATIVE
        return time_ms, Clock.SYNCHRONISED


@cache
def _parser(version: str) -> Any:
    """dsmr-parser's parser for the lines needed here: a gas meter's bad line spoils nothing."""
    parsers = library("dsmr_parser.parsers", EXTRA)
    versions = library("dsmr_parser.telegram_specifications", EXTRA)
    whole = getattr(versions, VERSIONS[version])
    needed = [line for line in whole["objects"] if line["value_name"] in _NEEDED]
    return parsers.TelegramParser({**whole, "objects": needed})


def _register(values: dict[str, Value], total: str, tariff: str) -> int:
    """Wh of a direction: its total, else the sum of its tariffs' registers."""
    names = [f"{tariff}_{number}" for number in _TARIFFS]
    parts = [values[name] for name in ([total] if total in values else names) if name in values]
    if not parts:
        raise ValueError(f"it has no register {total.lower().replace('_', ' ')}")
    wh = 0
    part_of = total.lower().replace("_", " ")
    for part in parts:
        if not isinstance(part.value, Decimal):
            raise ValueError(f"register {part_of} is empty")  # noqa: TRY004
        wh += whole_wh(part.value, str(part.unit))
    return wh
