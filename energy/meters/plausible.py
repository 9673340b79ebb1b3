"""Warnings: what a reading says may be true, and someone should look at it all the same.

A warning keeps no reading from being taken: a battery may export at night, and a model of the sun
knows nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from energy.meters.meter import Meter
from energy.meters.reading import Reading
from energy.meters.registers import step


class Sun(Protocol):
    """What the panels of a place can give at most, under a clear sky."""

    def most_wh(self, start_ms: int, end_ms: int) -> int:
        """Between two times (Unix ms, UTC), Wh, rounded up."""
        ...


@dataclass(frozen=True, slots=True)
class MoreThanTheSun:
    """A home exported more than its panels could have made in that light."""

    meter: str
    sequence: int
    start_ms: int
    end_ms: int
    export_wh: int
    most_wh: int

    def __str__(self) -> str:
        return (
            f"reading {self.sequence} of {self.meter}: {self.export_wh} Wh exported from "
            f"{self.start_ms} to {self.end_ms} ms, and the sun allows {self.most_wh} Wh there then"
        )


def doubt(before: Reading, reading: Reading, meter: Meter, sun: Sun) -> MoreThanTheSun | None:
    """The doubt about a verified reading after the one before it, None if there is none.

    Raises as `registers.step`.
    """
    if reading.end_ms <= before.end_ms:
        return None
    exported = step(before, reading, meter.register_wh).export_wh
    most = sun.most_wh(before.end_ms, reading.end_ms) + meter.step_wh
    if exported <= most:
        return None
    place = reading.meter, reading.sequence, before.end_ms, reading.end_ms
    return MoreThanTheSun(*place, exported, most)
