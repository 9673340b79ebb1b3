"""A home cannot use the relay, or no longer."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.relay import Refusal
from sequencer.errors.base import SequencerError


@dataclass
class RelayRefused(SequencerError):
    """The relay ends this connection; `code` is the WebSocket's close code."""

    code: Refusal
    reason: str

    def __str__(self) -> str:
        return f"{self.code.name.lower()}: {self.reason}"
