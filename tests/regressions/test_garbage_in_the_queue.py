"""Ops that cannot apply, by the hundred: each is processed in its turn, changes nothing, and holds
nothing up; ops behind them apply, and whoever replays from L1 gets the same root.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from protocol.batch import Shape
from protocol.channels import Lane, pack_lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature
from protocol.errors import OutOfRange
from protocol.execute_queue import execute_queue_op
from protocol.proof_builder import execute_proof
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    QueueOp,
)
from protocol.replay import replay_proof
from protocol.state import State
from protocol.vouchers import voucher_message
from tests.protocol.street import ANNA, CONTEXT, DOMAIN, NOW, STRANGER, closing_street, open_street

LAST = 2**24 - 1
"""The last account index and channel slot; both are empty."""
EDGES = (0, 1, R - 1, SUBGROUP_ORDER, SUBGROUP_ORDER - 1, 2**252, 2**128)
SHAPE = Shape(queue_slots=2, user_slots=1)


def garbage(rng: random.Random, number: int) -> QueueOp:
    """An op that the contract would enqueue, and that must not do anything on this street."""
    stranger, slot = STRANGER.l1_address, rng.choice((0, 1, LAST))
    epoch, lane = rng.choice((1, 7, 2**32 - 1)), rng.choice(list(Lane))
    match rng.randrange(7):
        case 0:
            return NewAccount(number, NOW, rng.randrange(3), rng.randrange(R), stranger, 5, 5)
        case 1:
            return Deposit(number, NOW, rng.choice((3, LAST)), rng.choice((5, 2**64 - 1)), 5)
        case 2:
            return KeyChange(number, NOW, rng.choice((0, 1, 2, LAST)), rng.randrange(R), stranger)
        case 3:
            return ForcedExit(number, NOW, rng.choice((0, 1, 2, LAST)), stranger)
        case 4:
            return ForcedStartClose(
                number, NOW, slot, rng.choice((0, epoch)), lane, rng.choice((0, stranger))
            )
        case 5:
            key, r = (Point(rng.choice(EDGES), rng.choice(EDGES)) for _ in range(2))
            forged = Signature(rng.choice((key, IDENTITY, ANNA.key)), r, rng.choice(EDGES))
            value = rng.choice((0, 1, 2**40, 2**96 - 1))
            return ForcedClaim(number, NOW, slot, rng.choice((0, epoch)), lane, value, forged, 5)
        case _:
            return ForcedFinalize(number, NOW, slot, rng.choice((0, epoch)), 5)


@pytest.mark.parametrize("closing", [False, True])
def test_hundreds_of_them_change_nothing_and_what_is_behind_applies(closing: bool) -> None:
    state, channel = closing_street() if closing else open_street()
    replica, root = state.copy(), state.root
    rng = random.Random(closing)
    for number in range(1, 301, 2):
        ops = [garbage(rng, number), garbage(rng, number + 1)]
        proof = execute_proof(state, SHAPE, CONTEXT, 0, ops, [])
        assert [trace.applied for trace in proof.queue] == [False, False]
        assert proof.new_root == root
        replay_proof(replica, CONTEXT, ops, proof.data)
    value = pack_lane(1, 9)
    signature = ANNA.sign(voucher_message(DOMAIN, channel.id, Lane.AB, value))
    behind = ForcedClaim(301, NOW, 0, 0, Lane.AB, value, signature, 5)
    assert execute_queue_op(state, CONTEXT, behind).applied
    assert replica.root == root


def test_every_rule_against_it_is_needed() -> None:
    """Each kind of garbage above applies where just one thing about it is right."""
    state, channel = open_street()
    good: list[QueueOp] = [
        NewAccount(1, NOW, 3, 5, STRANGER.l1_address, 5, 5),
        Deposit(2, NOW, 2, 5, 5),
        KeyChange(3, NOW, 0, 5, ANNA.l1_address),
        ForcedStartClose(4, NOW, 0, 0, Lane.AB, ANNA.l1_address),
    ]
    closing = State.of(state.accounts, state.channels)
    for op in good:
        assert execute_queue_op(closing, CONTEXT, op).applied
    deadline = NOW + 7_200 + channel.window_s
    assert execute_queue_op(closing, CONTEXT, ForcedFinalize(5, deadline, 0, 0, 5)).applied
    assert execute_queue_op(closing, CONTEXT, ForcedExit(6, NOW, 0, ANNA.l1_address)).applied


def test_what_is_no_element_never_becomes_an_op() -> None:
    """As the contract refuses it, so does the protocol: no op exists whose elements wrap around."""
    good = ForcedClaim(1, NOW, 0, 0, Lane.AB, 5, Signature(ANNA.key, IDENTITY, 0), 5)
    for signature in (
        Signature(Point(R, 1), IDENTITY, 0),
        Signature(Point(1, R), IDENTITY, 0),
        Signature(ANNA.key, Point(R, 1), 0),
        Signature(ANNA.key, Point(0, R + 1), 0),
        Signature(ANNA.key, IDENTITY, R),
    ):
        with pytest.raises(OutOfRange):
            replace(good, signature=signature)
    for changes in (
        {"lane_value": 2**96},
        {"slot": 2**24},
        {"epoch": 2**32},
        {"enqueue_time": 2**40},
        {"sender": 2**160},
        {"lane": 1},
    ):
        with pytest.raises(OutOfRange):
            replace(good, **changes)  # type: ignore[arg-type]
