"""An inclusion is right for one root only, and for nothing but what it shows."""

from __future__ import annotations

from dataclasses import replace

from protocol.inclusion import prove_account, prove_channel
from tests.protocol.street import open_street


def test_leaves_and_empty_places_are_proved_against_the_root() -> None:
    state, _ = open_street()
    for index in (0, 1, 2, 9, 2**24 - 1):
        assert prove_account(state, index).state_root() == state.root
        assert prove_account(state, index).account == state.find_account(index)
    for slot in (0, 1, 2**24 - 1):
        assert prove_channel(state, slot).state_root() == state.root
        assert prove_channel(state, slot).channel == state.find_channel(slot)


def test_a_changed_leaf_index_path_or_root_proves_nothing() -> None:
    state, channel = open_street()
    account = prove_account(state, 1)
    assert account.account is not None
    for forged in (
        replace(account, account=replace(account.account, balance_ntok=2**64 - 1)),
        replace(account, account=None),
        replace(account, index=2),
        replace(account, channels_root=account.channels_root ^ 1),
        replace(account, siblings=account.siblings[::-1]),
    ):
        assert forged.state_root() != state.root
    proved = prove_channel(state, 0)
    for claimed in (
        replace(proved, channel=replace(channel, deposit_a_ntok=501)),
        replace(proved, channel=None),
        replace(proved, slot=1),
        replace(proved, accounts_root=proved.accounts_root ^ 1),
    ):
        assert claimed.state_root() != state.root


def test_a_channel_cannot_stand_in_for_an_account_nor_one_tree_for_the_other() -> None:
    state, _ = open_street()
    account, channel = prove_account(state, 0), prove_channel(state, 0)
    crossed = replace(account, siblings=channel.siblings, channels_root=channel.accounts_root)
    assert crossed.state_root() != state.root
