"""A proof takes what its windows reach; what is outside waits, and nothing waits for ever."""

from __future__ import annotations

import random

import pytest

from protocol.batch import ExecutedProof, Shape
from protocol.channels import Lane
from protocol.crypto.merkle import node
from protocol.errors import (
    BatchTooLarge,
    InsufficientBalance,
    OpAfterTransactions,
    OutsideWindows,
    UnknownChannel,
)
from protocol.execute import execute
from protocol.proof_builder import ProofBuilder, execute_proof
from protocol.queue import Deposit
from protocol.state import State
from protocol.transactions import Body, Claim, Finalize, Open, Transaction, Transfer, Withdraw
from protocol.units import DAY_S
from protocol.windows import LOW_BITS, Window, leaves_of, prefix_of
from tests.protocol.street import (
    ANNA,
    BERT,
    CARL,
    CONTEXT,
    FUNDS_NTOK,
    LATER,
    NOW,
    WINDOW_S,
    at,
    claim,
    close,
    closing_street,
    leaves_in,
    open_,
    open_street,
    signed,
    start_close,
    top_up,
    transfer,
    withdraw,
)

SHAPE = Shape(queue_slots=2, user_slots=6)
NEAR, FAR, FARTHER = 5, (1 << LOW_BITS) + 3, (7 << LOW_BITS) + 1
"""Accounts in the windows 0, 1 and 7."""


def village() -> State:
    """Anna near, Bert far, Carl farther."""
    places = {NEAR: ANNA, FAR: BERT, FARTHER: CARL}
    return State.of({index: one.account(FUNDS_NTOK) for index, one in places.items()}, {})


def builder(state: State, shape: Shape = SHAPE) -> ProofBuilder:
    return ProofBuilder(state, shape, CONTEXT, 0)


def pay(from_index: int, to_index: int, nonce: int = 0, amount_ntok: int = 5) -> Transaction:
    payer = {NEAR: ANNA, FAR: BERT, FARTHER: CARL}[from_index]
    return signed(Transfer(from_index, to_index, nonce, amount_ntok, 0, LATER), payer)


def open_at(slot: int, nonce: int = 0) -> tuple[Transaction, int]:
    return signed(Open(NEAR, FAR, nonce, 9, 0, WINDOW_S, LATER), ANNA), slot


def root_of(window: Window, top: int) -> int:
    """The tree's root with `top` in the window's place."""
    here = top
    for level, siblings in enumerate(window.siblings):
        here = node(here, window.prefix >> 2 * level & 3, siblings)
    return here


def check_chain(proof: ExecutedProof, accounts_before: int, accounts_after: int) -> None:
    """Opening and closing each window leads from root to root, as the circuit will demand."""
    first, second = proof.windows.accounts
    assert first.prefix != second.prefix
    assert root_of(first, first.old_node) == accounts_before
    assert root_of(first, first.new_node) == root_of(second, second.old_node)
    assert root_of(second, second.new_node) == accounts_after
    channel = proof.windows.channel
    assert root_of(channel, channel.old_node) == proof.old_trees.channels_root


def test_accounts_in_two_windows_fit_one_proof() -> None:
    state = village()
    before = state.accounts_root
    listed = [(pay(FAR, NEAR), None), (pay(NEAR, FAR), None), (pay(FAR, NEAR, 1), None)]
    proof = execute_proof(state, SHAPE, CONTEXT, 0, [], listed)
    assert [window.prefix for window in proof.windows.accounts] == [1, 0]  # as first touched
    check_chain(proof, before, state.accounts_root)


def test_a_third_window_of_accounts_belongs_to_the_next_proof() -> None:
    state = village()
    proof = builder(state)
    proof.add(pay(NEAR, FAR))
    root, third = state.root, pay(FARTHER, NEAR)
    assert not proof.admits(third)
    with pytest.raises(OutsideWindows, match=str(FARTHER)):
        proof.add(third)
    assert state.root == root
    proof.add(pay(FAR, NEAR))  # the two windows stay as they were
    proof.finish()
    assert builder(state).admits(third)


def test_one_window_leaves_room_for_any_other() -> None:
    proof = builder(village())
    proof.add(signed(Withdraw(NEAR, 0, 1, 0, LATER), ANNA))
    assert proof.admits(pay(NEAR, FAR, 1))
    assert proof.admits(pay(NEAR, FARTHER, 1))
    assert not proof.admits(pay(FAR, FARTHER))


def test_a_second_window_of_channels_belongs_to_the_next_proof() -> None:
    state = village()
    before = state.channels_root
    proof = builder(state)
    proof.add(*open_at(FAR))
    root, elsewhere = state.root, open_at(3, nonce=1)
    assert not proof.admits(*elsewhere)
    with pytest.raises(OutsideWindows, match="channel slot 3"):
        proof.add(*elsewhere)
    assert state.root == root
    channel = proof.finish().windows.channel
    assert channel.prefix == 1
    assert root_of(channel, channel.old_node) == before
    assert root_of(channel, channel.new_node) == state.channels_root
    assert builder(state).admits(*elsewhere)


def test_what_does_not_apply_takes_no_window() -> None:
    state = village()
    proof = builder(state)
    with pytest.raises(InsufficientBalance):
        proof.add(pay(FARTHER, FAR, amount_ntok=FUNDS_NTOK + 1))
    with pytest.raises(UnknownChannel):
        proof.add(signed(Claim(77, Lane.AB, 1), ANNA))
    proof.add(pay(NEAR, FAR))
    assert [window.prefix for window in proof.finish().windows.accounts] == [0, 1]


def test_a_full_proof_admits_nothing() -> None:
    proof = builder(village(), Shape(queue_slots=1, user_slots=1))
    proof.add(pay(NEAR, FAR))
    assert not proof.free_user_slots
    assert not proof.admits(pay(NEAR, FAR, 1))
    with pytest.raises(BatchTooLarge, match="transactions"):
        proof.add(pay(NEAR, FAR, 1))


def test_queue_ops_come_first_and_are_free_of_windows() -> None:
    state = village()
    proof = builder(state)
    for number, index in enumerate((FARTHER, FAR), start=1):
        assert proof.consume(Deposit(number, NOW, index, 7, 8)).applied
    with pytest.raises(BatchTooLarge, match="queue ops"):
        proof.consume(Deposit(3, NOW, NEAR, 7, 8))
    before = state.accounts_root
    proof.add(pay(NEAR, FAR))
    check_chain(proof.finish(), before, state.accounts_root)
    late = builder(state)
    late.add(pay(NEAR, FAR, 1))
    with pytest.raises(OpAfterTransactions, match="queue op 4"):
        late.consume(Deposit(4, NOW, NEAR, 7, 8))


@pytest.mark.parametrize(
    ("touched", "expected"),
    [([], [0, 1]), ([NEAR], [0, 1]), ([FAR], [1, 0]), ([FARTHER], [7, 0])],
)
def test_windows_that_nobody_needs_are_the_lowest_free_ones(
    touched: list[int], expected: list[int]
) -> None:
    state = village()
    before, proof = state.accounts_root, builder(state)
    owners = {NEAR: ANNA, FAR: BERT, FARTHER: CARL}
    for index in touched:
        proof.add(signed(Withdraw(index, 0, 1, 0, LATER), owners[index]))
    finished = proof.finish()
    assert [window.prefix for window in finished.windows.accounts] == expected
    assert finished.windows.channel.prefix == 0
    check_chain(finished, before, state.accounts_root)


def test_the_fee_is_credited_outside_all_windows() -> None:
    state = village()
    proof = ProofBuilder(state, SHAPE, CONTEXT, FARTHER)
    proof.add(signed(Transfer(NEAR, FAR, 0, 5, 3, LATER), ANNA))
    unpaid = state.accounts_root
    executed = proof.finish()
    assert executed.fees is not None
    assert executed.fees.index == FARTHER
    assert root_of(executed.windows.accounts[1], executed.windows.accounts[1].new_node) == unpaid


def test_leaves_are_those_that_the_executor_touches() -> None:
    """For each type, what is foreseen is what its trace then holds."""
    opened, channel = open_street()
    closing, _ = closing_street()
    cases = [
        (opened, signed(transfer(nonce=1), ANNA), CONTEXT),
        (opened, signed(withdraw(nonce=1), ANNA), CONTEXT),
        (opened, signed(open_(nonce=1), ANNA), CONTEXT),
        (opened, signed(top_up(channel.id), ANNA), CONTEXT),
        (opened, signed(top_up(channel.id, Lane.BA, nonce=0), BERT), CONTEXT),
        (opened, signed(claim(1, 1), ANNA), CONTEXT),
        (opened, signed(start_close(channel.id), ANNA), CONTEXT),
        (opened, signed(close(channel, 0, 0), ANNA, BERT), CONTEXT),
        (closing, signed(Finalize(channel.id)), at(NOW + 2 * DAY_S)),
    ]
    for state, transaction, context in cases:
        foreseen = leaves_of(state, transaction.body, None)
        assert foreseen == leaves_in(execute(state.copy(), context, transaction))


def test_an_empty_proof_admits_any_transaction() -> None:
    """Garbage included: whatever the indices, one transaction never needs a third window."""
    rng = random.Random(20_261_123)

    def index() -> int:
        return rng.choice([rng.randrange(1 << 24), rng.randrange(8), (1 << 24) - 1])

    for _ in range(200):
        a, b, slot = index(), index(), index()
        indices = {a, b}
        state = State.of({each: ANNA.account() for each in indices}, {})
        bodies: list[Body] = [
            Transfer(a, b, 0, 1, 0, LATER),
            Withdraw(a, 0, 1, 0, LATER),
            Open(a, b, 0, 1, 0, WINDOW_S, LATER),
            Claim(rng.randrange(1 << 96), Lane.AB, 1),
        ]
        body = rng.choice(bodies)
        assert builder(state).admits(signed(body, ANNA), slot)


def test_prefixes_are_the_high_half_of_an_index() -> None:
    assert prefix_of(0) == prefix_of(4_095) == 0
    assert prefix_of(4_096) == 1
    assert prefix_of((1 << 24) - 1) == 4_095
