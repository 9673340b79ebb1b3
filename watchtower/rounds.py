"""A watchtower's round: what closes, what is kept for it, and the claims that follow.

A close is seen on the sequencer's feed, in a state replayed from L1, or as a forced op that waits
in L1's queue; a claim goes to the sequencer at once, and to L1 itself where a verified root does
not show it after a quarter of the window. What fails is tried again in the next round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from channels.duties import owed_claim
from channels.errors import BadHandover, ChannelsError, L1Error, SequencerError, TowerError
from channels.forcing import ForcedDesk
from channels.handover import Handover, Kind, LaneName, opened, unpack_voucher
from channels.l1 import FinalBlock, ForcedL1
from protocol.channels import Channel, Status, lane_paid_ntok
from protocol.errors import ProtocolError, UnknownChannel
from protocol.queue import ForcedStartClose
from protocol.state import State
from protocol.transactions import Claim, Transaction
from protocol.vouchers import Voucher
from watchtower.errors import WatchtowerError
from watchtower.store import TowerStore
from watchtower.taking import leaf_of, problem_of

AGAIN_S = 10.0
"""A claim that is not in the soft state yet is handed in again after this long."""

_log = structlog.get_logger(__name__)


class TowerL1(ForcedL1, Protocol):
    """What a tower reads of L1. Every method raises L1Unreachable."""

    async def final(self) -> FinalBlock:
        """The newest final block with the state root."""
        ...

    async def replayed(self) -> State:
        """The state of the newest final block, from L1's data."""
        ...


class Feed(Protocol):
    """What a tower asks of a sequencer. Every method raises SequencerError leaves."""

    async def closing_channels(self) -> list[tuple[int, Channel]]:
        """Every channel that is closing in the soft state, with its slot."""
        ...

    async def submit(self, transaction: Transaction) -> object:
        """Hand in a transaction."""
        ...


class Keepers(Protocol):
    """Who may have the key of a sealed record."""

    async def keys(self, name: LaneName) -> list[bytes]:
        """The lane's keys (each home has its own); empty where no keeper gives one (yet)."""
        ...


@dataclass(slots=True)
class Closing:
    """A channel that closes: its leaf in the newest final root, and in the soft state."""

    final: Channel | None = None
    soft: Channel | None = None
    slot: int | None = None


@dataclass(slots=True)
class View:
    """The newest final root that was replayed."""

    state: State
    final: FinalBlock
    closing: dict[int, Closing] = field(default_factory=dict)


class TowerRounds:
    """The rounds of one tower. `least_gain_ntok`: less than this is not worth a fee on L1."""

    def __init__(
        self,
        l1: TowerL1,
        feed: Feed,
        keepers: Keepers,
        store: TowerStore,
        forced: ForcedDesk,
        domain: int,
        least_gain_ntok: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._l1, self._feed, self._keepers = l1, feed, keepers
        self._store, self._forced, self._domain = store, forced, domain
        self._least_gain_ntok = least_gain_ntok
        self._monotonic = monotonic
        self._submitted_at: dict[tuple[int, int], float] = {}
        self._opened: dict[bytes, Voucher] = {}
        self._pruned_root: int | None = None
        self.view: View | None = None
        """None until L1 was replayed for the first time."""
        self.problem: str | None = None
        """What went wrong in the last round, or None."""

    async def run(self, pause_s: float) -> None:
        """Rounds without end."""
        while True:
            await self.once()
            await asyncio.sleep(pause_s)

    async def once(self) -> None:
        """One round; what fails is logged and named in `problem`."""
        problems: list[str] = []
        try:
            head_time = await self._l1.head_time()  # first: it never runs ahead of what is seen
            await self._look(problems)
            if self.view is not None:
                await self._claim_all(self.view, head_time, problems)
                await self._prune(self.view)
        except (ChannelsError, WatchtowerError, ProtocolError) as error:
            problems.append(f"{type(error).__name__}: {error}")
        problem = "; ".join(problems[:3]) or None
        if problem is not None and problem != self.problem:
            _log.warning("round incomplete", problem=problem)
        self.problem = problem

    # --- what closes ----------------------------------------------------------------------------

    async def _look(self, problems: list[str]) -> None:
        final = await self._l1.final()
        if self.view is None or self.view.final != final:
            try:
                state = await self._l1.replayed()
            except L1Error as error:
                if self.view is None:
                    raise
                # A blob may be withheld for this: what was seen closing closes all the same.
                problems.append(f"{error.code}: {error}")
            else:
                if state.root != final.state_root:
                    return  # L1 went on between the two: the next round has both
                self.view = View(state, final)
        view = self.view
        closing = {
            channel.id: Closing(channel, None, slot)
            for slot, channel in view.state.channels.items()
            if channel.status is Status.CLOSING
        }
        for op in await self._l1.ops_after(view.final.processed):
            leaf = view.state.find_channel(op.slot) if isinstance(op, ForcedStartClose) else None
            if isinstance(op, ForcedStartClose) and leaf is not None and leaf.epoch == op.epoch:
                closing.setdefault(leaf.id, Closing(leaf, None, op.slot))
        try:
            for _, channel in await self._feed.closing_channels():
                seen = closing.setdefault(channel.id, self._final_leaf(view, channel.id))
                seen.soft = channel
        except SequencerError as error:
            problems.append(f"{error.code}: {error}")
        view.closing = closing

    def _final_leaf(self, view: View, channel_id: int) -> Closing:
        try:
            slot, leaf = leaf_of(view.state, channel_id)
        except WatchtowerError:
            return Closing()  # only soft: nothing was handed over for it
        return Closing(leaf, None, slot)

    # --- claims ---------------------------------------------------------------------------------

    async def _claim_all(self, view: View, head_time: int, problems: list[str]) -> None:
        kept = await asyncio.to_thread(self._store.of_channels, list(view.closing))
        for given in best_of(kept):
            seen = view.closing[given.name.channel_id]
            if seen.final is None or seen.slot is None:
                continue
            try:
                voucher = await self._voucher(given, seen.final)
                if voucher is None:
                    continue
                # L1 first: a sequencer that is slow to answer must not keep a claim from it.
                await self._force(view, seen.slot, seen.final, voucher, head_time)
                await self._submit(seen, voucher)
            except (L1Error, SequencerError, TowerError) as error:
                problems.append(f"{error.code}: {error}")

    async def _voucher(self, given: Handover, leaf: Channel) -> Voucher | None:
        """What a record holds, if it can be read (yet) and is worth anything."""
        if given.kind is Kind.CLEAR:
            return unpack_voucher(given.name, given.body)  # verified when it was taken
        if given.kind is Kind.KEY:
            return None
        if given.record in self._opened:
            return self._opened[given.record]
        for key in await self._keepers.keys(given.name):
            try:
                voucher = opened(given, key)
            except BadHandover:
                continue  # another home's key
            problem = await asyncio.to_thread(problem_of, voucher, leaf, self._domain)
            if problem is None:
                self._opened[given.record] = voucher
                return voucher
            _log.warning("a sealed voucher is useless", channel=hex(leaf.id), why=problem)
        return None

    async def _force(
        self, view: View, slot: int, leaf: Channel, voucher: Voucher, head_time: int
    ) -> None:
        owed = owed_claim(slot, leaf, voucher, head_time)
        gain_ntok = lane_paid_ntok(voucher.lane_value) - lane_paid_ntok(leaf.lane(voucher.lane))
        if owed is not None and gain_ntok >= self._least_gain_ntok:
            await self._forced.pursue(owed, view.final.processed)

    async def _submit(self, seen: Closing, voucher: Voucher) -> None:
        leaf = seen.soft or seen.final
        if leaf is None or voucher.lane_value <= leaf.lane(voucher.lane):
            return
        key, now = (voucher.channel_id, int(voucher.lane)), self._monotonic()
        if now - self._submitted_at.get(key, float("-inf")) < AGAIN_S:
            return
        self._submitted_at[key] = now
        claim = Claim(voucher.channel_id, voucher.lane, voucher.lane_value)
        await self._feed.submit(Transaction(claim, (voucher.signature,)))
        _log.info("claimed", channel=hex(voucher.channel_id), lane=voucher.lane.name)

    # --- what is over ---------------------------------------------------------------------------

    async def _prune(self, view: View) -> None:
        """Forget channels that the newest final root no longer has."""
        if view.final.state_root == self._pruned_root:
            return
        kept = await asyncio.to_thread(self._store.channel_ids)
        gone = {one for one in kept if not _exists(view.state, one)}
        if gone:
            await asyncio.to_thread(self._store.forget, gone)
            self._opened = {
                record: one for record, one in self._opened.items() if one.channel_id not in gone
            }
            self._submitted_at = {
                lane: at for lane, at in self._submitted_at.items() if lane[0] not in gone
            }
            _log.info("channels ended", count=len(gone))
        self._pruned_root = view.final.state_root


def _exists(state: State, channel_id: int) -> bool:
    try:
        state.slot_of(channel_id)
    except UnknownChannel:
        return False
    return True


def best_of(given: Iterable[Handover]) -> Sequence[Handover]:
    """Of several clients' clear records of a lane the highest; every sealed one."""
    clear: dict[LaneName, Handover] = {}
    others = []
    for one in given:
        if one.kind is not Kind.CLEAR:
            others.append(one)
        elif one.name not in clear or clear[one.name].number < one.number:
            clear[one.name] = one
    return [*clear.values(), *others]
