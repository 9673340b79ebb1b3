"""Two sequencers for the simulation: the real ledger, and one that only counts by the same rules.

Both decide when to seal with sequencer.due.is_due and fill proofs as sequencer.sealing does: what
L1 demands of the queue first, then transactions in their order, until the slots are used or one
stands outside the proof's windows (protocol.windows). The counting one executes nothing: it is
fast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, cast

from benches.growth.demand import QUEUE_KINDS, Kind, Slots, Wish
from protocol.batch import Shape
from protocol.windows import ACCOUNT_WINDOWS, prefix_of
from sequencer.due import Waits, is_due
from sequencer.sealing import SealingPolicy

SHAPE = Shape(queue_slots=2, user_slots=9)


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed batch: its proofs, and the wishes in it with the time that each was accepted."""

    number: int
    proofs: int
    wishes: tuple[tuple[Wish, float], ...]
    ops: int

    @property
    def withdrawals(self) -> int:
        """Payouts to L1 in it."""
        return sum(wish.kind is Kind.WITHDRAW for wish, _ in self.wishes)


class Desk(Protocol):
    """What the simulated day happens to. Times are seconds of the day."""

    def offer(self, wish: Wish, now: float) -> bool:
        """A transaction; whether it was taken."""

    def follow(self, ops: Sequence[Wish], now: float, l1_time: float) -> None:
        """L1's final block is at `l1_time` now; these ops are newly final."""

    def seal(self, now: float, unproved: int) -> Batch | None:
        """The next batch, where one is due."""

    def proved(self, batch: Batch) -> None:
        """All its proofs are there."""

    def final(self, batch: Batch, l1_time: float) -> None:
        """It is in a final block."""


@dataclass(slots=True)
class CountingDesk:
    """Executes nothing; sees the same mempool, queue and windows."""

    policy: SealingPolicy
    channels: int
    shape: Shape = SHAPE
    pending: deque[tuple[Wish, float, tuple[int, ...], int]] = field(default_factory=deque)
    ops: deque[tuple[Wish, float]] = field(default_factory=deque)
    l1_time: float = 0.0
    number: int = 0
    slots: Slots = field(init=False)

    def __post_init__(self) -> None:
        self.slots = Slots(self.channels)

    def offer(self, wish: Wish, now: float) -> bool:
        """See Desk."""
        slot = wish.slot
        if wish.kind is Kind.OPEN:
            slot = self.slots.take()
        if wish.kind is Kind.CLOSE:
            self.slots.free(wish.slot)
        self.pending.append((wish, now, _accounts(wish), slot))
        return True

    def follow(self, ops: Sequence[Wish], now: float, l1_time: float) -> None:
        """See Desk."""
        self.l1_time = l1_time
        self.ops.extend((op, now) for op in ops)

    def seal(self, now: float, unproved: int) -> Batch | None:
        """See Desk."""
        due = list(islice(self.ops, self.shape.queue_slots))
        born = [one[1] for one in islice(self.pending, 1)] + [seen for _, seen in due[:1]]
        waits = Waits(
            oldest_s=now - min(born) if born else 0.0,
            transaction_s=now - self.pending[0][1] if self.pending else 0.0,
            op_s=self.l1_time - due[0][0].at_s if due else 0.0,
        )
        # is_due counts both and looks at neither.
        ops, pending = cast(Any, due), cast(Any, self.pending)
        if not is_due(self.policy, self.shape, ops, pending, waits, unproved, base_fee_wei=1):
            return None
        taken: list[tuple[Wish, float]] = []
        proofs = consumed = 0
        while proofs < self.policy.proofs_per_batch and (self.pending or self.ops):
            for _ in range(min(len(self.ops), self.shape.queue_slots)):
                self.ops.popleft()
                consumed += 1
            taken += self._fill()
            proofs += 1
        self.number += 1
        return Batch(self.number, proofs, tuple(taken), consumed)

    def _fill(self) -> list[tuple[Wish, float]]:
        """A proof's transactions: as many as have a slot and stand inside its windows."""
        taken: list[tuple[Wish, float]] = []
        accounts, channel = set[int](), -1
        while self.pending and len(taken) < self.shape.user_slots:
            wish, accepted, touched, slot = self.pending[0]
            now = accounts | {prefix_of(index) for index in touched}
            if len(now) > ACCOUNT_WINDOWS or (slot >= 0 and channel not in (-1, prefix_of(slot))):
                break
            self.pending.popleft()
            accounts, channel = now, channel if slot < 0 else prefix_of(slot)
            taken.append((wish, accepted))
        return taken

    def proved(self, batch: Batch) -> None:
        """See Desk."""

    def final(self, batch: Batch, l1_time: float) -> None:
        """See Desk."""
        self.l1_time = l1_time


def _accounts(wish: Wish) -> tuple[int, ...]:
    """The accounts that a transaction touches, as protocol.windows.leaves_of says."""
    match wish.kind:
        case Kind.TRANSFER | Kind.OPEN | Kind.CLOSE:
            return wish.a, wish.b
        case Kind.CLAIM:
            return ()
        case kind if kind in QUEUE_KINDS:
            raise ValueError(kind)
        case _:
            return (wish.a,)
