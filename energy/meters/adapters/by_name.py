"""A source from a table of settings, as a meter's configuration file has it.

`adapter` names the kind: csv, ocmf, dsmr, sunspec. The other keys are the adapter's own; each is
checked, and none is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from energy.errors import BadSource
from energy.meters.adapters.csv_file import CsvSource
from energy.meters.adapters.host_clock import host_time_ms
from energy.meters.adapters.ocmf import OcmfReader, OcmfSource
from energy.meters.adapters.p1 import P1Source
from energy.meters.adapters.p1_telegrams import P1Reader
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.adapters.sunspec import SunSpecPlace, SunSpecSource
from energy.meters.sample import Clock, Source

Settings = Mapping[str, object]
T = TypeVar("T")


class _Taken:
    """Settings of one adapter, each taken once by its name and kind."""

    def __init__(self, adapter: str, settings: Settings) -> None:
        self._adapter = adapter
        self._left = {name: value for name, value in settings.items() if name != "adapter"}

    def text(self, name: str, default: str | None = None) -> str:
        return self._take(name, default, str)

    def number(self, name: str, default: int) -> int:
        found = self._take(name, default, int)
        if found < 0:
            raise BadSource(self._adapter, f"{name} is {found}, it must not be negative")
        return found

    def flag(self, name: str) -> bool:
        return self._take(name, False, bool)

    def clock(self) -> Clock:
        word = self.text("clock", Clock.SYNCHRONISED.value)
        try:
            return Clock(word)
        except ValueError:
            words = ", ".join(clock.value for clock in Clock)
            raise BadSource(self._adapter, f"clock {word!r} is none of {words}") from None

    def zone(self) -> ZoneInfo | None:
        name = self.text("zone", "")
        try:
            return ZoneInfo(name) if name else None
        except (ZoneInfoNotFoundError, ValueError):
            raise BadSource(
                self._adapter, f"zone {name!r} is none, such as Europe/Berlin"
            ) from None

    def end(self) -> None:
        """Raises BadSource where a setting is left that nobody took."""
        if self._left:
            raise BadSource(self._adapter, f"it has no setting {next(iter(self._left))!r}")

    def _take(self, name: str, default: T | None, kind: type[T]) -> T:
        found = self._left.pop(name, default)
        if found is None:
            raise BadSource(self._adapter, f"the setting {name!r} is missing")
        if type(found) is not kind:
            raise BadSource(
                self._adapter, f"{name} is {found!r}, it must be of type {kind.__name__}"
            )
        return found


def open_source(settings: Settings, folder: Path, refused: Refused = stop_at_first) -> Source:
    """The source that the settings describe; nothing is read yet. Paths are taken from `folder`.

    Raises BadSource for an unknown adapter, an unknown, missing or misfit setting.
    """
    adapter = settings.get("adapter")
    if not isinstance(adapter, str) or adapter not in ADAPTERS:
        raise BadSource(str(adapter), f"`adapter` must be one of {', '.join(ADAPTERS)}")
    taken = _Taken(adapter, settings)
    source = ADAPTERS[adapter](taken, folder, refused)
    taken.end()
    return source


def _csv(taken: _Taken, folder: Path, refused: Refused) -> Source:
    return CsvSource(
        folder / taken.text("path"), taken.text("meter"), taken.zone(), taken.clock(), refused
    )


def _ocmf(taken: _Taken, folder: Path, refused: Refused) -> Source:
    reader = OcmfReader(
        public_key=taken.text("public_key"),
        serial=taken.text("serial", ""),
        register_epoch=taken.number("register_epoch", 0),
    )
    return OcmfSource(folder / taken.text("path"), reader, refused)


def _dsmr(taken: _Taken, folder: Path, refused: Refused) -> Source:
    place = taken.text("place")
    is_live = place.startswith(("tcp://", "serial:"))
    reader = P1Reader(
        version=taken.text("version", "5"),
        serial=taken.text("serial", ""),
        register_epoch=taken.number("register_epoch", 0),
        keys=(taken.text("encryption_key", ""), taken.text("authentication_key", "")),
        now_ms=host_time_ms if is_live else None,
    )
    place = place if is_live else str(folder / place)
    return P1Source(place, reader, 1000 * taken.number("every_s", 0), refused=refused)


def _sunspec(taken: _Taken, folder: Path, refused: Refused) -> Source:
    place = SunSpecPlace(
        host=taken.text("host"),
        port=taken.number("port", 502),
        unit=taken.number("unit", 1),
        model=taken.number("model", 0),
        import_is_export=taken.flag("import_is_export"),
    )
    every_s = taken.number("every_s", 60)
    if not every_s:
        raise BadSource("sunspec", "every_s is 0, it must be at least 1")
    return SunSpecSource(
        place,
        every_ms=1000 * every_s,
        serial=taken.text("serial", ""),
        register_epoch=taken.number("register_epoch", 0),
        refused=refused,
    )


ADAPTERS: dict[str, Callable[[_Taken, Path, Refused], Source]] = {
    "csv": _csv,
    "ocmf": _ocmf,
    "dsmr": _dsmr,
    "sunspec": _sunspec,
}
