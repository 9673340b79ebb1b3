"""What the routes of the HTTP API stand on: one object, handed to every group of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from protocol.codec import Json
from sequencer.api.key_file import KeyFile
from sequencer.api.rates import Rates
from sequencer.bus import Bus, InProcessBus
from sequencer.feed import Feed
from sequencer.flows import FlowBoard
from sequencer.ledger import Ledger
from sequencer.pages.options import PageOptions
from sequencer.views import Views


@dataclass(frozen=True, slots=True)
class Info:
    """What does not change while the sequencer runs.

    `endorsement`: the operator's L1 signature under its receipt key.
    """

    chain_id: int
    contract: str
    key_is_insecure: bool
    endorsement: str = ""


class Health(Protocol):
    """What a process knows of itself. Each answers at once."""

    def report(self) -> Json:
        """{"status": "ok" or "degraded", "ailments": {part: what is wrong}}."""

    def live(self) -> Json:
        """{"status": "live"}. Raises NotLive: the process must be started anew."""

    def ready(self) -> Json:
        """{"status": "ready"}. Raises NotReady: others should be asked."""


class IsWell:
    """Of a process with nothing that could ail."""

    def report(self) -> Json:
        """See Health."""
        return {"status": "ok", "ailments": {}}

    def live(self) -> Json:
        """See Health."""
        return {"status": "live"}

    def ready(self) -> Json:
        """See Health."""
        return {"status": "ready"}


@dataclass(frozen=True, slots=True)
class Services:
    """`health` says what the process knows of itself; `exit_key` is the file with which users can
    leave without this sequencer, if it has it; `bus` wakes whoever waits for something new;
    `metrics` gives the text for Prometheus, where this process is the one that has it.
    `rates` bounds what one client may ask; `pages` says what the explorer may do; `flows` is what
    homes have reported lately, `feed` what happens as it happens.
    """

    ledger: Ledger
    views: Views
    info: Info
    health: Health = field(default_factory=IsWell)
    exit_key: KeyFile | None = None
    bus: Bus = field(default_factory=InProcessBus)
    metrics: Callable[[], bytes] | None = None
    pages: PageOptions = field(default_factory=PageOptions)
    rates: Rates = field(default_factory=Rates)
    flows: FlowBoard = field(init=False)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flows", FlowBoard(self.bus, time.time))
        object.__setattr__(self, "feed", Feed(self.ledger.database, self.bus))
