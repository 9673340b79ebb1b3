"""An account under a key that nobody has, or that anybody could sign for, hurts its owner alone.

L1 takes any key_hash below r: it cannot know which are hashes of keys. Wallets refuse such keys;
the owner's L1 address gets the money out all the same.
"""

from __future__ import annotations

import pytest

from protocol.accounts import Account
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY, Point, is_small_order
from protocol.crypto.schnorr import Signature, is_safe_key, key_hash
from protocol.errors import WrongKey
from protocol.execute_queue import execute_queue_op
from protocol.queue import Deposit, ForcedExit, KeyChange, NewAccount
from protocol.state import State
from protocol.transactions import Transaction, Transfer, Withdraw
from tests.protocol.street import ANNA, BERT, CONTEXT, LATER, NOW, STRANGER, run, signed, street

OF_ORDER_2 = Point(0, R - 1)
GARBAGE = {
    "0": 0,
    "the largest element": R - 1,
    "a hash of nothing": 0x5EED,
    "the hash of a point off the curve": key_hash(Point(1, 2)),
    "the identity": key_hash(IDENTITY),
    "a point of order 2": key_hash(OF_ORDER_2),
}
OWNER = STRANGER.l1_address


def with_garbage(key: int) -> State:
    """The street, and account 3 under this key with 1,000 and a deposit of 50 more."""
    state = street()
    ops = NewAccount(1, NOW, 3, key, OWNER, 1_000, OWNER), Deposit(2, NOW, 3, 50, 7)
    assert all(execute_queue_op(state, CONTEXT, op).applied for op in ops)
    assert state.account(3) == Account(key, OWNER, 0, 1_050, 0, 0)
    return state


@pytest.mark.parametrize("name", GARBAGE)
def test_nobody_elses_money_or_queue_is_touched(name: str) -> None:
    state = with_garbage(GARBAGE[name])
    assert [state.account(i) for i in range(3)] == [street().account(i) for i in range(3)]
    run(state, signed(Transfer(0, 3, 0, 5, 0, LATER), ANNA))
    run(state, signed(Transfer(1, 0, 0, 5, 0, LATER), BERT))


@pytest.mark.parametrize("name", GARBAGE)
def test_its_owner_gets_the_money_out_by_l1_and_by_a_new_key(name: str) -> None:
    state = with_garbage(GARBAGE[name])
    out = execute_queue_op(state, CONTEXT, ForcedExit(3, NOW, 3, OWNER)).withdrawal
    assert out is not None
    assert (out.l1_address, out.amount_ntok) == (OWNER, 1_050)
    rescued = with_garbage(GARBAGE[name])
    assert execute_queue_op(
        rescued, CONTEXT, KeyChange(3, NOW, 3, STRANGER.key_hash, OWNER)
    ).applied
    run(rescued, signed(Withdraw(3, 1, 1_050, 0, LATER), STRANGER))


@pytest.mark.parametrize("key", [IDENTITY, OF_ORDER_2])
def test_a_key_that_anyone_can_sign_for_opens_no_other_account(key: Point) -> None:
    """sG = R + eA holds for R = sG where eA is the identity: `verify` lets it pass, the key hash
    does not, and no wallet makes or accepts such a key."""
    forged = Signature(key, IDENTITY, 0)
    with pytest.raises(WrongKey):
        run(street(), Transaction(Transfer(0, 1, 0, 5, 0, LATER), (forged,)))
    assert is_small_order(key)
    assert not is_safe_key(key)
