"""A settlement that cannot be made of what was given."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class MeteredTwice(EnergyError):
    """Two statements of one home's meter for one interval: which one counts?"""

    home: int

    def __str__(self) -> str:
        return f"home {self.home} is metered twice; give one verified pair of readings for it"


@dataclass
class MeteredElsewhere(EnergyError):
    """A home's meter was read for another interval than the clearing's (Unix ms, UTC)."""

    home: int
    start_ms: int
    end_ms: int

    def __str__(self) -> str:
        return (
            f"home {self.home} is metered from {self.start_ms} to {self.end_ms} ms, which is not "
            "the interval that was cleared; take the readings at its start and its end"
        )


@dataclass
class RulesDiffer(EnergyError):
    """A clearing names another version of the rules than the one it is to be settled by."""

    named: int
    given: int

    def __str__(self) -> str:
        return (
            f"cleared under version {self.named} of the rules, not {self.given}: "
            f"settle it by version {self.named}"
        )


@dataclass
class CorrectionsOver(EnergyError):
    """A reading that comes too late to change anything (Unix ms, UTC)."""

    until_ms: int
    now_ms: int

    def __str__(self) -> str:
        return (
            f"readings of this interval could be corrected until {self.until_ms} ms; "
            f"at {self.now_ms} ms it is final"
        )


@dataclass
class CorrectionsOpen(EnergyError):
    """A last settlement before its time (Unix ms, UTC)."""

    until_ms: int
    now_ms: int

    def __str__(self) -> str:
        return (
            f"at {self.now_ms} ms readings may still be corrected; "
            f"the interval becomes final after {self.until_ms} ms"
        )


@dataclass
class ChainBroken(EnergyError):
    """Settlements that do not follow each other. `place`: the first that does not."""

    place: int
    reason: str

    def __str__(self) -> str:
        return f"settlement {self.place} of the interval does not follow: {self.reason}"
