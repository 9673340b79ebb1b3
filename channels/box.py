"""A channel in a running node: its state in memory, never ahead of what is on its way to disk.

The state changes only in steps without an await, each followed at once by the write that stores
it; the store keeps that order, and what may leave the process waits for its write.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from channels.errors import ChannelClosing
from channels.lanes import ChannelState
from channels.records import Intent, Outgoing, StoredChannel
from channels.sessions import Session
from protocol.channels import Channel, Status


@dataclass(slots=True)
class Delivery:
    """A signed voucher on its way; `acknowledged` is set when the payee has it on disk."""

    outgoing: Outgoing
    acknowledged: asyncio.Future[None]


@dataclass(slots=True)
class Box:
    """One channel. `deliveries` by lane value, in order: signed and not acknowledged."""

    state: ChannelState
    intent: Intent = Intent.KEEP
    wished_at: int = 0
    """L1 time since when the owner wants what `intent` says."""
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    soft: Channel | None = None
    """The leaf in the sequencer's soft state: a hint, never a reason to accept."""
    level: str = "final"
    """How far `soft` has come by the sequencer's word: soft, proved, final. For people alone."""
    synced: Session | None = None
    """The session on which both ends have compared what they hold."""
    trusted_ntok: int = 0
    paused_until: float = 0.0
    """Event loop time until which nothing is signed here, because a CLOSE is being agreed."""
    sync_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, stored: StoredChannel) -> Box:
        """The box of a channel read from disk."""
        box = cls(stored.state, stored.intent, stored.wished_at)
        for outgoing in stored.outgoing:
            box.add(outgoing)
        return box

    @property
    def channel_id(self) -> int:
        """The channel's id."""
        return self.state.channel_id

    @property
    def peer_index(self) -> int:
        """The neighbour's account."""
        return self.state.peer_index

    @property
    def is_synced(self) -> bool:
        """Whether both ends have compared, on a connection that still stands."""
        return self.synced is not None and self.synced.is_open

    def require_wanted(self) -> None:
        """Raises ChannelClosing where the owner, or the soft state, has begun to close it."""
        is_closing = self.soft is not None and self.soft.status is not Status.OPEN
        if is_closing or self.intent is Intent.FORCE:
            raise ChannelClosing(self.channel_id)

    def add(self, outgoing: Outgoing) -> Delivery:
        """A voucher that now waits for its acknowledgement."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        delivery = Delivery(outgoing, future)
        self.deliveries[outgoing.voucher.lane_value] = delivery
        return delivery

    def find_payment(self, payment_id: str) -> Delivery | None:
        """The delivery of a payment id, if it still waits."""
        return next(
            (one for one in self.deliveries.values() if one.outgoing.payment_id == payment_id),
            None,
        )

    def settle(self, lane_value: int) -> bool:
        """The payee holds this much: those deliveries are done. Whether there were any."""
        done = [value for value in self.deliveries if value <= lane_value]
        for value in done:
            acknowledged = self.deliveries.pop(value).acknowledged
            if not acknowledged.done():
                acknowledged.set_result(None)
        if done:
            self.notify()
        return bool(done)

    def notify(self) -> None:
        """Wake everyone who waits for a change of this channel."""
        self.changed.set()
        self.changed = asyncio.Event()
