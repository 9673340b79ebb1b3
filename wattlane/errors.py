"""What can go wrong in the composition root: each error is one line that says what to do."""

from __future__ import annotations

from dataclasses import dataclass


class WattlaneError(Exception):
    """Base of all errors that the command line, the demo and their inputs raise."""


@dataclass
class BadReadings(WattlaneError):
    """A file of meter readings has a defect; `line` is where it shows, counted from 1."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.what}"


@dataclass
class BadChoice(WattlaneError):
    """A setting names something that does not exist or cannot be used."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class BadNodeSettings(WattlaneError):
    """A home's settings cannot be used."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass
class BadMeterSettings(WattlaneError):
    """A meter's settings cannot be used."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass
class MeterRecordsBroken(WattlaneError):
    """A meter's records do not follow from each other, or not from what is kept beside them."""

    sequence: int
    problem: str

    def __str__(self) -> str:
        return f"reading {self.sequence} is the first that does not follow: {self.problem}"
