"""A bill that cannot be made, read or followed."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadMonth(EnergyError):
    """Text that names no month."""

    given: str

    def __str__(self) -> str:
        return f"{self.given[:40]!r} is no month; write it like 2026-06"


@dataclass
class NothingToBill(EnergyError):
    """No settlement of the month has anything of this home."""

    home: int
    month: str

    def __str__(self) -> str:
        return (
            f"nothing was settled for account {self.home} in {self.month}: "
            "is it the right account, month and journal?"
        )


@dataclass
class NoPdf(EnergyError):
    """The library that writes PDF is not installed."""

    def __str__(self) -> str:
        return "writing a PDF needs the extra `pdf`: pip install 'wattlane[pdf]'"


@dataclass
class BillDoesNotFollow(EnergyError):
    """Something in a bill does not follow from the records. `step`: the check that failed."""

    step: str
    what: str

    def __str__(self) -> str:
        return f"{self.step}: {self.what}"


@dataclass
class LineDoesNotFollow(BillDoesNotFollow):
    """The first line of a bill that does not follow; `line` counts from 1."""

    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.step}: {self.what}"


@dataclass
class JournalEndsBefore(EnergyError):
    """A copy of the journal that is shorter than what is asked of it."""

    last: int
    wanted: int

    def __str__(self) -> str:
        return (
            f"this copy of the journal ends at entry {self.last}, entry {self.wanted} is needed: "
            "fetch the market's journal again"
        )
