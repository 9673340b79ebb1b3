"""What a cheating prover would like to do with windows, each lie stopped by the rule made for it.

A lie here is a whole batch in which all else fits together: leaves, paths, roots, data and digest.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import data
from protocol.accounts import Account
from protocol.batch import ExecutedProof, digest_of, link_elements, seal
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.errors import WrongNonce
from protocol.execute import execute
from protocol.state import State
from protocol.transactions import Claim, Transaction, Transfer
from protocol.windows import LOW_BITS, ProofWindows, Window
from prover.circuits.batch import CLOSED, OPENED, user_name
from prover.circuits.windows import WINDOWS, closing, closing_inputs, opening, opening_inputs
from prover.r1cs.engine import failure_after, solve
from tests.protocol.street import ANNA, CONTEXT, LATER, STRANGER, signed
from tests.prover.circuits.cases import FAR, LANE_AB, SLOT, channel_of, street_with_channel
from tests.prover.circuits.lone import Inputs
from tests.prover.circuits.proofs import SMALL, check, executed, failing_of
from tests.prover.mutation import assert_every_value_is_bound
from tests.soundness.lenient import unchecked

NEXT_TO_ANNA = 7 << LOW_BITS
"""Where Anna's account stands in window 0, here in window 7."""
FIRST = signed(Transfer(0, 1, 1, 900, 0, LATER), ANNA)
SECOND = signed(Transfer(0, 77, 2, 800, 0, LATER), ANNA)
AFAR = signed(Transfer(0, FAR, 1, 900, 0, LATER), ANNA)


def claim(lane_value: int = LANE_AB + 1) -> Transaction:
    return signed(Claim(channel_of(street_with_channel()).id, Lane.AB, lane_value), ANNA)


def street() -> State:
    """With a channel, and a stranger at Anna's place in another window."""
    state = street_with_channel()
    state.write_account(NEXT_TO_ANNA, STRANGER.account(5_000))
    return state


def proof_of(state: State, *transactions: Transaction) -> ExecutedProof:
    return executed(state, [], [(one, None) for one in transactions])


def window_of(state: State, prefix: int, then: State) -> Window:
    siblings = state.account_siblings(prefix << LOW_BITS)[LOW_BITS // 2 :]
    nodes = [each.account_node(LOW_BITS // 2, prefix) for each in (state, then)]
    return Window(prefix, nodes[0], nodes[1], siblings)


def test_the_honest_proofs_pass() -> None:
    check(proof_of(street(), AFAR, claim()))
    assert failing_of(proof_of(street(), FIRST, SECOND), {}) == set()


def test_two_windows_on_one_subtree_would_turn_the_order_round() -> None:
    """Anna's second payment stands first: it acts in window 2, opened on what window 1 becomes."""
    start = street()
    with pytest.raises(WrongNonce):
        execute(start.copy(), CONTEXT, SECOND)
    middle = start.copy()
    one = execute(middle, CONTEXT, FIRST)
    end = middle.copy()
    two = execute(end, CONTEXT, SECOND)
    honest = proof_of(start.copy(), FIRST, SECOND)
    windows = ProofWindows(
        (window_of(start, 0, middle), window_of(middle, 0, end)), honest.windows.channel
    )
    turned = seal(SMALL, CONTEXT, 0, start.tree_roots, end.root, [], [two, one], windows, None)
    early = {"account1/in_second": 0, "account2/in_second": 0}
    assert failing_of(turned, {user_name(1): early}) == {f"{OPENED}/two windows"}


def test_a_leaf_of_one_window_is_not_taken_for_its_twin_in_another() -> None:
    """Said to be account 0's, signed with the key of, and taken from, its twin in window 7."""
    done = proof_of(street(), signed(Transfer(NEXT_TO_ANNA, 1, 0, 900, 0, LATER), STRANGER))
    body = Transfer(0, 1, 0, 900, 0, LATER)
    (user,) = done.users
    assert user.account_1 is not None
    said = replace(
        user,
        transaction=signed(body, STRANGER),
        account_1=replace(user.account_1, index=0),
        data_element=data.transfer(body),
    )
    lie = telling(done, said)
    in_window_7 = {user_name(0): {"account1/in_second": 0}}
    assert failing_of(lie, in_window_7) == {"user0/account1/inside the window"}
    assert "user0/account1/old leaf is in the tree" in failing_of(lie, {})


def telling(done: ExecutedProof, user: object) -> ExecutedProof:
    """The proof with another first user slot, its data and its digest."""
    changed = replace(done, users=(user,))  # type: ignore[arg-type]
    (slot,) = changed.users
    told = (done.data[0], slot.data_element, *done.data[2:])
    links = link_elements(done.old_root, done.new_root, done.context)
    return replace(changed, data=told, digest=digest_of(told, done.messages, links))


def test_a_channel_outside_the_channel_window_is_not_touched() -> None:
    """The data says a slot that is elsewhere; the lane that grows is the one in the window."""
    done = proof_of(street(), claim())
    (user,) = done.users
    assert user.channel is not None
    elsewhere = SLOT + (3 << LOW_BITS)
    body = claim().body
    assert isinstance(body, Claim)
    said = replace(
        user,
        channel=replace(user.channel, slot=elsewhere),
        data_element=data.claim(body, elsewhere),
    )
    assert failing_of(telling(done, said), {}) == {"user0/channel/inside the window"}


@pytest.mark.parametrize("window", [0, 1])
def test_a_third_window_is_out_of_reach(window: int) -> None:
    done = proof_of(street(), signed(Transfer(NEXT_TO_ANNA, 1, 0, 900, 0, LATER), STRANGER))
    empty = proof_of(street()).windows
    moved = replace(
        done, windows=replace(empty, accounts=(empty.accounts[0], window_of_far(street())))
    )
    changed = {user_name(0): {"account1/in_second": window}}
    assert "user0/account1/inside the window" in failing_of(moved, changed)


def window_of_far(state: State) -> Window:
    return window_of(state, FAR >> LOW_BITS, state)


def richer(index: int, account: Account) -> State:
    state = street()
    state.write_account(index, replace(account, balance_ntok=account.balance_ntok * 2))
    return state


def on_real_roots(lie: ExecutedProof, windows: ProofWindows) -> ExecutedProof:
    """What was executed on a state that is not the real one, said to have been."""
    real = street()
    links = link_elements(real.root, lie.new_root, lie.context)
    digest = digest_of(lie.data, lie.messages, links)
    return replace(
        lie, old_trees=real.tree_roots, old_root=real.root, windows=windows, digest=digest
    )


def test_a_first_window_that_is_not_in_the_tree() -> None:
    """Anna spends from an account twice as full as hers is."""
    lie = proof_of(richer(0, street().account(0)), AFAR)
    failed = failing_of(on_real_roots(lie, lie.windows), {})
    assert failed == {f"{CLOSED}/accounts1/old node is in the tree"}


def test_a_second_window_that_is_not_in_the_tree() -> None:
    lie = proof_of(richer(FAR, street().account(FAR)), AFAR)
    first, second = lie.windows.accounts
    honest = proof_of(street(), AFAR).windows.accounts[0]
    windows = replace(lie.windows, accounts=(replace(first, siblings=honest.siblings), second))
    failed = failing_of(on_real_roots(lie, windows), {})
    assert failed == {f"{CLOSED}/accounts2/old node is in the tree"}


def test_a_channel_window_that_is_not_in_the_tree() -> None:
    state = street()
    state.write_channel(SLOT, unchecked(channel_of(state), deposit_a_ntok=10**9))
    lie = proof_of(state, claim())
    failed = failing_of(on_real_roots(lie, lie.windows), {})
    assert failed == {f"{CLOSED}/channels/old node is in the tree"}


def test_what_a_window_becomes_reaches_the_root() -> None:
    """The new nodes are the last slot's wires: leaving one out needs another new root."""
    done = proof_of(street(), AFAR)
    for name in WINDOWS[:2]:
        wrong = closing_case(done) | {f"{name}/new": 5}
        values = solve(closing(), closing_case(done))
        failure = failure_after(closing(), values, {closing().links[f"{name}/new"]: 5})
        second = failure is None  # window 1's is read by the check of window 2
        assert second == (name == WINDOWS[1]), wrong[f"{name}/new"]
        if second:
            changed = solve(closing(), wrong)
            place = closing().exports["accounts"]
            assert changed[place] != values[place]


def closing_case(proof: ExecutedProof) -> Inputs:
    """All that the closing is given in a proof without queue ops, links included."""
    inputs: Inputs = {
        **closing_inputs(proof.windows),
        "accounts_root": proof.old_trees.accounts_root,
        "channels_root": proof.old_trees.channels_root,
    }
    windows = (*proof.windows.accounts, proof.windows.channel)
    for name, window in zip(WINDOWS, windows, strict=True):
        inputs |= {f"{name}/bit/{i}": window.prefix >> i & 1 for i in range(24 - LOW_BITS)}
        inputs |= {f"{name}/old": window.old_node, f"{name}/new": window.new_node}
    return inputs


def test_every_value_of_the_opening_is_bound() -> None:
    """But for what it states: another prefix or node is another statement, for the closing."""
    inputs = opening_inputs(proof_of(street(), AFAR).windows)
    assert_every_value_is_bound(opening(), inputs, statement=inputs)


def test_every_value_of_the_closing_is_bound() -> None:
    """But for the new nodes that stand last: those the exported roots tell apart."""
    inputs = closing_case(proof_of(street(), AFAR, claim()))
    stated = {"accounts2/new", "channels/new"}
    values = solve(closing(), inputs)
    for which in closing().links:
        if which not in stated:
            wire = closing().links[which]
            changed = (inputs[which] + 1) % R
            assert failure_after(closing(), values, {wire: changed}), which
    assert_every_value_is_bound(closing(), inputs)
