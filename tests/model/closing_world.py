"""The small world of C5: one channel, its queue, L1's clock, and a sequencer that does as it likes.

Times are ticks relative to L1's present block, so that 0 is now. Worlds whose times compare alike
to one another and to what now allows behave alike: old times are brought together (`settled`), and
so the worlds are finitely many though time has no end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from protocol.batch import queue_covered
from protocol.units import L1_TIME_SLACK_S

FORGED = 9
"""The number of a voucher that Anna never signed."""


class Kind(IntEnum):
    """What can be enqueued, and sent to the sequencer."""

    START_CLOSE = 0
    CLAIM = 1
    FINALIZE = 2


class Op(NamedTuple):
    """An op on L1: for which epoch of the slot, with which voucher (0: none), when enqueued."""

    kind: Kind
    epoch: int
    voucher: int
    time: int


class Leaf(NamedTuple):
    """The channel's leaf. `lane`: the number of the voucher at which it stands; `deadline` is 0
    while it is open."""

    epoch: int
    is_closing: bool
    deadline: int
    lane: int


class Challenge(NamedTuple):
    """A voucher that reached L1 and is more than the leaf has: since when."""

    voucher: int
    time: int


class World(NamedTuple):
    """All that matters of L1 and layer 2; `fault`: what went wrong on the way here."""

    l1_time: int
    leaf: Leaf | None
    queue: tuple[Op, ...]
    challenges: tuple[Challenge, ...]
    fault: str | None


def covered_by(l1_time: int, left: tuple[Op, ...]) -> int:
    """What a proof that leaves these ops covers: the protocol's own rule."""
    return queue_covered(l1_time, left[0].time if left else None)


def enqueue_time_of(op: Op, l1_time: int) -> int:
    """The time by which the executor judges an op."""
    return op.time


@dataclass(frozen=True)
class Rules:
    """What the contract demands of batches (docs/protocol.md section 5), restated so that a test
    can break one rule and see the theft; and how large the world is.

    A tick has `tick_s` seconds; lag, window and privilege are counted in ticks. `covers_by_batch`:
    every proof gets what the batch's last proof covers. `must_consume`: due ops cannot be left.
    """

    tick_s: int = L1_TIME_SLACK_S
    lag: int = 1
    window: int = 1
    privilege: int = 1
    vouchers: int = 1
    most_pending: int = 3
    most_proofs: int = 2
    epochs: int = 1
    covers: Callable[[int, tuple[Op, ...]], int] = covered_by
    covers_by_batch: bool = False
    op_time: Callable[[Op, int], int] = enqueue_time_of
    must_consume: bool = True
    has_forced_finalize: bool = True
    has_forgeries: bool = True

    def __post_init__(self) -> None:
        assert self.lag * self.tick_s == L1_TIME_SLACK_S
        assert 1 <= self.vouchers < FORGED

    def start(self) -> World:
        """An open channel, an empty queue."""
        return World(-self.lag, Leaf(0, False, 0, 0), (), (), None)

    def settled(self, world: World) -> World:
        """The world with old times brought together, in their order: only the order of times
        before `oldest` can matter, to one another and to everything later."""
        oldest, leaf = -max(self.lag, self.privilege) - 1, world.leaf
        first = min([0, *(op.time for op in world.queue), *(one.time for one in world.challenges)])
        if leaf is not None and leaf.is_closing:
            first = min(first, leaf.deadline)
        if first >= oldest and world.l1_time >= -self.lag:
            return world
        times = {op.time for op in world.queue} | {one.time for one in world.challenges}
        if leaf is not None and leaf.is_closing:
            times.add(leaf.deadline)
        old = sorted((time for time in times if time < oldest), reverse=True)
        moved = {time: oldest - 1 - place for place, time in enumerate(old)}
        if leaf is not None and leaf.is_closing:
            leaf = leaf._replace(deadline=moved.get(leaf.deadline, leaf.deadline))
        return World(
            max(world.l1_time, -self.lag),
            leaf,
            tuple(op._replace(time=moved.get(op.time, op.time)) for op in world.queue),
            tuple(one._replace(time=moved.get(one.time, one.time)) for one in world.challenges),
            world.fault,
        )


def later(rules: Rules, world: World) -> World:
    """A tick passes."""
    leaf = world.leaf
    if leaf is not None and leaf.is_closing:
        leaf = leaf._replace(deadline=leaf.deadline - 1)
    return rules.settled(
        World(
            world.l1_time - 1,
            leaf,
            tuple(op._replace(time=op.time - 1) for op in world.queue),
            tuple(one._replace(time=one.time - 1) for one in world.challenges),
            world.fault,
        )
    )
