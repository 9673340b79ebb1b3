"""A household that wants its channel closed, against a sequencer that wants anything but that.

Each tick the sequencer does what it likes; then the household enqueues what is due; then, if the
oldest op is old enough for anyone to submit, one batch gets to L1, which may be the sequencer's own
(it overtakes the household's every time); then time passes.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.closing_steps import batches, enqueue, meddling, steps
from tests.model.closing_world import Kind, Op, Rules, World, later
from tests.model.explore import components, reachable


def household(rules: Rules, world: World) -> World:
    """The world after the household has enqueued what its channel needs now."""
    leaf = world.leaf
    if leaf is None:
        return world
    pending = [op for op in world.queue if op.epoch == leaf.epoch]
    if not leaf.is_closing:
        if all(op.kind is not Kind.START_CLOSE for op in pending):
            return enqueue(world, Op(Kind.START_CLOSE, leaf.epoch, 0, 0))
    elif leaf.deadline <= 0 and rules.has_forced_finalize:
        good = [op for op in pending if op.kind is Kind.FINALIZE and op.time >= leaf.deadline]
        if not good:
            return enqueue(world, Op(Kind.FINALIZE, leaf.epoch, 0, 0))
    return world


def rounds(rules: Rules, world: World, *, anyone_submits: bool = True) -> Iterator[World]:
    """The worlds in which the household's tick can end."""
    wanted = household(rules, world)
    is_old = bool(wanted.queue) and wanted.queue[0].time < -rules.privilege
    if not (is_old and anyone_submits):
        yield later(rules, wanted)
        return
    for _, landed in batches(rules, wanted):
        yield later(rules, landed)


def stalled(rules: Rules, *, anyone_submits: bool = True) -> list[World]:
    """Worlds to which the sequencer can bring the household back for ever: none is right.

    Looked for from every world that can be reached at all, whatever the household did before. A
    world is met again after a tick exactly where that tick stays within a connected component.
    """
    found, _ = reachable(rules.start(), lambda world: steps(rules, world), lambda _: False)
    waiting = list(found)
    meddled: dict[World, tuple[World, ...]] = {}
    ticked: dict[World, tuple[World, ...]] = {}
    while waiting:
        world = waiting.pop()
        if world in meddled:
            continue
        is_over = world.leaf is None
        meddled[world] = () if is_over else tuple(to for _, to in meddling(rules, world))
        ends = () if is_over else tuple(rounds(rules, world, anyone_submits=anyone_submits))
        ticked[world] = ends
        waiting += [*meddled[world], *ends]
    component = components(meddled, lambda world: iter((*meddled[world], *ticked[world])))
    return [
        world
        for world, ends in ticked.items()
        if any(component[end] == component[world] for end in ends)
    ]
