"""The rollup's state: account leaves and channel leaves under one root.

Every change goes through `write_account` or `write_channel`, which return the LeafUpdate (before,
after, siblings) that the circuit takes as its witness. Ref: docs/protocol.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.crypto.merkle import EMPTY, EMPTY_LEAF, MerkleTree, Siblings
from protocol.crypto.poseidon import Tag, h4
from protocol.errors import NoFreeSlot, UnknownAccount, UnknownChannel
from protocol.units import INDEX_BITS, check_range

NO_CERTIFICATES = 0
"""certificates_root until renewable-energy certificates arrive as a third tree."""


def state_root(accounts_root: int, channels_root: int) -> int:
    """H4(TAG_STATE; accounts_root, channels_root, certificates_root, 0)."""
    return h4(Tag.STATE, accounts_root, channels_root, NO_CERTIFICATES, 0)


def genesis_root() -> int:
    """The root of the state with no account and no channel."""
    return state_root(EMPTY[-1], EMPTY[-1])


@dataclass(frozen=True, slots=True)
class TreeRoots:
    """The roots of both trees: what a state root is opened to."""

    accounts_root: int
    channels_root: int

    def state_root(self) -> int:
        """The state root that hashes them."""
        return state_root(self.accounts_root, self.channels_root)


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """One write (or a read, where before == after) in the accounts tree."""

    index: int
    before: Account | None
    after: Account | None
    siblings: Siblings


@dataclass(frozen=True, slots=True)
class ChannelUpdate:
    """One write in the channels tree; None is the empty slot."""

    slot: int
    before: Channel | None
    after: Channel | None
    siblings: Siblings


class State:
    """Both trees with their leaves. Mutable; `copy` is independent."""

    __slots__ = (
        "_account_tree",
        "_accounts",
        "_channel_tree",
        "_channels",
        "_full_below",
        "_slots",
    )

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}
        self._channels: dict[int, Channel] = {}
        self._slots: dict[int, int] = {}
        self._full_below = 0  # every channel slot below this one is in use
        self._account_tree = MerkleTree()
        self._channel_tree = MerkleTree()

    @classmethod
    def of(cls, accounts: dict[int, Account], channels: dict[int, Channel]) -> State:
        """The state with these leaves."""
        state = cls()
        for index, account in accounts.items():
            state.write_account(index, account)
        for slot, channel in channels.items():
            state.write_channel(slot, channel)
        return state

    def copy(self) -> State:
        """An independent copy."""
        twin = State()
        twin._accounts, twin._channels = dict(self._accounts), dict(self._channels)
        twin._slots, twin._full_below = dict(self._slots), self._full_below
        twin._account_tree = self._account_tree.copy()
        twin._channel_tree = self._channel_tree.copy()
        return twin

    @property
    def accounts(self) -> dict[int, Account]:
        """A copy of all account leaves by index."""
        return dict(self._accounts)

    @property
    def channels(self) -> dict[int, Channel]:
        """A copy of all channel leaves by slot."""
        return dict(self._channels)

    @property
    def accounts_root(self) -> int:
        """Root of the accounts tree."""
        return self._account_tree.root

    @property
    def channels_root(self) -> int:
        """Root of the channels tree."""
        return self._channel_tree.root

    @property
    def tree_roots(self) -> TreeRoots:
        """Both trees' roots."""
        return TreeRoots(self.accounts_root, self.channels_root)

    @property
    def root(self) -> int:
        """The state root."""
        return state_root(self.accounts_root, self.channels_root)

    def find_account(self, index: int) -> Account | None:
        """The account at `index`, or None."""
        return self._accounts.get(check_range("account index", index, INDEX_BITS))

    def account(self, index: int) -> Account:
        """The account at `index`. Raises UnknownAccount."""
        found = self.find_account(index)
        if found is None:
            raise UnknownAccount(index)
        return found

    def find_channel(self, slot: int) -> Channel | None:
        """The channel at `slot`, or None."""
        return self._channels.get(check_range("channel slot", slot, INDEX_BITS))

    def slot_of(self, channel_id: int) -> int:
        """The slot of a channel that exists. Raises UnknownChannel."""
        if channel_id not in self._slots:
            raise UnknownChannel(f"{channel_id:#x}")
        return self._slots[channel_id]

    def free_slot(self) -> int:
        """The lowest channel slot that is empty. Raises NoFreeSlot."""
        while self._full_below in self._channels:
            self._full_below += 1
        if self._full_below >> INDEX_BITS:
            raise NoFreeSlot(1 << INDEX_BITS)
        return self._full_below

    def account_siblings(self, index: int) -> Siblings:
        """The path of an account leaf."""
        return self._account_tree.path(index)

    def channel_siblings(self, slot: int) -> Siblings:
        """The path of a channel leaf."""
        return self._channel_tree.path(slot)

    def account_node(self, height: int, place: int) -> int:
        """A node of the accounts tree: the root of its place-th subtree of this height."""
        return self._account_tree.node(height, place)

    def channel_node(self, height: int, place: int) -> int:
        """A node of the channels tree."""
        return self._channel_tree.node(height, place)

    def write_account(self, index: int, after: Account) -> AccountUpdate:
        """Write an account leaf (writing what is there is a read)."""
        before = self.find_account(index)
        siblings = (
            self._account_tree.path(index)
            if after == before
            else self._account_tree.set(index, after.leaf_hash())
        )
        self._accounts[index] = after
        return AccountUpdate(index, before, after, siblings)

    def read_account(self, index: int) -> AccountUpdate:
        """The update that changes nothing, for an account or an empty place."""
        found = self.find_account(index)
        return AccountUpdate(index, found, found, self._account_tree.path(index))

    def read_channel(self, slot: int) -> ChannelUpdate:
        """The update that changes nothing, for a channel or an empty slot."""
        found = self.find_channel(slot)
        return ChannelUpdate(slot, found, found, self._channel_tree.path(slot))

    def write_channel(self, slot: int, after: Channel | None) -> ChannelUpdate:
        """Write or (None) empty a channel leaf (writing what is there is a read)."""
        before = self.find_channel(slot)
        if after == before:
            return self.read_channel(slot)
        leaf = EMPTY_LEAF if after is None else after.leaf_hash()
        siblings = self._channel_tree.set(slot, leaf)
        if before is not None:
            del self._channels[slot], self._slots[before.id]
        if after is not None:
            self._channels[slot], self._slots[after.id] = after, slot
        else:
            self._full_below = min(self._full_below, slot)
        return ChannelUpdate(slot, before, after, siblings)
