"""Questions of users and of our own parts that have no answer."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


@dataclass
class NotFound(SequencerError):
    """The API was asked for something that this sequencer does not have."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} is not known here"


@dataclass
class UnknownRoot(SequencerError):
    """A witness was asked for in a root that is not recent, or never was."""

    root: str

    def __str__(self) -> str:
        return f"no state with root {self.root} is kept; ask for soft, final or a recent root"


@dataclass
class MessageTooLarge(SequencerError):
    """A message for the bus is longer than a bus takes."""

    given_bytes: int
    most_bytes: int

    def __str__(self) -> str:
        return f"a message of {self.given_bytes} bytes; a bus takes {self.most_bytes}"


@dataclass
class NotLive(SequencerError):
    """A part of the sequencer hangs; only a restart mends it."""

    parts: str
    limit_s: float

    def __str__(self) -> str:
        return f"{self.parts}: nothing was done for more than {self.limit_s:.0f} s"


@dataclass
class NotReady(SequencerError):
    """The sequencer should not be sent requests now."""

    why: str

    def __str__(self) -> str:
        return self.why


@dataclass
class TooManyChecks(SequencerError):
    """So many batches wait to be verified that no more are taken."""

    waiting: int

    def __str__(self) -> str:
        return f"{self.waiting} batches wait to be verified; try again in a while"


@dataclass
class CheckStopped(SequencerError):
    """A check could not be carried out: this says nothing about the batch."""

    why: str

    def __str__(self) -> str:
        return self.why
