"""A node's round: look at L1, verify every channel, do what is due, offer again what waits.

A round that fails is logged and tried again; nothing in it depends on the one before. What the
sequencer does not bring into a verified root in time goes to L1 itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import structlog

from channels.box import Box
from channels.closing import close_transaction
from channels.duties import Duty, Patience, duty_of, forced_duty_of, wanted_now
from channels.errors import (
    L1Error,
    PeerError,
    Refused,
    SequencerError,
    SequencerRefused,
    StoreFailed,
    UnverifiedAnswer,
)
from channels.exit_key import ExitKeyKeeper
from channels.forced import ForcedRecord
from channels.forcing import ForcedDesk
from channels.lanes import ChannelState, mark_restored
from channels.leaves import Leaves
from channels.levels import see_levels
from channels.payments import PaymentDesk
from channels.records import Intent, SaveIntent, SaveLeaf, SaveRestored
from channels.sequencer_client import SequencerClient
from channels.store import Store
from channels.submit import Submitter
from channels.watch import Watch
from channels.witness_desk import WitnessDesk
from protocol.channels import Channel, Lane
from protocol.errors import ProtocolError
from protocol.transactions import Claim, Finalize, StartClose, Transaction

_log = structlog.get_logger(__name__)
_DUTY_AGAIN_S = 2.0


class Rounds:
    """The rounds of one node. `boxes` grows as channels become final."""

    def __init__(
        self,
        account_index: int,
        domain: int,
        watch: Watch,
        leaves: Leaves,
        sequencer: SequencerClient,
        store: Store,
        submitter: Submitter,
        payments: PaymentDesk,
        witnesses: WitnessDesk,
        forced: ForcedDesk,
        exit_key: ExitKeyKeeper,
        boxes: dict[int, Box],
        patience: Patience,
        pause_s: float,
    ) -> None:
        self._account_index = account_index
        self._domain = domain
        self._watch = watch
        self._leaves = leaves
        self._forced = forced
        self._patience = patience
        self._sequencer = sequencer
        self._store = store
        self._submitter = submitter
        self._payments = payments
        self._witnesses = witnesses
        self._exit_key = exit_key
        self._boxes = boxes
        self._pause_s = pause_s
        self._hurry = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._done_at: dict[tuple[int, Duty], float] = {}
        self._resuming: dict[int, asyncio.Task[None]] = {}
        self._has_heard = False
        self.problem: str | None = None
        """What went wrong in the last round, or None."""

    def hurry(self) -> None:
        """Start the next round now."""
        self._hurry.set()

    async def run(self) -> None:
        """Rounds without end. Stops only for a store that cannot be written."""
        while True:
            self._hurry.clear()
            await self.once()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):  # wait_for can lose a cancellation
                    await self._hurry.wait()

    async def once(self) -> None:
        """One round; what L1, the sequencer or a peer fails to do is logged. Raises StoreFailed."""
        async with self._one_at_a_time:
            await self._once()

    async def _once(self) -> None:
        problem = None
        for step in (
            self._watch.look,
            self._submitter.settle,
            self._discover,
            self._verify,
            self._see_levels,
            self._give_up_old_keys,
        ):
            try:
                await step()
            except (L1Error, SequencerError, ProtocolError) as error:
                problem = problem or f"{type(error).__name__}: {error}"
        self._watch.publish()
        await self._begin_quiet()
        for box in list(self._boxes.values()):
            for serve in (self._serve, self._force):  # the second above all where the first fails
                try:
                    await serve(box)
                except (L1Error, SequencerError, Refused) as error:
                    problem = problem or f"{error.code}: {error}"
        for keep in (self._witnesses.refresh, self._exit_key.keep):
            try:
                await keep()
            except (L1Error, SequencerError) as error:
                problem = problem or f"{error.code}: {error}"
        if problem is None and self._leaves.is_replaying:
            problem = "the sequencer is of no use: replaying L1"
        if problem is not None and problem != self.problem:
            _log.warning("round incomplete", account=self._account_index, problem=problem)
        self.problem = problem

    async def stop(self) -> None:
        """Cancel what this started."""
        for task in self._resuming.values():
            task.cancel()
        await asyncio.gather(*self._resuming.values(), return_exceptions=True)

    async def _discover(self) -> None:
        """Take up channels of this account that are in the newest final root."""
        listed: dict[int, tuple[int, Channel]] = {}
        for slot, leaf in await self._leaves.channels_of(self._account_index):
            if self._account_index in (leaf.a_index, leaf.b_index):
                listed[leaf.id] = slot, leaf
        for channel_id, box in self._boxes.items():
            found = listed.get(channel_id)
            box.soft = found[1] if found else None
        self._has_heard = True
        failure: SequencerError | None = None
        for channel_id, (slot, leaf) in listed.items():
            if channel_id in self._boxes:
                continue
            side = Lane.AB if leaf.a_index == self._account_index else Lane.BA
            unknown = ChannelState(self._domain, channel_id, side)
            try:
                state = await self._watch.refresh(unknown, slot)
            except (UnverifiedAnswer, SequencerRefused) as error:
                failure = error
                continue
            if state.verified is not None:
                await self._store.write(SaveLeaf(state))
                box = self._boxes[channel_id] = Box(state, soft=leaf)
                box.notify()
        if failure is not None:
            raise failure

    async def _verify(self) -> None:
        """Every known channel against the newest final root."""
        failure: SequencerError | None = None
        for box in self._boxes.values():
            verified = box.state.verified
            if verified is None or box.state.is_gone:
                continue
            try:
                seen = await self._watch.refresh(box.state, verified.slot)
            except (UnverifiedAnswer, SequencerRefused) as error:
                failure = error  # this channel grows old; the others do not have to
                continue
            # Only what the chain says: the lanes may have moved while this waited.
            box.state = replace(box.state, verified=seen.verified, is_gone=seen.is_gone)
            before, after = verified, seen.verified
            if seen.is_gone or (after and (after.leaf, after.slot) != (before.leaf, before.slot)):
                await self._store.write(SaveLeaf(box.state))
                box.notify()
        if failure is not None:
            raise failure

    async def _see_levels(self) -> None:
        if self._has_heard:
            await see_levels(self._boxes.values(), self._sequencer)

    async def _begin_quiet(self) -> None:
        """From when on a restored channel is quiet, now that L1's time is known."""
        for box in self._boxes.values():
            if box.state.is_restored and box.state.quiet_until == 0:
                box.state = mark_restored(box.state, self._watch.final.timestamp)
                await self._store.write(SaveRestored(box.channel_id, box.state.quiet_until))

    async def _give_up_old_keys(self) -> None:
        """Close by force whatever is pinned to a key that the account no longer has.

        Whoever has stolen that key can sign vouchers in the channel for as long as it lives; an
        intent to close also ends paying, accepting and topping up. Ref: docs/protocol.md section 3.
        """
        open_ones = [
            box
            for box in self._boxes.values()
            if box.state.verified and not box.state.is_gone and box.intent is not Intent.FORCE
        ]
        if not open_ones:
            return
        present = (await self._watch.account(self._account_index)).key_hash
        for box in open_ones:
            verified = box.state.verified
            if verified is not None and verified.leaf.key_hash(box.state.side) != present:
                _log.error("pinned to an old key: closing it", channel=hex(box.channel_id))
                await self.wish_to_force(box)

    async def wish_to_force(self, box: Box) -> None:
        """From now on this channel is closed without the peer. Raises StoreFailed."""
        if box.intent is not Intent.FORCE:
            box.intent, box.wished_at = Intent.FORCE, self._watch.head_time
            await self._store.write(SaveIntent(box.channel_id, box.intent, box.wished_at))

    async def force(self, box: Box, what: Duty) -> ForcedRecord | None:
        """Bring one thing to L1 now; the rounds go on with it. None: L1's queue has it already.

        Raises ChannelNotFinal, ChannelClosing, NothingToForce, QueueFeeTooHigh, ForcedOpVoid,
        L1Refused, L1Unreachable, StoreFailed.
        """
        await self.once()
        async with self._one_at_a_time:
            wanted = wanted_now(box.state, what, self._watch.head_time)
            if what is Duty.START_CLOSE:
                await self.wish_to_force(box)
            await self._forced.pursue(wanted, self._processed_behind(box))
            return self._forced.record_of(wanted)

    async def retire_key(self) -> int:
        """Close by force whatever is pinned to this wallet's key, which is to be replaced.

        Returns how many channels that are. Raises StoreFailed.
        """
        live = [
            box
            for box in self._boxes.values()
            if box.state.verified is not None and not box.state.is_gone
        ]
        for box in live:
            await self.wish_to_force(box)
        self.hurry()
        return len(live)

    async def _force(self, box: Box) -> None:
        final = self._watch.final
        wanted = forced_duty_of(
            box.state,
            box.intent,
            box.wished_at,
            final.timestamp,
            self._watch.head_time,
            self._watch.began_at,
            self._patience,
        )
        if wanted is not None:
            await self._forced.pursue(wanted, self._processed_behind(box))

    def _processed_behind(self, box: Box) -> int:
        """The last queue op behind the root in which the channel was seen; 0 where that is old."""
        verified, final = box.state.verified, self._watch.final
        is_current = verified is not None and verified.state_root == final.state_root
        return final.processed if is_current else 0

    async def _serve(self, box: Box) -> None:
        duty = duty_of(box.state, box.intent, box.soft, self._watch.head_time)
        if duty is not None:
            await self._do(box, duty)
        if not box.is_synced and not box.state.is_gone and self._payments.is_connected(box):
            self.resume(box)

    def resume(self, box: Box) -> None:
        """Compare with the peer in the background and offer again what waits.

        So the first payment, too, finds both ends agreed.
        """
        running = self._resuming.get(box.channel_id)
        if running is not None and not running.done():
            return

        async def attempt() -> None:
            try:
                await self._payments.resume(box)
            except (PeerError, Refused, StoreFailed) as error:
                _log.debug("not resumed", channel=hex(box.channel_id), reason=str(error))

        self._resuming[box.channel_id] = asyncio.create_task(attempt())

    async def _do(self, box: Box, duty: Duty) -> None:
        if duty is Duty.START_CLOSE and self._submitter.waits("start_close", box.channel_id):
            return  # the operator has one, and it was handed in again when this round began
        key, now = (box.channel_id, duty), time.monotonic()
        if now - self._done_at.get(key, float("-inf")) < _DUTY_AGAIN_S:
            return
        self._done_at[key] = now
        state = box.state
        if duty is Duty.START_CLOSE:
            await self._submitter.send(
                "start_close",
                box.channel_id,
                lambda nonce, until: StartClose(box.channel_id, state.side, nonce, until),
            )
        elif duty is Duty.CLAIM and state.received is not None:
            voucher = state.received
            claim = Claim(voucher.channel_id, voucher.lane, voucher.lane_value)
            await self._sequencer.submit(Transaction(claim, (voucher.signature,)))
        elif duty is Duty.FINALIZE:
            await self._sequencer.submit(Transaction(Finalize(box.channel_id)))
        elif duty is Duty.CLOSE:
            transaction = close_transaction(state)
            assert transaction is not None
            await self._sequencer.submit(transaction)
        _log.info("submitted", duty=duty.value, channel=hex(box.channel_id))
        self.hurry()
