"""A State that hashes nothing: the executor's rules act on its leaves, and there are no roots.

The model of closing asks the executor the same few thousand questions about one channel; the trees
are not its subject, and would be all of its cost.
"""

from __future__ import annotations

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.crypto.merkle import MerkleTree, Siblings
from protocol.state import State


class _NoTree(MerkleTree):
    """Takes every leaf and keeps none."""

    __slots__ = ()

    @property
    def root(self) -> int:
        raise AssertionError("a state without trees has no root")

    def path(self, index: int) -> Siblings:
        return ()

    def set(self, index: int, leaf: int) -> Siblings:
        return ()


class LeafOnlyState(State):
    """These leaves, without trees."""

    __slots__ = ()

    def __init__(self, accounts: dict[int, Account], channels: dict[int, Channel]) -> None:
        super().__init__()
        self._account_tree, self._channel_tree = _NoTree(), _NoTree()
        self._accounts, self._channels = dict(accounts), dict(channels)
        self._slots = {channel.id: slot for slot, channel in channels.items()}
