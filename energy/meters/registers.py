"""What flowed between two readings: differences of registers, across a wrap or another device.

Within a register epoch a register never falls. After a WRAP the fallen register has passed its last
digit once; after a SWAP the new device begins with values of its own, and what flowed between the
old one's last reading and that beginning, nobody has measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from energy.errors import FallingRegister, UnexplainedEpoch
from energy.meters.reading import Reading
from energy.meters.sample import SWAP, WRAP


@dataclass(frozen=True, slots=True)
class Difference:
    """Wh that flowed between two readings. `is_whole`: nothing in between went unmeasured."""

    import_wh: int
    export_wh: int
    is_whole: bool = True

    def __add__(self, other: Difference) -> Difference:
        return Difference(
            self.import_wh + other.import_wh,
            self.export_wh + other.export_wh,
            self.is_whole and other.is_whole,
        )


NOTHING = Difference(0, 0)


def step(before: Reading, after: Reading, register_wh: int) -> Difference:
    """From a reading to the next that is known. `register_wh`: see Meter.

    Raises FallingRegister, UnexplainedEpoch.
    """
    place = after.meter, after.sequence
    ahead = after.register_epoch - before.register_epoch
    if ahead == 0:
        for name in ("import_wh", "export_wh"):
            was, stands = getattr(before, name), getattr(after, name)
            if stands < was:
                raise FallingRegister(*place, name, was, stands)
        return Difference(after.import_wh - before.import_wh, after.export_wh - before.export_wh)
    if ahead != 1:
        reason = f"{after.register_epoch} after {before.register_epoch}, it rises by one at a time"
        raise UnexplainedEpoch(*place, reason)
    if after.context == SWAP:
        return Difference(0, 0, after.end_ms == before.end_ms)
    if after.context != WRAP:
        raise UnexplainedEpoch(*place, f"its context says neither {WRAP!r} nor {SWAP!r}")
    if after.import_wh >= before.import_wh and after.export_wh >= before.export_wh:
        raise UnexplainedEpoch(*place, f"its context says {WRAP!r}, but no register has wrapped")
    for stands in (before.import_wh, before.export_wh, after.import_wh, after.export_wh):
        if stands >= register_wh:
            reason = f"{stands} Wh is more than a register of {register_wh} Wh can show"
            raise UnexplainedEpoch(*place, reason)
    return Difference(
        (after.import_wh - before.import_wh) % register_wh,
        (after.export_wh - before.export_wh) % register_wh,
    )


def between(readings: Iterable[Reading], register_wh: int) -> Difference:
    """From the first of these readings to the last, in order of sequence; raises as `step`."""
    return sum((step(one, two, register_wh) for one, two in pairwise(readings)), NOTHING)
