"""Whatever touches two windows of accounts and one of channels has a witness, wherever they lie.

Whole proofs, as in test_audit_extremes: neighbours across a border, first and last window, either
one first, one or none touched, other parts of the proof outside; and channels that stay open as
long as they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from protocol.channels import Lane
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.state import State
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transfer,
    Withdraw,
)
from protocol.units import L1_TIME_SLACK_S, MAX_WINDOW_S, MIN_WINDOW_S
from protocol.windows import LOW_BITS
from tests.protocol.street import NOW, Home, home, signed
from tests.prover.circuits.proofs import check, executed
from tests.soundness.test_audit_extremes import (
    AMOUNT,
    END,
    FEE,
    LANE,
    TIME,
    TOP,
    Case,
    account,
    channel,
    close,
)

WIDTH = 1 << LOW_BITS
LAST = TOP >> LOW_BITS


def leaf(window: int, low: int = 0) -> Home:
    return home(window * WIDTH + low)


def pays(first: Home, second: Home, nonce: int = 0) -> Transfer:
    return Transfer(first.index, second.index, nonce, 1, 0, TIME)


PAIRS = {
    "neighbours across a border": (leaf(0, WIDTH - 1), leaf(1)),
    "neighbours the other way": (leaf(1), leaf(0, WIDTH - 1)),
    "the last two windows": (leaf(LAST), leaf(LAST - 1, WIDTH - 1)),
    "first to last": (leaf(0), leaf(LAST, WIDTH - 1)),
    "last to first": (leaf(LAST, WIDTH - 1), leaf(0)),
    "same place in two windows": (leaf(2, 5), leaf(5, 2)),
    "prefix and place swapped": (leaf(7, 9), leaf(9, 7)),
    "one window, its ends": (leaf(LAST), leaf(LAST, WIDTH - 1)),
    "one window that is the lowest free": (leaf(1), leaf(1, 1)),
}


def prove(case: Case) -> None:
    check(
        executed(
            case.state,
            case.ops,
            case.transactions,
            context=case.context,
            operator_index=case.operator.index,
        )
    )


@pytest.mark.parametrize("name", PAIRS)
def test_payments_there_and_back(name: str) -> None:
    """With a fee for an account, and ops for accounts, in windows that the proof has not opened."""
    first, second = PAIRS[name]
    operator, new = leaf(100), leaf(LAST // 2, 1)
    state = State.of(
        {one.index: account(one, AMOUNT // 2) for one in (first, second, operator)}, {}
    )
    ops: list[QueueOp] = [
        NewAccount(1, TIME, new.index, new.key_hash, 1, 5, 6),
        Deposit(2, TIME, second.index, 7, 8),
    ]
    bodies = [(pays(first, second), first), (replace(pays(second, first), fee_ntok=FEE), second)]
    done = [(signed(body, one, domain=END.domain), None) for body, one in bodies]
    prove(Case(state, done, operator=operator, ops=ops))


@pytest.mark.parametrize("window", [0, 1, 2, LAST])
def test_a_proof_that_touches_one_window(window: int) -> None:
    """Its own operator; the second window is one that nobody is in."""
    only = leaf(window, window)
    state = State.of({only.index: account(only, AMOUNT)}, {})
    bodies = [Withdraw(only.index, nonce, 1, FEE, TIME) for nonce in (0, 1)]
    done = [(signed(body, only, domain=END.domain), None) for body in bodies]
    prove(Case(state, done, operator=only))


def test_a_proof_that_touches_none() -> None:
    op = Deposit(1, TIME, leaf(1).index, 5, 6)
    choices: tuple[list[QueueOp], ...] = ([], [op])
    for ops in choices:
        prove(Case(State.of({leaf(1).index: account(leaf(1))}, {}), [], ops=ops))


@pytest.mark.parametrize("slot", [0, WIDTH - 1, WIDTH, LAST * WIDTH, TOP])
def test_two_channels_at_the_ends_of_a_window(slot: int) -> None:
    """Two neighbours open one each, at a slot and at the other end of its window."""
    a, b = leaf(1, 1), leaf(0, 1)
    state = State.of({one.index: account(one, AMOUNT) for one in (a, b)}, {})
    windows = (MIN_WINDOW_S, MAX_WINDOW_S)
    opens = [
        signed(Open(x.index, y.index, 0, 5, 0, window, TIME), x, domain=END.domain)
        for x, y, window in zip((a, b), (b, a), windows, strict=True)
    ]
    prove(Case(state, list(zip(opens, (slot, slot ^ (WIDTH - 1)), strict=True))))


LONGEST = replace(channel((5, 6), (LANE - 1, LANE - 2)), window_s=MAX_WINDOW_S)
"""Alice (A, the last account) and Bob's (B, the first), open; the longest window."""
LAST_START = TIME - L1_TIME_SLACK_S - MAX_WINDOW_S


def on_longest(*bodies: tuple[Body, Sequence[Home]], l1_time: int = NOW) -> Case:
    alice, bob = home(TOP), home(0)
    state = State.of({one.index: account(one, 100) for one in (alice, bob)}, {TOP: LONGEST})
    context = replace(END, l1_time=l1_time, queue_covered=l1_time)
    done = [(signed(body, *by, domain=END.domain), None) for body, by in bodies]
    return Case(state, done, context)


def test_the_longest_window_in_all_types_that_touch_its_channel() -> None:
    alice, bob, number = home(TOP), home(0), LONGEST.id
    ends = Close(number, LANE, LANE, 5, 6, TIME)
    topped = TopUp(number, Lane.BA, 0, 7, 0, TIME), [bob]
    claimed = Claim(number, Lane.AB, LANE), [alice]
    started = StartClose(number, Lane.AB, 0, TIME), [alice]
    prove(on_longest(topped, claimed))
    prove(on_longest(started, (Claim(number, Lane.BA, LANE), [bob]), l1_time=LAST_START))
    prove(on_longest(started, (ends, [alice, bob])))
    late = on_longest(started, l1_time=LAST_START)
    executed(late.state, [], late.transactions, context=late.context)
    assert late.state.channels[TOP].deadline == TIME
    ended = Finalize(number)
    prove(Case(late.state, [(signed(ended), None)], END))


def test_a_lane_that_looks_like_an_owner_with_the_last_nonce() -> None:
    """Both lanes full are, bit for bit, an address and a nonce that has no room: no one asks."""
    assert LANE + (LANE << 96) == (2**160 - 1) + (2**32 - 1 << 160)
    prove(close((0, 0), (LANE, LANE), account(home(TOP), 0, 2**32 - 1), account(home(0))))
