"""A meter's key or store that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadMeterKeyFile(EnergyError):
    """The file with a meter's key is missing, damaged, readable by others or locked."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"cannot use the meter's key in {self.path}: {self.reason}"


@dataclass
class MeterStoreUnusable(EnergyError):
    """The store of a meter's readings cannot be opened, read or written."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"cannot use the readings in {self.path}: {self.reason}"


@dataclass
class MeterStoreInUse(EnergyError):
    """Another process writes to the store."""

    path: str
    holder: str

    def __str__(self) -> str:
        return f"another process writes the readings in {self.path}: {self.holder}"


@dataclass
class StoreOfAnotherMeter(EnergyError):
    """The store holds the readings of another meter than the key's."""

    path: str
    meter: str

    def __str__(self) -> str:
        return f"the readings in {self.path} are of {self.meter}; take another folder"


@dataclass
class NoSuchReading(EnergyError):
    """The store has no record of that number, or no longer what is asked of it."""

    sequence: int
    reason: str

    def __str__(self) -> str:
        return f"reading {self.sequence}: {self.reason}"


@dataclass
class DayNotOver(EnergyError):
    """A day's root is made once the day is over and a reading behind its end is there."""

    day: str

    def __str__(self) -> str:
        return f"{self.day} is not over by the meter's readings; close it after the next one"


@dataclass
class NothingOfDay(EnergyError):
    """No reading of that day is kept."""

    day: str

    def __str__(self) -> str:
        return f"no reading of {self.day} is kept"
