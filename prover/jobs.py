"""Invariant: a job names all that its proof says, and no proof leaves here that does not verify."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from protocol.batch import ExecutedProof, PublicInputs


@dataclass(frozen=True, slots=True)
class ProofJob:
    """One proof to make. Picklable; the same job made twice is the same job."""

    executed: ExecutedProof
    public: PublicInputs

    @property
    def id(self) -> str:
        """SHA-256, in hex, of shape and public inputs, which bind all that the proof says."""
        shape = self.executed.shape
        words = (shape.queue_slots, shape.user_slots, *self.public.values())
        return hashlib.sha256(b"".join(word.to_bytes(32, "big") for word in words)).hexdigest()
