"""What is verified: leaves proven in the state root that this node's own L1 holds final.

The sequencer only carries proofs here, and L1's own data stand in for it (channels/leaves.py). A
proof that does not lead to L1's root is not believed, and what has not been proven in the newest
final root for a while grows old (lanes.py refuses it).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from channels.errors import NoAccount, UnknownPeer
from channels.l1 import L1, FinalBlock
from channels.lanes import ChannelState, L1Clock, VerifiedLeaf, see_leaf
from channels.leaves import Leaves
from protocol.accounts import Account


class Watch:
    """Follows the newest final block. Call `look` before anything else."""

    def __init__(self, l1: L1, leaves: Leaves) -> None:
        self._l1 = l1
        self._leaves = leaves
        self._final: FinalBlock | None = None
        self._seen_at = 0.0
        self._published: tuple[FinalBlock, float] | None = None
        self._accounts: dict[int, tuple[int, Account]] = {}
        self.head_time = self.began_at = 0

    @property
    def final(self) -> FinalBlock:
        """The newest final block seen."""
        assert self._final is not None, "look comes first"
        return self._final

    async def look(self) -> FinalBlock:
        """Ask L1. Raises L1Unreachable."""
        final, self.head_time = await asyncio.gather(self._l1.final(), self._l1.head_time())
        if self._final is None or final.number != self._final.number:
            self._seen_at = time.monotonic()
        self._final = final
        self.began_at = self.began_at or self.head_time
        return final

    def publish(self) -> None:
        """From now on `clock` tells the block last seen: every channel was compared with it."""
        self._published = self.final, self._seen_at

    def clock(self) -> L1Clock:
        """L1's time. A block's age counts from its timestamp and from when it was first seen.

        The second is what notices a cut line when this machine's clock lags behind L1's.
        """
        final, seen_at = self._published or (self.final, self._seen_at)
        age_s = max(time.time() - final.timestamp, time.monotonic() - seen_at, 0)
        return L1Clock(final.timestamp, int(age_s), final.exodus_start)

    async def refresh(self, state: ChannelState, slot: int) -> ChannelState:
        """The state with what the newest final root says of its slot.

        Raises UnverifiedAnswer, and as Leaves.
        """
        final = self.final
        known = state.verified
        if known is not None and known.state_root == final.state_root and not state.is_gone:
            return replace(state, verified=replace(known, l1_time=final.timestamp))
        leaf = (await self._leaves.channel(slot, final.state_root)).channel
        if leaf is None or leaf.id != state.channel_id:
            return see_leaf(state, None)
        return see_leaf(state, VerifiedLeaf(slot, leaf, final.state_root, final.timestamp))

    async def account(self, index: int) -> Account:
        """An account in the newest final root. Raises UnknownPeer, UnverifiedAnswer, ..."""
        final = self.final
        known = self._accounts.get(index)
        if known is not None and known[0] == final.state_root:
            return known[1]
        inclusion = await self._leaves.account(index, final.state_root)
        if inclusion.account is None:
            raise UnknownPeer(index)
        self._accounts[index] = final.state_root, inclusion.account
        return inclusion.account

    async def find_account(self, key_hash: int, l1_address: int) -> int:
        """The lowest account of this key and L1 address in the newest final root.

        Raises NoAccount, and as `account`.
        """
        for index, _ in await self._leaves.accounts_of(key_hash):
            try:
                account = await self.account(index)
            except UnknownPeer:
                continue
            if account.key_hash == key_hash and account.l1_address == l1_address:
                return index
        raise NoAccount(key_hash)
