"""How far something has come, as every page marks it: soft, proved, final, or on its way there.

Soft: the operator promises it. Proved: a proof exists. Final: L1 holds it and will not undo it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

SEEN_AS = {
    "open": "open",
    "sealed": "soft",
    "proved": "proved",
    "submitted": "proved",
    "accepted": "proved",
    "final": "final",
}
"""A batch's own status, as what is in it is marked."""

EXPLAINED = {
    "open": "it is being filled",
    "accepted": "the operator has it on disk and has not executed it yet",
    "soft": "executed in order, with the operator's signed receipt",
    "proved": "a proof of it exists",
    "final": "L1 has checked the proof, and its block is final",
    "rejected": "refused; it changes nothing",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mark:
    """A level with what it means."""

    level: str

    @property
    def meaning(self) -> str:
        """In a sentence."""
        return EXPLAINED.get(self.level, "")


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder. `is_reached`, and `is_current` for the highest that is."""

    mark: Mark
    is_reached: bool
    is_current: bool


LADDER = ("soft", "proved", "final")


def ladder(level: str) -> tuple[Rung, ...]:
    """Soft, proved, final, with what has been reached; nothing is, before or beside them."""
    place = LADDER.index(level) if level in LADDER else -1
    return tuple(Rung(Mark(one), at <= place, at == place) for at, one in enumerate(LADDER))


def batch_mark(status: str) -> Mark:
    """The mark of a batch in this status."""
    return Mark(SEEN_AS.get(status, status))


def leaf_mark(soft: T, proved: T, final: T) -> Mark:
    """How far what the soft state says of a leaf has come."""
    if soft == final:
        return Mark("final")
    return Mark("proved" if soft == proved else "soft")
