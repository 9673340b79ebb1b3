"""Checks that know nothing of each other: each answers in time, or that is what is wrong.

A check that fails in a way of its own is a finding like any other; it never ends the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from wattlane.cli.failures import explain

S = TypeVar("S")


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `mend`: what to do, empty where all is well."""

    level: Level
    said: str
    mend: str = ""


def ok(said: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, said)


def warning(said: str, mend: str) -> Finding:
    """It works, and may not for ever."""
    return Finding(Level.WARNING, said, mend)


def problem(said: str, mend: str) -> Finding:
    """It does not work, or money is at risk."""
    return Finding(Level.PROBLEM, said, mend)


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """One question. `mend`: what to do where it cannot even be answered."""

    name: str
    ask: Callable[[S], Finding]
    mend: str
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A check's name and what it found."""

    name: str
    finding: Finding


def run(checks: Sequence[Check[S]], subject: S) -> list[Answer]:
    """All answers, in the order of the checks; they are asked at the same time."""
    started = [(check, _Asking(check, subject)) for check in checks]
    return [Answer(check.name, asking.answer()) for check, asking in started]


class _Asking(Generic[S]):
    """A check in a thread of its own, which ends with the process if it never ends."""

    def __init__(self, check: Check[S], subject: S) -> None:
        self._check, self._subject = check, subject
        self._found: Finding | None = None
        self._thread = threading.Thread(target=self._ask, name=check.name, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._found = self._check.ask(self._subject)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            self._found = problem(explain(error), self._check.mend)

    def answer(self) -> Finding:
        """What it found, or that it took too long."""
        self._thread.join(self._check.timeout_s)
        return self._found or problem(f"no answer in {self._check.timeout_s:g} s", self._check.mend)
