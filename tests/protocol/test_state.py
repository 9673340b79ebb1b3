"""State: every write is a leaf update whose siblings lead from the old root to the new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Channel, Status
from protocol.crypto.merkle import EMPTY, root_of_path
from protocol.crypto.poseidon import Tag, h4
from protocol.errors import NoFreeSlot, OutOfRange, UnknownAccount, UnknownChannel
from protocol.state import State, genesis_root, state_root
from tests.protocol.street import ANNA, BERT, street

CHANNEL = Channel(0, 1, 5, 86_400, Status.OPEN, 0, 10, 20, 0, 0, 3, 4)


def test_genesis_is_two_empty_trees_and_no_certificates() -> None:
    assert genesis_root() == h4(Tag.STATE, EMPTY[12], EMPTY[12], 0, 0) == State().root


def test_an_account_update_leads_from_the_old_root_to_the_new() -> None:
    state = street()
    before = state.accounts_root
    update = state.write_account(1, replace(BERT.account(), nonce=9))
    assert update.before is not None
    assert update.after is not None
    assert root_of_path(1, update.before.leaf_hash(), update.siblings) == before
    assert root_of_path(1, update.after.leaf_hash(), update.siblings) == state.accounts_root
    assert state.root == state_root(state.accounts_root, state.channels_root)


def test_a_read_changes_nothing_and_shows_what_is_there() -> None:
    state = street()
    before = state.root
    for index in (0, 9):
        update = state.read_account(index)
        assert update.before == update.after == state.find_account(index)
        leaf = update.before.leaf_hash() if update.before else 0
        assert root_of_path(index, leaf, update.siblings) == state.accounts_root
    assert state.write_account(0, ANNA.account()).siblings == state.account_siblings(0)
    assert state.root == before


def test_a_channel_is_found_by_slot_and_by_id_until_it_is_emptied() -> None:
    state = street()
    before = state.root
    state.write_channel(3, CHANNEL)
    assert state.find_channel(3) == CHANNEL
    assert state.slot_of(CHANNEL.id) == 3
    assert root_of_path(3, CHANNEL.leaf_hash(), state.channel_siblings(3)) == state.channels_root
    state.write_channel(3, replace(CHANNEL, lane_ab=1))
    assert state.slot_of(CHANNEL.id) == 3
    update = state.write_channel(3, None)
    assert update.after is None
    assert state.find_channel(3) is None
    with pytest.raises(UnknownChannel):
        state.slot_of(CHANNEL.id)
    assert state.root == before


def test_the_lowest_free_slot_is_found_after_any_writes() -> None:
    state = street()
    for slot in (0, 1, 2, 5):
        state.write_channel(slot, replace(CHANNEL, epoch=slot))
    assert state.free_slot() == 3
    state.write_channel(1, None)
    assert state.free_slot() == 1
    state.write_channel(1, replace(CHANNEL, epoch=9))
    twin = state.copy()
    twin.write_channel(0, None)
    assert (state.free_slot(), twin.free_slot()) == (3, 0)


def test_a_full_tree_has_no_free_slot() -> None:
    state = street()
    state._full_below = 2**24
    with pytest.raises(NoFreeSlot):
        state.free_slot()


def test_a_copy_is_independent_both_ways() -> None:
    state = street()
    twin = state.copy()
    assert (twin.root, twin.accounts, twin.channels) == (state.root, state.accounts, state.channels)
    state.write_account(0, ANNA.account(1))
    twin.write_channel(0, CHANNEL)
    assert twin.account(0) == ANNA.account()
    assert state.find_channel(0) is None
    assert twin.root != state.root


def test_what_state_hands_out_cannot_change_it() -> None:
    state = street()
    state.accounts.clear()
    state.channels[0] = CHANNEL
    assert len(state.accounts) == 3
    assert state.find_channel(0) is None


def test_state_of_leaves_is_the_state_that_was_written() -> None:
    state = street()
    state.write_channel(7, CHANNEL)
    again = State.of(state.accounts, state.channels)
    assert again.root == state.root
    assert again.slot_of(CHANNEL.id) == 7


@pytest.mark.parametrize("index", [-1, 2**24])
def test_indices_outside_24_bits_are_refused(index: int) -> None:
    state = street()
    for use in (state.find_account, state.account, state.find_channel, state.read_account):
        with pytest.raises(OutOfRange):
            use(index)
    with pytest.raises(OutOfRange):
        state.write_account(index, ANNA.account())
    with pytest.raises(OutOfRange):
        state.write_channel(index, CHANNEL)
    assert state.root == street().root


def test_an_account_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownAccount, match="9"):
        street().account(9)
