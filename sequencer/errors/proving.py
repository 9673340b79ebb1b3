"""A proof could not be made."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class ProvingError(SequencerError):
    """Base: a proof could not be made."""


@dataclass
class ProofFailed(ProvingError):
    """The prover raised, its process died, or its proof does not verify. `place` counts from 0."""

    number: int
    place: int
    why: str

    def __str__(self) -> str:
        return f"proof {self.place + 1} of batch {self.number} failed: {self.why}"
