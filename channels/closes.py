"""Closing together: both stop, both compare, the one who asked signs first, both can submit.

Each signature is on disk, with the silence that follows from it, before it leaves the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from channels.box import Box
from channels.closing import complete_close, propose_close, sign_close
from channels.errors import (
    ChannelClosing,
    CloseMismatch,
    PaymentsInFlight,
    PeerNotReady,
    RestoredStale,
    UnknownChannel,
)
from channels.frames import Ack, CloseAsk, CloseOffer, CloseSigned
from channels.lanes import Sign
from channels.neighbours import Neighbourhood
from channels.payments import PaymentDesk
from channels.records import SaveClose
from channels.sessions import Session
from channels.store import Store
from protocol.channels import Lane
from protocol.crypto.schnorr import Signature
from protocol.transactions import Close

_log = structlog.get_logger(__name__)
PAUSE_S = 30.0
"""How long a node that was asked for a close waits for the offer before it pays on."""


class CloseDesk:
    """Cooperative closes of all channels of one node."""

    def __init__(
        self,
        sign: Sign,
        store: Store,
        boxes: dict[int, Box],
        payments: PaymentDesk,
        neighbours: Callable[[], Neighbourhood],
        head_time: Callable[[], Awaitable[int]],
        timeout_s: float,
    ) -> None:
        self._sign = sign
        self._store = store
        self._boxes = boxes
        self._payments = payments
        self._neighbours = neighbours
        self._head_time = head_time
        self._timeout_s = timeout_s

    async def agree(self, box: Box) -> None:
        """Get the peer's signature under a CLOSE of this channel, and store it.

        Raises PeerUnreachable, PeerNotReady, PeerRefused, PaymentsInFlight, Refused leaves. If
        the peer fails after this side has signed, the lanes stay silent for a day: force it then.
        A restored node may hold less than it was paid, and gives that up by a CLOSE: it is logged.
        """
        loop = asyncio.get_running_loop()
        if box.state.is_restored:
            _log.warning(
                "restored: a close together gives up income that the peer does not show; "
                "in a forced one a watchtower can still claim it",
                channel=hex(box.channel_id),
            )
        box.paused_until = loop.time() + PAUSE_S
        try:
            await self._payments.flush(box, self._timeout_s)
            session = await self._neighbours().session(box.peer_index, self._timeout_s)
            await self._payments.learn(box, session)
            lane_ab, lane_ba = box.state.lanes
            question = CloseAsk(0, box.channel_id, lane_ab, lane_ba)
            await session.request(question, self._timeout_s)
            head_time = await self._head_time()
            # No await until the state has changed: no voucher comes in between.
            body = propose_close(box.state, head_time)
            if (body.lane_ab, body.lane_ba) != (lane_ab, lane_ba):
                raise PeerNotReady(box.peer_index, "CloseMismatch", "a payment came meanwhile")
            signature = await self._sign_and_store(box, body, head_time, None)
            reply = await session.request(CloseOffer(0, body, signature), self._timeout_s)
            if not isinstance(reply, CloseSigned):
                raise PeerNotReady(box.peer_index, "BadFrame", "a senseless answer")
            box.state = complete_close(box.state, reply.signature)
            await self._store.write(SaveClose(box.state))
        finally:
            box.paused_until = 0.0
            box.notify()

    async def on_ask(self, session: Session, frame: CloseAsk) -> Ack:
        """A neighbour wants to close: stop paying, and see whether both hold the same.

        Raises UnknownChannel, RestoredStale, PaymentsInFlight, CloseMismatch, Refused leaves.
        """
        box = self._box(session, frame.channel_id)
        self._require_complete(box)
        if box.state.verified is None or box.state.is_gone:
            raise ChannelClosing(box.channel_id)
        box.paused_until = asyncio.get_running_loop().time() + PAUSE_S
        try:
            await self._payments.flush(box, self._timeout_s / 2)
            self._compare(box, frame.lane_ab, frame.lane_ba)
        except Exception:
            box.paused_until = 0.0
            raise
        return Ack(frame.id, box.state.lanes[Lane.AB])

    async def on_offer(self, session: Session, frame: CloseOffer) -> CloseSigned:
        """A CLOSE with the neighbour's signature: sign it too, if it says what is held here.

        Raises RestoredStale: what this store holds may be less than what it was paid, and the
        higher voucher of a watchtower counts in a forced close alone.
        """
        box = self._box(session, frame.body.channel_id)
        self._require_complete(box)
        if box.deliveries:
            raise PaymentsInFlight(box.channel_id, len(box.deliveries))
        head_time = await self._head_time()
        signature = await self._sign_and_store(box, frame.body, head_time, frame.signature)
        box.notify()
        return CloseSigned(frame.id, signature)

    async def _sign_and_store(
        self, box: Box, body: Close, head_time: int, peer_signature: Signature | None
    ) -> Signature:
        box.state = sign_close(box.state, body, head_time, self._sign, peer_signature)
        assert box.state.close is not None
        signature = box.state.close.own_signature
        await self._store.write(SaveClose(box.state))
        return signature

    def _require_complete(self, box: Box) -> None:
        if box.state.is_restored:
            raise RestoredStale(box.channel_id)

    def _compare(self, box: Box, lane_ab: int, lane_ba: int) -> None:
        own_ab, own_ba = box.state.lanes
        if lane_ab != own_ab:
            raise CloseMismatch("lane_ab", own_ab, lane_ab)
        if lane_ba != own_ba:
            raise CloseMismatch("lane_ba", own_ba, lane_ba)

    def _box(self, session: Session, channel_id: int) -> Box:
        box = self._boxes.get(channel_id)
        if box is None or box.peer_index != session.peer_index:
            raise UnknownChannel(channel_id)
        return box
