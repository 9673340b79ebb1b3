"""A meter's settings: meter.toml in its folder. Its key is a file of its own."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from channels.keystore import write_new
from energy.community.members import DEFAULT_REGISTER_WH, DEFAULT_STEP_WH, MeterKey
from energy.meters.meter import Meter
from energy.meters.sun import SunnyPlace
from wattlane.errors import BadMeterSettings

FILE = "meter.toml"

_TEMPLATE = """\
# A meter: where its readings come from, and what its connection carries. `wattlane meter run`.
zone = "{zone}"           # a day begins at midnight there
import_w = {import_w}     # the most that the connection takes from the grid, W
export_w = {export_w}     # the most that it gives, W
# register_wh = 1000000000  # the registers begin at 0 again here, Wh
# step_wh = 1               # they rise by so much at once, Wh; state them to your community, too

# One source. Paths are taken from this folder.
[source]
adapter = "csv"           # the columns time,meter,import_wh,export_wh
path = {path}
meter = {meter}

# Panels and no battery: more export than the sun allows there is told (needs wattlane[sun]).
# [sun]
# latitude = 52.5
# longitude = 13.4
# peak_w = 8000           # of all modules together

# [source]
# adapter = "dsmr"        # a P1 port: tcp://HOST:PORT, serial:/dev/ttyUSB0, or a file of telegrams
# place = "serial:/dev/ttyUSB0"
# every_s = 60

# [source]
# adapter = "ocmf"        # records that the meter has signed, a file of them
# path = "records.ocmf"
# public_key = "3059..."  # as it stands on the meter

# [source]
# adapter = "sunspec"     # an inverter or meter over Modbus TCP
# host = "192.0.2.7"
# every_s = 60
"""


class SunTable(BaseModel):
    """Where the panels stand, and what all of them are rated at, W."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    peak_w: int = Field(gt=0, strict=True)
    altitude_m: int = Field(default=0, strict=True)


class MeterFile(BaseModel):
    """What `wattlane meter run` needs besides the key. `source`: an adapter and its settings.

    `sun`: what more than is exported is doubted; None: nothing is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    zone: str
    import_w: int = Field(ge=0)
    export_w: int = Field(ge=0)
    register_wh: int = Field(default=DEFAULT_REGISTER_WH, gt=0)
    step_wh: int = Field(default=DEFAULT_STEP_WH, gt=0)
    source: dict[str, Any] = Field(default_factory=dict)
    sun: SunTable | None = None

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, given: str) -> str:
        try:
            ZoneInfo(given)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{given[:60]!r} is no zone such as Europe/Berlin") from None
        return given

    @property
    def days_in(self) -> ZoneInfo:
        """Where its days begin at midnight."""
        return ZoneInfo(self.zone)

    @property
    def place(self) -> SunnyPlace | None:
        """Where its panels stand, if that is known. Raises BadSource."""
        sun = self.sun
        if sun is None:
            return None
        return SunnyPlace(sun.latitude, sun.longitude, sun.peak_w, sun.altitude_m)

    def meter(self, did: str, keys: tuple[MeterKey, ...]) -> Meter:
        """What its readings are held against."""
        return Meter(did, keys, self.import_w, self.export_w, self.register_wh, self.step_wh)


def load_meter_file(folder: Path) -> MeterFile:
    """The folder's settings. Raises BadMeterSettings."""
    path = folder / FILE
    try:
        return MeterFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        reason = "there is none; `wattlane meter init` makes one"
        raise BadMeterSettings(str(path), reason) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadMeterSettings(str(path), f"{where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise BadMeterSettings(str(path), f"it cannot be read: {error}") from error


def register_lines(settings: MeterFile) -> list[str]:
    """What the community's file has to say of the registers, as lines of TOML: where they are not
    the usual ones, the market needs to know it to take their readings."""
    usual = {"register_wh": DEFAULT_REGISTER_WH, "step_wh": DEFAULT_STEP_WH}
    stated = {name: getattr(settings, name) for name in usual}
    return [f"{name} = {wh}" for name, wh in stated.items() if wh != usual[name]]


def write_meter_file(
    folder: Path,
    zone: str,
    import_w: int,
    export_w: int,
    source: tuple[str, str] = ("readings.csv", "1"),
) -> Path:
    """Write meter.toml, with every kind of source as a comment; an older one stays as it is.

    `source`: the file of readings, from the folder on, and the meter's name in it. Raises
    BadMeterSettings for settings that could not be read again.
    """
    path = folder / FILE
    try:
        MeterFile(zone=zone, import_w=import_w, export_w=export_w)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadMeterSettings(str(path), f"{where}: {first['msg']}") from error
    if not path.exists():
        file, name = (json.dumps(one, ensure_ascii=False) for one in source)  # as TOML writes it
        text = _TEMPLATE.format(
            zone=zone, import_w=import_w, export_w=export_w, path=file, meter=name
        )
        write_new(path, text.encode())
    return path
