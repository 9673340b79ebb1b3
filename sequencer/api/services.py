"""What the routes of the HTTP API stand on: one object, handed to every group of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.codec import Json
from sequencer.api.key_file import KeyFile
from sequencer.bus import Bus, InProcessBus
from sequencer.ledger import Ledger
from sequencer.views import Views


@dataclass(frozen=True, slots=True)
class Info:
    """What does not change while the sequencer runs."""

    chain_id: int
    contract: str
    key_is_insecure: bool


def _is_well() -> Json:
    return {"status": "ok", "ailments": {}}


@dataclass(frozen=True, slots=True)
class Services:
    """`health` says what the daemon knows of itself; `exit_key` is the file with which users can
    leave without this sequencer, if it has it; `bus` wakes whoever waits for something new.
    """

    ledger: Ledger
    views: Views
    info: Info
    health: Callable[[], Json] = _is_well
    exit_key: KeyFile | None = None
    bus: Bus = field(default_factory=InProcessBus)
