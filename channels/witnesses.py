"""Merkle witnesses that a home keeps, so that it can leave with its own files alone.

Invariant: the store holds the newest complete set: the home's account, its channels and its
counterparties' accounts with their paths, all in one root that L1 held final; and beside it at
most one newer set that is not complete yet. Ref: docs/protocol.md section 6 (blobs are dropped).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from channels.errors import SequencerError, SequencerUnreachable, UnverifiedAnswer
from protocol.inclusion import AccountInclusion, ChannelInclusion


@dataclass(frozen=True, slots=True)
class WitnessSet:
    """What stands in one state root, each leaf with its path. `l1_time`: of a block that had it."""

    state_root: int
    l1_time: int
    is_complete: bool
    accounts: tuple[AccountInclusion, ...]
    channels: tuple[ChannelInclusion, ...]


class Inclusions(Protocol):
    """Who carries paths; nothing of what it says is believed."""

    async def account(self, index: int, root: int) -> AccountInclusion:
        """An account (or its absence) in a root. Raises SequencerError leaves."""
        ...

    async def channel(self, slot: int, root: int) -> ChannelInclusion:
        """A channel slot in a root. Raises SequencerError leaves."""
        ...


@dataclass(slots=True)
class Collecting:
    """The witnesses of one root as they arrive, each checked."""

    state_root: int
    l1_time: int
    accounts: dict[int, AccountInclusion] = field(default_factory=dict)
    channels: dict[int, ChannelInclusion] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many have arrived."""
        return len(self.accounts) + len(self.channels)

    async def collect(
        self, source: Inclusions, accounts: Iterable[int], slots: Iterable[int]
    ) -> SequencerError | None:
        """Ask for what is missing; returns the last failure, None where all is there."""
        failure: SequencerError | None = None
        for ask in (
            *(partial(self._account, source, index) for index in accounts),
            *(partial(self._channel, source, slot) for slot in slots),
        ):
            try:
                await ask()
            except SequencerUnreachable as error:
                return error
            except SequencerError as error:
                failure = error
        return failure

    async def _account(self, source: Inclusions, index: int) -> None:
        if index not in self.accounts:
            found = await source.account(index, self.state_root)
            await self._check(f"account {index}", found, found.index == index)
            self.accounts[index] = found

    async def _channel(self, source: Inclusions, slot: int) -> None:
        if slot not in self.channels:
            found = await source.channel(slot, self.state_root)
            await self._check(f"channel slot {slot}", found, found.slot == slot)
            self.channels[slot] = found

    async def _check(
        self, what: str, given: AccountInclusion | ChannelInclusion, is_asked_for: bool
    ) -> None:
        given_root = await asyncio.to_thread(given.state_root)
        if not is_asked_for or given_root != self.state_root:
            raise UnverifiedAnswer(what, self.state_root, given_root)

    def standing(self, accounts: Sequence[int], slots: Sequence[int]) -> WitnessSet:
        """Those of these places that have arrived; complete where all have."""
        have_accounts = tuple(self.accounts[one] for one in accounts if one in self.accounts)
        have_channels = tuple(self.channels[one] for one in slots if one in self.channels)
        is_complete = len(have_accounts) + len(have_channels) == len(accounts) + len(slots)
        return WitnessSet(self.state_root, self.l1_time, is_complete, have_accounts, have_channels)
