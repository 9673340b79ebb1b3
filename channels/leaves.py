"""Verified leaves: from the sequencer, and where it fails, from L1's own data.

Invariant: what `account` and `channel` return leads to the root that was asked for, whoever gave
it. A sequencer that is silent, or whose paths lead elsewhere, costs a node some patience and then
the work of replaying L1; it never costs it sight of its channels.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from channels.errors import SequencerError, UnverifiedAnswer
from channels.l1 import L1
from channels.sequencer_client import SequencerClient
from protocol.accounts import Account
from protocol.channels import Channel
from protocol.inclusion import AccountInclusion, ChannelInclusion, prove_account, prove_channel
from protocol.state import State

DEFAULT_PATIENCE_S = 300.0
"""This long without a good answer to one question, and the node replays L1."""

RETRY_S = 60.0
"""While L1 is replayed, the sequencer is asked again this often."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Leaves:
    """One node's source of leaves. `patience_s`: how long the sequencer may fail."""

    def __init__(
        self,
        sequencer: SequencerClient,
        l1: L1,
        patience_s: float = DEFAULT_PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sequencer = sequencer
        self._l1 = l1
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._failing_since: dict[str, float] = {}
        self._is_replaying = False
        self._retry_at = 0.0

    @property
    def is_replaying(self) -> bool:
        """Whether leaves come from L1's data now."""
        return self._is_replaying

    def replay(self) -> None:
        """Take leaves from L1 from now on, until the sequencer answers again."""
        if not self._is_replaying:
            _log.warning("the sequencer is of no use: following the channels from L1's data")
        self._is_replaying = True
        self._retry_at = self._monotonic() + RETRY_S

    async def account(self, index: int, root: int) -> AccountInclusion:
        """An account (or its absence) in this root.

        Raises SequencerError, UnverifiedAnswer, L1Unreachable.
        """

        what = f"account {index}"

        async def ask() -> AccountInclusion:
            given = await self._sequencer.account(index, root)
            await _check(what, given, given.index == index, root)
            return given

        def look(state: State) -> AccountInclusion:
            _check_replayed(what, state, root)
            return prove_account(state, index)

        return await self._ask(what, ask, look)

    async def channel(self, slot: int, root: int) -> ChannelInclusion:
        """A channel slot in this root, as `account`."""

        what = f"channel slot {slot}"

        async def ask() -> ChannelInclusion:
            given = await self._sequencer.channel(slot, root)
            await _check(what, given, given.slot == slot, root)
            return given

        def look(state: State) -> ChannelInclusion:
            _check_replayed(what, state, root)
            return prove_channel(state, slot)

        return await self._ask(what, ask, look)

    async def accounts_of(self, key_hash: int) -> list[tuple[int, Account]]:
        """Accounts with this key hash, unproven where the sequencer tells. Raises as `account`."""
        return await self._ask(
            "accounts",
            lambda: self._sequencer.accounts_of(key_hash),
            lambda state: [
                (index, one)
                for index, one in sorted(state.accounts.items())
                if one.key_hash == key_hash
            ],
        )

    async def channels_of(self, account_index: int) -> list[tuple[int, Channel]]:
        """An account's channels with their slots, as `accounts_of`."""
        return await self._ask(
            "channels",
            lambda: self._sequencer.channels_of(account_index),
            lambda state: [
                (slot, one)
                for slot, one in sorted(state.channels.items())
                if account_index in (one.a_index, one.b_index)
            ],
        )

    async def _ask(
        self, what: str, ask: Callable[[], Awaitable[T]], look: Callable[[State], T]
    ) -> T:
        if self._is_replaying and self._monotonic() < self._retry_at:
            return look(await self._l1.replayed())
        try:
            answer = await ask()
        except SequencerError:
            self._has_failed(what)
            if not self._is_replaying:
                raise
            return look(await self._l1.replayed())
        self._has_answered(what)
        return answer

    def _has_failed(self, what: str) -> None:
        now = self._monotonic()
        since = self._failing_since.setdefault(what, now)
        if self._is_replaying or now - since >= self._patience_s:
            self.replay()

    def _has_answered(self, what: str) -> None:
        self._failing_since.pop(what, None)
        if self._is_replaying and not self._failing_since:
            _log.info("the sequencer answers again")
            self._is_replaying = False


async def _check(
    what: str, given: AccountInclusion | ChannelInclusion, is_asked_for: bool, root: int
) -> None:
    given_root = await asyncio.to_thread(given.state_root)
    if not is_asked_for or given_root != root:
        raise UnverifiedAnswer(what, root, given_root)


def _check_replayed(what: str, state: State, root: int) -> None:
    """L1 may have gone on since the root was read: the next round has both anew."""
    if state.root != root:
        raise UnverifiedAnswer(what, root, state.root)
