"""Everything that can happen next in a world, and what must hold after it.

Anyone enqueues anything; the sequencer submits any batch that the contract would take, with any of
the transactions that exist, or none; time passes.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.closing_executor import (
    PAID_NTOK,
    Outcome,
    after_op,
    after_transaction,
)
from tests.model.closing_world import FORGED, Challenge, Kind, Leaf, Op, Rules, World, later

Step = tuple[str, World]

TRANSACTIONS = (
    ("START_CLOSE", Kind.START_CLOSE, 0),
    ("FINALIZE", Kind.FINALIZE, 0),
    ("CLAIM of voucher 1", Kind.CLAIM, 1),
    ("CLAIM of voucher 2", Kind.CLAIM, 2),
    ("CLAIM of voucher 3", Kind.CLAIM, 3),
)


def steps(rules: Rules, world: World) -> Iterator[Step]:
    """All next worlds, with what led there. None after a fault or the last channel's end."""
    if world.fault is not None or world.leaf is None:
        return
    yield "time passes", later(rules, world)
    yield from meddling(rules, world)


def meddling(rules: Rules, world: World) -> Iterator[Step]:
    """What can happen within one tick."""
    if len(world.queue) < rules.most_pending:
        yield from _enqueued(rules, world)
    yield from batches(rules, world)


# --- the queue --------------------------------------------------------------------------------


def _enqueued(rules: Rules, world: World) -> Iterator[Step]:
    for epoch in range(rules.epochs):
        yield "FORCED_START_CLOSE", enqueue(world, Op(Kind.START_CLOSE, epoch, 0, 0))
        if rules.has_forced_finalize:
            yield "FORCED_FINALIZE", enqueue(world, Op(Kind.FINALIZE, epoch, 0, 0))
        for voucher in (*range(1, rules.vouchers + 1), *[FORGED] * rules.has_forgeries):
            name = f"FORCED_CLAIM of voucher {voucher}"
            yield f"{name}, epoch {epoch}", enqueue(world, Op(Kind.CLAIM, epoch, voucher, 0))


def enqueue(world: World, op: Op) -> World:
    """The world with one more op on L1; a genuine voucher is a challenge from now on."""
    challenges = world.challenges
    if _is_challenge(world, op) and all(one.voucher != op.voucher for one in challenges):
        challenges = tuple(sorted((*challenges, Challenge(op.voucher, op.time))))
    return world._replace(queue=(*world.queue, op), challenges=challenges)


def _is_challenge(world: World, op: Op) -> bool:
    """A genuine voucher for the channel that there is, above its lane. (One for a channel that is
    not open yet challenges nothing: nobody accepts a voucher in a channel before it is final.)"""
    leaf = world.leaf
    is_genuine = op.kind is Kind.CLAIM and op.voucher != FORGED
    return is_genuine and leaf is not None and op.epoch == leaf.epoch and op.voucher > leaf.lane


# --- batches ----------------------------------------------------------------------------------


def batches(rules: Rules, world: World) -> Iterator[Step]:
    """Every batch that the contract takes: one or two proofs of a queue slot and a user slot.

    Two proofs only where each has an op: one without is no more than a batch of its own.
    """
    for l1_time in range(max(world.l1_time, -rules.lag), 1):
        due = sum(op.time <= l1_time for op in world.queue)
        for proofs in range(1, max(min(rules.most_proofs, due), 1) + 1):
            most = min(proofs, due)
            for consumed in range(most if rules.must_consume else 0, most + 1):
                start = world._replace(l1_time=l1_time)
                yield from _proofs(rules, start, proofs, consumed, f"{proofs} proofs at {l1_time}:")


def _proofs(rules: Rules, world: World, proofs: int, consumed: int, name: str) -> Iterator[Step]:
    """A batch's proofs one after another, each with its op (if one is left for it)."""
    own = min(1, consumed)
    left = world.queue[own:]
    covered = rules.covers(world.l1_time, world.queue[consumed:] if rules.covers_by_batch else left)
    start = world
    if own:
        outcome = after_op(rules, world.leaf, world.queue[0], world.l1_time, covered)
        start = _moved(rules, world._replace(queue=left), outcome)
        name = f"{name} an op,"
    for done, then in _transactions(rules, start, covered):
        if proofs > 1:
            yield from _proofs(rules, then, proofs - 1, consumed - own, f"{name} {done};")
        else:
            yield f"{name} {done}", rules.settled(then)


def _transactions(rules: Rules, world: World, covered: int) -> Iterator[Step]:
    """The user slot: nothing, or any transaction that the executor takes."""
    yield "nothing", world
    if world.leaf is None or world.fault is not None:
        return
    for name, kind, voucher in TRANSACTIONS[: 2 + rules.vouchers]:
        outcome = after_transaction(rules, world.leaf, kind, voucher, world.l1_time, covered)
        if outcome is not None:
            yield name, _moved(rules, world, outcome)


def _moved(rules: Rules, world: World, outcome: Outcome) -> World:
    """The world after a step on layer 2, and what is wrong with that step."""
    before, after = world.leaf, outcome.leaf
    if before == after:
        return world
    assert before is not None, "a channel out of nothing"
    fault = _fault(rules, world, before, outcome)
    if after is None and before.epoch + 1 < rules.epochs:
        after = Leaf(before.epoch + 1, False, 0, 0)  # the two open the next one in the same slot
    still = after.lane if after is not None and after.epoch == before.epoch else FORGED
    challenges = tuple(one for one in world.challenges if one.voucher > still)
    return world._replace(leaf=after, challenges=challenges, fault=world.fault or fault)


def _fault(rules: Rules, world: World, before: Leaf, outcome: Outcome) -> str | None:
    """C5, and what C4 and START_CLOSE promise."""
    after = outcome.leaf
    if after is not None:
        if after.lane < before.lane or (before.is_closing and not after.is_closing):
            return "a lane fell, or a closing channel opened again"
        if after.is_closing and not before.is_closing and after.deadline < rules.window:
            return "less than the window is left after the block that started the close"
        if before.is_closing and after.deadline != before.deadline:
            return "a deadline moved"
        return None
    if not before.is_closing or before.deadline > 0:
        return "ended before its deadline"
    in_time = [one.voucher for one in world.challenges if one.time < before.deadline]
    owed = PAID_NTOK[max((before.lane, *in_time))]
    assert outcome.paid_b_ntok is not None
    if outcome.paid_b_ntok < owed:
        return "a finalisation overtook a challenge that was in time"
    return None if outcome.paid_b_ntok == owed else "paid more than any voucher promised"
