"""Proofs that a leaf stands (or does not stand) in a state root, checkable by anyone.

Ref: docs/protocol.md section 3 (a payee counts only what is in a root that L1 holds final).
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.crypto.merkle import EMPTY_LEAF, Siblings, root_of_path
from protocol.state import State, TreeRoots


@dataclass(frozen=True, slots=True)
class AccountInclusion:
    """What stands at an account index, with its path and the other tree's root."""

    index: int
    account: Account | None
    siblings: Siblings
    channels_root: int

    def tree_roots(self) -> TreeRoots:
        """The only roots with which this is so."""
        leaf = self.account.leaf_hash() if self.account else EMPTY_LEAF
        return TreeRoots(root_of_path(self.index, leaf, self.siblings), self.channels_root)

    def state_root(self) -> int:
        """The only root in which this is so."""
        return self.tree_roots().state_root()


@dataclass(frozen=True, slots=True)
class ChannelInclusion:
    """What stands at a channel slot, with its path and the other tree's root."""

    slot: int
    channel: Channel | None
    siblings: Siblings
    accounts_root: int

    def tree_roots(self) -> TreeRoots:
        """The only roots with which this is so."""
        leaf = self.channel.leaf_hash() if self.channel else EMPTY_LEAF
        return TreeRoots(self.accounts_root, root_of_path(self.slot, leaf, self.siblings))

    def state_root(self) -> int:
        """The only root in which this is so."""
        return self.tree_roots().state_root()


def prove_account(state: State, index: int) -> AccountInclusion:
    """The inclusion of an account index in the state's root."""
    path = state.account_siblings(index)
    return AccountInclusion(index, state.find_account(index), path, state.channels_root)


def prove_channel(state: State, slot: int) -> ChannelInclusion:
    """The inclusion of a channel slot in the state's root."""
    path = state.channel_siblings(slot)
    return ChannelInclusion(slot, state.find_channel(slot), path, state.accounts_root)
