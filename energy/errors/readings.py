"""A meter's sample or reading that cannot be taken: one leaf a reason."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadSample(EnergyError):
    """What a source gave for a meter's registers is out of range."""

    reason: str

    def __str__(self) -> str:
        return f"no usable sample of the meter: {self.reason}"


@dataclass
class BadMeterName(EnergyError):
    """What should be a did:key of a meter, or the name of its key, is none."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r} names no meter and no key: {self.reason}"


@dataclass
class ReadingRefused(EnergyError):
    """Base of all reasons for which a reading is not taken. `meter`: its DID; `sequence`: its."""

    meter: str
    sequence: int

    @property
    def place(self) -> str:
        """Which reading it is."""
        return f"reading {self.sequence} of {self.meter}"


@dataclass
class TamperedReading(ReadingRefused):
    """Its signature, or what it says of the record before it, does not fit."""

    reason: str

    def __str__(self) -> str:
        return f"{self.place} was tampered with: {self.reason}"


@dataclass
class OtherMeterReading(ReadingRefused):
    """It is of another meter than the one it was held against."""

    expected: str

    def __str__(self) -> str:
        return f"{self.place} is of another meter than {self.expected}"


@dataclass
class ReplayedReading(ReadingRefused):
    """It has been taken before. `last`: the newest sequence that was."""

    last: int

    def __str__(self) -> str:
        return f"{self.place} is a replay: {self.last} has been taken, the next is {self.last + 1}"


@dataclass
class ConflictingReading(ReadingRefused):
    """Two records of one sequence, both signed. `digest`: of the one that was taken before."""

    digest: bytes

    def __str__(self) -> str:
        other = self.digest.hex()
        return f"{self.place} is the meter's second one of that number; taken is {other}"


@dataclass
class SkippedSequence(ReadingRefused):
    """Readings are missing before it."""

    expected: int

    def __str__(self) -> str:
        return f"{self.place} skips {self.sequence - self.expected}: {self.expected} comes next"


@dataclass
class WrongKey(ReadingRefused):
    """The key that it names is none of the meter's, or not for that time."""

    key_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} is signed by {self.key_id}, which {self.reason}"


@dataclass
class RevokedKey(ReadingRefused):
    """Its key counts no more since `revoked_ms` (Unix ms)."""

    key_id: str
    revoked_ms: int

    def __str__(self) -> str:
        return f"{self.place} is signed by {self.key_id}, revoked at {self.revoked_ms} ms"


@dataclass
class FallingRegister(ReadingRefused):
    """A register (`name`) stands lower than before in the same epoch, Wh."""

    name: str
    was_wh: int
    stands_wh: int

    def __str__(self) -> str:
        fell = f"from {self.was_wh} to {self.stands_wh} Wh"
        return f"{self.place}: {self.name} falls {fell} without a new register epoch"


@dataclass
class UnexplainedEpoch(ReadingRefused):
    """Its register epoch is not what its context and the one before allow."""

    reason: str

    def __str__(self) -> str:
        return f"{self.place}: its register epoch does not follow: {self.reason}"


@dataclass
class OverlappingReading(ReadingRefused):
    """It starts before the one before it has ended (Unix ms), or takes no time."""

    start_ms: int
    before_ms: int

    def __str__(self) -> str:
        times = f"it starts at {self.start_ms} ms, and that one ends at {self.before_ms} ms"
        return f"{self.place} overlaps the one before: {times}"


@dataclass
class ClockNotSynchronised(ReadingRefused):
    """Nobody can tell when it was."""

    reason: str

    def __str__(self) -> str:
        return f"{self.place}: the meter's clock is not synchronised: {self.reason}"


@dataclass
class ImplausibleReading(ReadingRefused):
    """A register (`name`) rose by more Wh than the connection can carry in the time."""

    name: str
    rose_wh: int
    most_wh: int

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.name} rose by {self.rose_wh} Wh, and the connection can carry "
            f"at most {self.most_wh} Wh in that time"
        )


@dataclass
class NoVerifiedReading(EnergyError):
    """A home's registers at a time (Unix ms) are not known: nothing is paid for that interval."""

    home: int
    time_ms: int

    def __str__(self) -> str:
        return f"home {self.home} has no verified reading for {self.time_ms} ms: it is left out"


@dataclass
class DoesNotOpen(EnergyError):
    """A record that is shown alone does not follow from the day's root."""

    reason: str

    def __str__(self) -> str:
        return f"the disclosure shows nothing: {self.reason}"


@dataclass
class CorrectionOutOfTurn(ReadingRefused):
    """A correction of a reading that cannot be taken now."""

    reason: str

    def __str__(self) -> str:
        return f"{self.place} cannot be corrected so: {self.reason}"


@dataclass
class NeedsCountersignature(ReadingRefused):
    """A correction to a neighbour's cost that the community's account has not signed too.

    Of what was traded in the interval from `start_ms` (Unix ms), `was_wh` of the home's `side`
    counted; `stands_wh` would.
    """

    start_ms: int
    side: str
    was_wh: int
    stands_wh: int

    def __str__(self) -> str:
        fewer = f"from {self.was_wh} to {self.stands_wh} Wh"
        return (
            f"{self.place}: its correction takes what counts of a trade ({self.side}, interval "
            f"from {self.start_ms} ms) {fewer}, at a neighbour's cost: the community's account has "
            "to sign it too (`wattlane market community countersign`)"
        )


@dataclass
class DayRootGiven(EnergyError):
    """A meter's day (it begins at `start_ms`, Unix ms) has a root, which stays."""

    meter: str
    start_ms: int

    def __str__(self) -> str:
        return f"{self.meter} has given a root of the day that begins at {self.start_ms} ms before"
