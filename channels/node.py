"""A household's node: one wallet's account in one rollup, its channels and its neighbours.

    async with Node.open(wallet, sequencer=url, l1=rpc_url) as node:
        channel = await node.open_channel(peer, deposit_ntok=10**9, window_s=86_400)
        await channel.pay(energy_wh=5, price_utok_per_kwh=200_000)
        await channel.close()

Everything that must survive is on disk before anybody hears of it; opening the same folder again
goes on where any crash left off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from channels.account import AccountDesk
from channels.answering import Answering
from channels.box import Box
from channels.channel_desk import ChannelDesk
from channels.closes import CloseDesk
from channels.copy_desk import CopyDesk
from channels.days import Span
from channels.duties import Duty
from channels.errors import NotFinalInTime, UnknownChannel
from channels.exit_key import ExitKeyKeeper
from channels.flow_desk import FlowDesk
from channels.forced import ForcedRecord
from channels.forcing import ForcedDesk
from channels.handle import Acts, ChannelHandle, ChannelInfo
from channels.handshake import Introduction
from channels.l1 import L1
from channels.log import be_quiet_by_default
from channels.neighbours import Neighbourhood
from channels.parts import Parts, account_of, find_rollup
from channels.payments import PaymentDesk
from channels.receipts import ReceiptDesk
from channels.records import Bill, Identity, Submission
from channels.relay import RelayUse, relay_url
from channels.rounds import Rounds
from channels.sequencer_client import SequencerClient, TransactionStatus
from channels.sessions import Session
from channels.settings import Balance, NodeHealth, NodeInfo, NodeSettings, warm_up
from channels.standings import Payer, StandingDesk
from channels.store import Store
from channels.submit import Submitter, check_amount
from channels.towers import TowerDesk
from channels.wallet import Wallet
from channels.watch import Watch
from channels.witness_desk import WitnessDesk

_log = structlog.get_logger(__name__)
_FINAL_TIMEOUT_S = 900.0


class Node:
    """An open node; made by `Node.open`."""

    def __init__(self, parts: Parts, peers: Mapping[int, str]) -> None:
        self._parts = parts
        self._boxes = parts.boxes
        self._index = parts.identity.account_index
        settings, wallet = parts.settings, parts.wallet
        self._submitter = Submitter(
            self._index,
            parts.identity.domain,
            wallet.sign,
            parts.store,
            parts.sequencer,
            lambda: parts.watch.head_time,
            settings.max_fee_ntok,
            ReceiptDesk(parts.store.path.parent, parts.identity.domain, parts.sequencer, parts.l1),
        )
        payer = Payer(wallet.sign, wallet.key_hash, settings.policy, settings.payment_timeout_s)
        self._copies = CopyDesk(
            parts.identity, wallet.sign, parts.store, self._key_hash_of, settings.payment_timeout_s
        )
        standings = StandingDesk(payer, parts.store, self._boxes, parts.watch.clock, self._copies)
        self._payments = PaymentDesk(
            payer, parts.store, self._boxes, parts.watch.clock, lambda: self.neighbours, standings
        )
        self._closes = CloseDesk(
            wallet.sign,
            parts.store,
            self._boxes,
            self._payments,
            lambda: self.neighbours,
            parts.l1.head_time,
            settings.payment_timeout_s,
        )
        witnesses = WitnessDesk(self._index, parts.watch, parts.leaves, parts.store, self._boxes)
        self._towers = [
            TowerDesk(one, parts.store, self._boxes, wallet.tower_key) for one in settings.towers
        ]
        self._payments.on_received = standings.on_received = self._wake_towers
        self._forced = ForcedDesk(parts.l1, parts.store, settings.max_queue_fee_wei)
        self._rounds = Rounds(
            self._index,
            parts.identity.domain,
            parts.watch,
            parts.leaves,
            parts.sequencer,
            parts.store,
            self._submitter,
            self._payments,
            witnesses,
            self._forced,
            ExitKeyKeeper(parts.store.path.parent, parts.sequencer, time.monotonic),
            self._boxes,
            settings.patience,
            settings.poll_s,
        )
        self._account = AccountDesk(
            self._index,
            self._submitter,
            parts.sequencer,
            parts.watch,
            self._rounds.hurry,
            settings.poll_s,
        )
        own = Introduction(parts.identity.domain, self._index, wallet.sign, self._key_hash_of)
        answering = Answering(self._copies, standings, self._payments, self._closes)
        relay = settings.relay_url or relay_url(parts.sequencer.url)
        self.neighbours = Neighbourhood(
            own, answering, self._on_session, peers, relay, settings.relay
        )
        desk = ChannelDesk(parts.sequencer, self._closes, self._rounds, self._account)
        self._acts = Acts(desk.close, desk.force_close, desk.top_up)
        self._following: asyncio.Task[None] | None = None
        self._url = ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        wallet: Wallet,
        *,
        sequencer: str,
        l1: str | L1 | None = None,
        contract: str | None = None,
        folder: Path | str | None = None,
        listen: tuple[str, int] | None = ("127.0.0.1", 0),
        peers: Mapping[int, str] | None = None,
        settings: NodeSettings | None = None,
    ) -> AsyncIterator[Node]:
        """Open the wallet's node: it listens, follows L1 and serves its channels until closed.

        `l1`: the URL of an RPC of your own (default: WATTLANE_L1). `contract`: the rollup's
        address (default: what the sequencer says the first time; the store then holds to it).
        A sequencer that does not answer is done without, where store or caller name the contract.
        `folder`: where the store lives (default: beside the wallet). `peers`: account -> ws:// URL.
        Raises L1Required, WrongRollup, NoAccount, PortInUse, and StoreError, L1Error and
        SequencerError leaves.
        """
        be_quiet_by_default()
        settings = settings or NodeSettings()
        await warm_up(wallet, settings.use_compiled)
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(SequencerClient(sequencer))
            place = folder or wallet.path.parent
            found = await find_rollup(client, l1, contract, place, wallet, settings)
            view, leaves = found.l1, found.leaves
            watch = Watch(view, leaves)
            index = await account_of(wallet, watch, settings.account_timeout_s)
            identity = Identity(found.domain, index, wallet.key_hash, found.contract)
            store = Store.open(place, identity, bills_kept=settings.bills_kept)
            stack.callback(store.close)
            boxes = {one.state.channel_id: Box.of(one) for one in store.load_channels()}
            parts = Parts(wallet, settings, identity, store, client, view, leaves, watch, boxes)
            node = cls(parts, peers or {})
            await stack.enter_async_context(node.neighbours)
            for box in boxes.values():
                if not box.state.is_gone:
                    node.neighbours.expect(box.peer_index)
            if listen is not None and settings.relay is not RelayUse.ALWAYS:
                node._url = await node.neighbours.listen(*listen)
            await node._rounds.once()
            following = asyncio.create_task(node._rounds.run(), name=f"node {index}")
            node._following = following
            following.add_done_callback(_complain)
            handing = [asyncio.create_task(one.run()) for one in node._towers]
            if settings.publish_flows:
                flows = FlowDesk(index, found.domain, wallet.sign, client, boxes)
                handing.append(asyncio.create_task(flows.run()))
            try:
                yield node
            finally:
                for task in (following, *handing):
                    task.cancel()
                await asyncio.gather(following, *handing, return_exceptions=True)
                await node._rounds.stop()

    # --- looking --------------------------------------------------------------------------------

    @property
    def account_index(self) -> int:
        """This node's account."""
        return self._index

    @property
    def url(self) -> str:
        """The ws:// address that neighbours dial; empty if it does not listen: see `relay`."""
        return self._url

    def info(self) -> NodeInfo:
        """Who this node is and how it is."""
        parts, final = self._parts, self._parts.watch.final
        found = [self._copies.problem, self._rounds.problem, self._submitter.problem]
        found += [one.problem for one in self._towers]
        return NodeInfo(
            account_index=self._index,
            l1_address=parts.wallet.l1_address,
            key_hash=parts.wallet.key_hash,
            domain=parts.identity.domain,
            url=self._url,
            final_block=final.number,
            final_time=final.timestamp,
            final_root=final.state_root,
            channels=sum(not box.state.is_gone for box in self._boxes.values()),
            problem="; ".join(filter(None, dict.fromkeys(found))) or None,
            towers=len(self._towers),
        )

    def health(self) -> NodeHealth:
        """What ails it, and how its neighbours are met."""
        live = (box.peer_index for box in self._boxes.values() if not box.state.is_gone)
        peers = {index: self.neighbours.reach(index) for index in sorted(set(live))}
        return NodeHealth(self.info().problem, self.neighbours.at_relay, peers)

    def channels(self) -> list[ChannelInfo]:
        """All channels that ever were in a final root, the oldest id first."""
        return [self.channel(one).info for one in sorted(self._boxes)]

    def channel(self, channel_id: int) -> ChannelHandle:
        """One channel. Raises UnknownChannel."""
        if channel_id not in self._boxes:
            raise UnknownChannel(channel_id)
        return ChannelHandle(self._boxes[channel_id], self._payments, self._acts)

    async def balance(self) -> Balance:
        """What the account holds. Raises SequencerError and L1Error leaves."""
        await self._rounds.once()  # as L1 has it now, not as it was some seconds ago
        final, soft_ntok = await self._account.final(), await self._account.soft_balance_ntok()
        return Balance(final.balance_ntok, soft_ntok, await self._parts.l1.pending_ntok())

    async def bills(self, after: int = 0) -> list[tuple[int, Bill]]:
        """Payments in and out after running number `after`, with their numbers."""
        await self._parts.store.write()  # after everything that is on its way to disk
        return await asyncio.to_thread(self._parts.store.bills, after)

    async def spans(self, start_s: int, end_s: int, span_s: int) -> list[Span]:
        """What was bought and sold between two times, in spans of `span_s` s. Raises BadFrame."""
        return await asyncio.to_thread(self._parts.store.spans, start_s, end_s, span_s)

    async def until_failed(self) -> None:
        """Return only by raising, StoreFailed above all: then the node stands still."""
        assert self._following is not None, "open comes first"
        await asyncio.shield(self._following)

    # --- doing ----------------------------------------------------------------------------------

    def add_peer(self, index: int, url: str) -> None:
        """Where a neighbour listens."""
        self.neighbours.add_peer(index, url)

    async def open_channel(
        self,
        peer: int,
        *,
        deposit_ntok: int,
        window_s: int,
        timeout_s: float = _FINAL_TIMEOUT_S,
    ) -> ChannelHandle:
        """Open a channel with account `peer`; returns when its OPEN is in a root final on L1.

        Raises BadPayment, WindowNotAcceptable, UnknownPeer, FeeTooHigh (nothing was signed),
        SequencerRefused, TransactionRejected, NotFinalInTime, StoreFailed.
        """
        submission = await self.start_open(peer, deposit_ntok=deposit_ntok, window_s=window_s)
        assert submission.channel_id is not None
        return await self.wait_channel(submission.channel_id, submission.transaction_id, timeout_s)

    async def start_open(self, peer: int, *, deposit_ntok: int, window_s: int) -> Submission:
        """Submit an OPEN without waiting for its batch; `channel_id` tells the channel's id."""
        return await self._account.open(peer, deposit_ntok, window_s)

    async def wait_channel(
        self,
        channel_id: int,
        transaction_id: str | None = None,
        timeout_s: float = _FINAL_TIMEOUT_S,
    ) -> ChannelHandle:
        """Wait until a channel is in a final root. Raises NotFinalInTime, TransactionRejected."""
        end = asyncio.get_running_loop().time() + timeout_s
        while channel_id not in self._boxes:
            if transaction_id is not None:
                await self._account.status(transaction_id)
            if asyncio.get_running_loop().time() > end:
                raise NotFinalInTime(f"channel {channel_id:#x}", timeout_s)
            await asyncio.sleep(min(self._parts.settings.poll_s, 0.2))
        box = self._boxes[channel_id]
        if self.neighbours.find(box.peer_index) is not None:
            self._rounds.resume(box)  # so that the first payment finds both ends agreed
        return self.channel(channel_id)

    async def transfer(
        self, to: int, *, amount_ntok: int, wait: bool = True, timeout_s: float = _FINAL_TIMEOUT_S
    ) -> str:
        """Send balance to another account; returns the transaction id.

        Raises BadPayment, UnknownPeer, FeeTooHigh, SequencerRefused, NotFinalInTime, StoreFailed.
        """
        submission = await self._account.transfer(to, amount_ntok)
        if wait:
            await self._account.wait_final(submission, timeout_s)
        return submission.transaction_id

    async def withdraw(
        self, *, amount_ntok: int, wait: bool = True, timeout_s: float = _FINAL_TIMEOUT_S
    ) -> str:
        """Withdraw to the wallet's L1 address; with `wait`, the tokens are there on return.

        Raises BadPayment, FeeTooHigh, SequencerRefused, NotFinalInTime, L1Refused, StoreFailed.
        """
        submission = await self._account.withdraw(amount_ntok)
        if wait:
            await self._account.wait_final(submission, timeout_s)
            await self.collect()
        return submission.transaction_id

    async def wait_transaction(
        self, transaction_id: str, timeout_s: float = _FINAL_TIMEOUT_S
    ) -> TransactionStatus:
        """Wait until the *sequencer* calls a transaction final.

        Raises TransactionRejected, NotFinalInTime.
        """
        return await self._account.wait_called_final(transaction_id, timeout_s)

    async def collect(self) -> int:
        """Take what batches have withdrawn out of the contract; base units of the token.

        0 if there is nothing. Raises L1Refused, L1Unreachable.
        """
        if await self._parts.l1.pending_ntok() == 0:
            return 0
        return await self._parts.l1.collect()

    async def deposit(self, amount_ntok: int) -> None:
        """Deposit from the wallet's L1 account; a later batch credits it. Raises L1Refused."""
        await self._parts.l1.deposit(self._index, check_amount("amount_ntok", amount_ntok))

    async def queue_fee_wei(self) -> int:
        """What a forced op costs on L1 now, besides gas. Raises L1Unreachable."""
        return await self._parts.l1.queue_fee_wei()

    async def force(self, channel_id: int, what: Duty) -> ForcedRecord | None:
        """Bring a claim, the start of a close or a payout to L1 now, past the sequencer.

        None: L1's queue has it already. Raises UnknownChannel, and as Rounds.force.
        """
        if channel_id not in self._boxes:
            raise UnknownChannel(channel_id)
        return await self._rounds.force(self._boxes[channel_id], what)

    async def retire_key(self) -> int:
        """Close by force all channels of the wallet's key; how many. Raises StoreFailed."""
        return await self._rounds.retire_key()

    # --- watchtowers ----------------------------------------------------------------------------

    def _wake_towers(self) -> None:
        for one in self._towers:
            one.wake()

    # --- neighbours -----------------------------------------------------------------------------

    def _on_session(self, session: Session) -> None:
        if self._copies.stopped is not None:
            self._copies.leave(session)
            return
        for box in self._boxes.values():
            if box.peer_index == session.peer_index and not box.state.is_gone:
                self._rounds.resume(box)

    async def _key_hash_of(self, index: int) -> int:
        return (await self._parts.watch.account(index)).key_hash


def _complain(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and following.exception() is not None:
        _log.error("the node stands still", reason=repr(following.exception()))
