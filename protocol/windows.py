"""Invariant: a proof's transactions touch leaves in at most two windows of the accounts tree and
in one of the channels tree.

A window is a subtree of WINDOW_LEVELS levels, named by its prefix: what the indices of all its
leaves have in common. A proof walks the levels above a window once, for all leaves that its user
slots update inside. Window 1 of the accounts is the one touched first. Windows are how a prover
arranges its work: neither data nor messages nor L1 know of them. Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.channels import Channel, Lane
from protocol.crypto.merkle import Siblings
from protocol.errors import OutsideWindows
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
from protocol.units import INDEX_BITS

WINDOW_LEVELS = 6
LOW_BITS = 2 * WINDOW_LEVELS
"""How many bits of an index say where in its window a leaf stands."""
PREFIX_BITS = INDEX_BITS - LOW_BITS
ACCOUNT_WINDOWS = 2


@dataclass(frozen=True, slots=True)
class Window:
    """A subtree before and after a proof's user slots; the path from its root to the tree's.

    siblings: one triple for each level above the window, from the lowest upward.
    """

    prefix: int
    old_node: int
    new_node: int
    siblings: Siblings


@dataclass(frozen=True, slots=True)
class ProofWindows:
    """All windows of a proof. The prefixes of the accounts' two differ."""

    accounts: tuple[Window, Window]
    channel: Window


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a transaction touches: its accounts in the order of its updates, its channel's slot."""

    accounts: tuple[int, ...]
    slot: int | None


def prefix_of(index: int) -> int:
    """The prefix of the window in which the leaf at `index` stands."""
    return index >> LOW_BITS


def leaves_of(state: State, body: Body, slot: int | None) -> Leaves:
    """What `execute` would touch. Raises UnknownChannel; NoFreeSlot for an OPEN without a slot."""
    match body:
        case Transfer():
            return Leaves((body.from_index, body.to_index), None)
        case Withdraw():
            return Leaves((body.index,), None)
        case Open():
            at = state.free_slot() if slot is None else slot
            return Leaves((body.a_index, body.b_index), at)
        case TopUp() | StartClose():
            at, channel = _channel(state, body.channel_id)
            return Leaves((_index_of(channel, body.side),), at)
        case Claim():
            return Leaves((), state.slot_of(body.channel_id))
        case Close() | Finalize():
            at, channel = _channel(state, body.channel_id)
            return Leaves((channel.a_index, channel.b_index), at)


def _channel(state: State, channel_id: int) -> tuple[int, Channel]:
    at = state.slot_of(channel_id)
    channel = state.find_channel(at)
    assert channel is not None
    return at, channel


def _index_of(channel: Channel, side: Lane) -> int:
    return channel.a_index if side is Lane.AB else channel.b_index


@dataclass(frozen=True, slots=True)
class OpenWindows:
    """The windows that a proof's transactions have touched so far, in that order.

    What a Window holds as siblings and nodes is what the state had when it was first touched.
    """

    accounts: tuple[Window, ...] = ()
    channels: tuple[Window, ...] = ()

    def outside(self, leaves: Leaves) -> OutsideWindows | None:
        """What is wrong where one of these leaves is in none of the windows that there can be."""
        prefixes = [window.prefix for window in self.accounts]
        for index in leaves.accounts:
            if prefix_of(index) not in prefixes:
                if len(prefixes) == ACCOUNT_WINDOWS:
                    return OutsideWindows("account", index)
                prefixes.append(prefix_of(index))
        slot = leaves.slot
        if slot is not None and any(each.prefix != prefix_of(slot) for each in self.channels):
            return OutsideWindows("channel slot", slot)
        return None

    def touched(self, state: State, leaves: Leaves) -> OpenWindows:
        """These and those of `leaves`, which are inside; `state` is as before it changes there."""
        accounts, channels = self.accounts, self.channels
        for index in leaves.accounts:
            if all(window.prefix != prefix_of(index) for window in accounts):
                accounts = (*accounts, _account_window(state, prefix_of(index)))
        if leaves.slot is not None and not channels:
            channels = (_channel_window(state, prefix_of(leaves.slot)),)
        return OpenWindows(accounts, channels)

    def closed(self, state: State) -> ProofWindows:
        """The windows as they are after the last transaction, when `state` is as it left it.

        For a window that none touched, the lowest one that is free. Above window 1 the siblings are
        those from before any user slot; above window 2 those after, when window 1 is new.
        """
        accounts = self.accounts
        while len(accounts) < ACCOUNT_WINDOWS:
            taken = [window.prefix for window in accounts]
            lowest = next(prefix for prefix in range(ACCOUNT_WINDOWS) if prefix not in taken)
            accounts = (*accounts, _account_window(state, lowest))
        first, second = accounts
        now = [_account_window(state, window.prefix) for window in accounts]
        channel_now = _channel_window(state, self.channels[0].prefix if self.channels else 0)
        (channel,) = self.channels or (channel_now,)
        return ProofWindows(
            (
                replace(first, new_node=now[0].new_node),
                replace(second, new_node=now[1].new_node, siblings=now[1].siblings),
            ),
            replace(channel, new_node=channel_now.new_node),
        )


def _account_window(state: State, prefix: int) -> Window:
    node = state.account_node(WINDOW_LEVELS, prefix)
    return Window(prefix, node, node, state.account_siblings(prefix << LOW_BITS)[WINDOW_LEVELS:])


def _channel_window(state: State, prefix: int) -> Window:
    node = state.channel_node(WINDOW_LEVELS, prefix)
    return Window(prefix, node, node, state.channel_siblings(prefix << LOW_BITS)[WINDOW_LEVELS:])
