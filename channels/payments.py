"""Paying and being paid: signed, on disk, sent, checked, on disk, acknowledged, in this order.

A voucher that was signed is never taken back and never signed again: it is offered until the
payee holds it. The payee acknowledges a repeated offer again, and counts it once.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from channels.box import Box, Delivery
from channels.errors import (
    ChannelClosing,
    PaymentIdReused,
    PaymentPending,
    PaymentsInFlight,
    PeerNotReady,
    PeerUnreachable,
    UnknownChannel,
    VoucherFalls,
    VoucherRepeats,
)
from channels.frames import Ack, Answer, Pay
from channels.lanes import (
    L1Clock,
    Payment,
    accept_voucher,
    require_open,
    sign_payment,
)
from channels.neighbours import Neighbourhood
from channels.records import Acknowledged, Bill, Direction, Outgoing, SaveReceived, SaveSigned
from channels.sessions import Session
from channels.standings import Payer, StandingDesk, check_payment_id
from channels.store import Store

_log = structlog.get_logger(__name__)
_ASK_AGAIN_S = 0.05
_PASSING = frozenset({"UnknownChannel", "ChannelNotFinal", "L1TooOld", "PeerForgot"})
"""Reasons that may pass: the payee has not seen the newest final root yet, or learns its income."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment that both sides have on disk. `latency_ms`: from the call to now."""

    payment_id: str
    channel_id: int
    lane_value: int
    amount_ntok: int
    latency_ms: float


class PaymentDesk:
    """Payments of all channels of one node. `clock` is L1's, as this node sees it."""

    def __init__(
        self,
        payer: Payer,
        store: Store,
        boxes: dict[int, Box],
        clock: Callable[[], L1Clock],
        neighbours: Callable[[], Neighbourhood],
        standings: StandingDesk,
    ) -> None:
        self._standings = standings
        self._copies = standings.copies
        self._payer = payer
        self._store = store
        self._boxes = boxes
        self._clock = clock
        self._neighbours = neighbours
        self._tasks: set[asyncio.Task[Any]] = set()
        self._paying: dict[tuple[int, str], tuple[Payment, asyncio.Task[Receipt]]] = {}
        self.on_received: Callable[[], None] = lambda: None
        """Called whenever a neighbour's voucher is on disk. Must not take long."""
        standings.on_acknowledged = self._acknowledged

    # --- the payer's side -----------------------------------------------------------------------

    async def pay(self, box: Box, payment: Payment, payment_id: str | None = None) -> Receipt:
        """Pay once. With a `payment_id` seen before: wait for that payment, sign nothing.

        Raises BadPayment, Refused leaves, PeerUnreachable, PeerNotReady (nothing was signed);
        PaymentPending (signed, not acknowledged); StoreFailed (repeat with the same payment_id).
        """
        began = time.perf_counter()
        if payment_id is None:
            return await self._pay_new(box, payment, uuid.uuid4().hex, began)
        check_payment_id(payment_id)
        running = self._paying.get((box.channel_id, payment_id))
        if running is None:
            task = asyncio.create_task(self._pay_once(box, payment, payment_id, began))
            running = self._paying[box.channel_id, payment_id] = payment, task
            task.add_done_callback(lambda _: self._paying.pop((box.channel_id, payment_id)))
            self._keep(task)
        if running[0] != payment:
            raise PaymentIdReused(payment_id)
        return await asyncio.shield(running[1])

    async def _pay_once(self, box: Box, payment: Payment, payment_id: str, began: float) -> Receipt:
        known = await self._known(box, payment, payment_id)
        if known is None:
            session = await self._able(box)  # only then is it known what this store has forgotten
            if box.state.has_forgotten:
                known = await self._standings.known_to_peer(box, session, payment_id)
        if known is None:
            return await self._pay_new(box, payment, payment_id, began)
        delivery = box.find_payment(payment_id)
        if delivery is not None:
            await self._resume(box, delivery)
        return _receipt(box, known, payment, payment_id, began)

    async def _pay_new(self, box: Box, payment: Payment, payment_id: str, began: float) -> Receipt:
        session = await self._able(box)
        # From here to the end of `_sign` nothing awaits: signing order is writing order.
        delivery, written = self._sign(box, payment, payment_id)
        written.add_done_callback(partial(self._deliver, box, session, delivery))
        await self._acknowledgement(box, delivery, written)
        lane_value = delivery.outgoing.voucher.lane_value
        return _receipt(box, lane_value, payment, payment_id, began)

    async def _able(self, box: Box) -> Session:
        """As `_ready`, and refuses at once what no peer can mend."""
        self._copies.require_sole()
        box.require_wanted()
        require_open(box.state, self._clock().final_time)
        return await self._ready(box)

    async def ready(self, box: Box) -> None:
        """Wait until the peer takes payments. Raises PeerUnreachable, PeerNotReady, Refused."""
        await self._ready(box)

    def is_connected(self, box: Box) -> bool:
        """Whether there is a session with the channel's peer now."""
        return self._neighbours().find(box.peer_index) is not None

    async def resume(self, box: Box) -> None:
        """Compare with the peer, and offer again what waits. Raises PeerError leaves, Refused."""
        session = self._neighbours().find(box.peer_index)
        if session is None:
            raise PeerUnreachable(box.peer_index, "not connected")
        await self._sync(box, session)

    async def learn(self, box: Box, session: Session) -> None:
        """Take from the peer what this store lacks. Raises PeerError leaves, Refused."""
        await self._standings.ask(box, session)

    async def flush(self, box: Box, timeout_s: float) -> None:
        """Wait until the peer holds every voucher signed here. Raises PaymentsInFlight."""
        try:
            async with asyncio.timeout(timeout_s):
                while box.deliveries:
                    changed = box.changed
                    await self._ready(box)
                    if box.deliveries:
                        await changed.wait()
        except (TimeoutError, PeerNotReady, PeerUnreachable):
            raise PaymentsInFlight(box.channel_id, len(box.deliveries)) from None

    def _sign(
        self, box: Box, payment: Payment, payment_id: str
    ) -> tuple[Delivery, asyncio.Future[None]]:
        if asyncio.get_running_loop().time() < box.paused_until:
            raise ChannelClosing(box.channel_id)
        self._copies.require_sole()
        box.require_wanted()
        final_time = self._clock().final_time
        box.state, voucher = sign_payment(
            box.state, payment, final_time, self._payer.sign, box.trusted_ntok
        )
        outgoing = Outgoing(payment_id, voucher, payment)
        bill = _bill(box, payment, payment_id, voucher.lane_value, Direction.OUT)
        return box.add(outgoing), self._store.write(SaveSigned(voucher, outgoing, bill))

    def _deliver(
        self, box: Box, session: Session, delivery: Delivery, written: asyncio.Future[None]
    ) -> None:
        """Once the voucher is on disk, or never will be; whether or not anybody still waits."""
        failure = asyncio.CancelledError() if written.cancelled() else written.exception()
        if failure is None:
            self._offer(box, session, delivery)
        elif not delivery.acknowledged.done():
            delivery.acknowledged.set_exception(failure)
            delivery.acknowledged.exception()

    def _offer(self, box: Box, session: Session, delivery: Delivery) -> None:
        """Send a voucher that is on disk; its answer is taken care of whenever it comes."""
        sent = delivery.outgoing
        energy_wh, price = sent.payment.energy_wh, sent.payment.price_utok_per_kwh
        answer = session.start(Pay(0, sent.payment_id, sent.voucher, energy_wh, price))

        def on_answer(future: asyncio.Future[Answer]) -> None:
            error = None if future.cancelled() else future.exception()
            frame = None if future.cancelled() or error else future.result()
            if isinstance(frame, Ack) and frame.lane_value >= sent.voucher.lane_value:
                self._acknowledged(box, sent.voucher.lane_value)
                return
            if box.synced is session:
                box.synced = None  # compare again before anything more is signed
            box.notify()
            if not delivery.acknowledged.done():
                problem = str(error) if error else "a senseless answer"
                failure = PaymentPending(sent.payment_id, box.peer_index, problem)
                delivery.acknowledged.set_exception(failure)
                delivery.acknowledged.exception()

        answer.add_done_callback(on_answer)

    def _acknowledged(self, box: Box, lane_value: int) -> None:
        if box.settle(lane_value):
            self._store.write_soon(Acknowledged(box.channel_id, lane_value))

    async def _acknowledgement(
        self, box: Box, delivery: Delivery, written: asyncio.Future[None] | None = None
    ) -> None:
        """Raises PaymentPending, and not before it is on disk; StoreFailed."""
        acknowledged = delivery.acknowledged
        await asyncio.wait((acknowledged,), timeout=self._payer.timeout_s)
        if not acknowledged.done() and written is not None:
            await asyncio.wait((written,))  # and then `_deliver` has run
        if not acknowledged.done():
            reason = f"no acknowledgement in {self._payer.timeout_s:g} s"
            raise PaymentPending(delivery.outgoing.payment_id, box.peer_index, reason)
        acknowledged.result()

    async def _resume(self, box: Box, delivery: Delivery) -> None:
        payment_id = delivery.outgoing.payment_id
        try:
            await self._ready(box)
        except (PeerNotReady, PeerUnreachable) as error:
            raise PaymentPending(payment_id, box.peer_index, str(error)) from error
        waiting = box.find_payment(payment_id)
        if waiting is not None:
            await self._acknowledgement(box, waiting)

    async def _known(self, box: Box, payment: Payment, payment_id: str) -> int | None:
        """The lane value of an earlier payment with this id. Raises PaymentIdReused."""
        waiting = box.find_payment(payment_id)
        if waiting is not None:
            if waiting.outgoing.payment != payment:
                raise PaymentIdReused(payment_id)
            return waiting.outgoing.voucher.lane_value
        bill = await self._find_bill(Direction.OUT, payment_id, box.channel_id)
        if bill is None:
            return None
        if (bill.energy_wh, bill.price_utok_per_kwh) != (
            payment.energy_wh,
            payment.price_utok_per_kwh,
        ):
            raise PaymentIdReused(payment_id)
        return bill.lane_value

    async def _find_bill(
        self, direction: Direction, payment_id: str, channel_id: int
    ) -> Bill | None:
        await self._store.write()  # after everything that is on its way to disk
        return await asyncio.to_thread(self._store.find_bill, direction, payment_id, channel_id)

    async def _ready(self, box: Box) -> Session:
        """A session on which both ends agree, waiting for one. Nothing is signed before.

        Raises PeerUnreachable, PeerNotReady, Refused.
        """
        if box.synced is not None and box.is_synced:
            return box.synced
        loop = asyncio.get_running_loop()
        end = loop.time() + self._payer.timeout_s
        while True:
            left_s = max(0.01, end - loop.time())
            session = await self._neighbours().session(box.peer_index, left_s)
            try:
                await self._sync(box, session)
            except (PeerNotReady, PeerUnreachable) as error:
                lasting = isinstance(error, PeerNotReady) and error.reason_code not in _PASSING
                if lasting or loop.time() + _ASK_AGAIN_S >= end:
                    raise
                await asyncio.sleep(_ASK_AGAIN_S)
                continue
            return session

    async def _sync(self, box: Box, session: Session) -> None:
        async with box.sync_lock:
            if box.synced is session and session.is_open:
                return
            standing = await self._standings.compare(box, session)
            box.trusted_ntok = standing.trust_limit_ntok
            # From here on payers wait for `sync_lock`: what the barrier does not wait for would be
            # offered below before it is on disk.
            box.synced = None
            await self._store.write()
            for value, delivery in list(box.deliveries.items()):
                if delivery.acknowledged.done():
                    delivery = box.deliveries[value] = Delivery(
                        delivery.outgoing, asyncio.get_running_loop().create_future()
                    )
                self._offer(box, session, delivery)
            box.synced = session

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    # --- the payee's side -----------------------------------------------------------------------

    async def take(self, session: Session, frame: Pay) -> Ack:
        """A payment from a neighbour. Raises BadPayment, Refused leaves, StoreFailed."""
        box = self._box(session, frame.voucher.channel_id)
        check_payment_id(frame.payment_id)
        payment = Payment(frame.energy_wh, frame.price_utok_per_kwh)
        voucher = frame.voucher
        try:
            box.require_wanted()
            box.state = accept_voucher(
                box.state,
                voucher,
                payment,
                self._clock(),
                self._payer.key_hash,
                self._payer.policy,
            )
        except (VoucherFalls, VoucherRepeats):
            bill = await self._find_bill(Direction.IN, frame.payment_id, box.channel_id)
            if bill is None or bill.lane_value != voucher.lane_value:
                raise
            return Ack(frame.id, voucher.lane_value)
        bill = _bill(box, payment, frame.payment_id, voucher.lane_value, Direction.IN)
        await self._store.write(SaveReceived(voucher, bill))
        box.notify()
        self.on_received()
        return Ack(frame.id, voucher.lane_value)

    def _box(self, session: Session, channel_id: int) -> Box:
        box = self._boxes.get(channel_id)
        if box is None or box.peer_index != session.peer_index:
            raise UnknownChannel(channel_id)
        return box


def _receipt(box: Box, lane_value: int, payment: Payment, payment_id: str, began: float) -> Receipt:
    latency_ms = (time.perf_counter() - began) * 1_000
    return Receipt(payment_id, box.channel_id, lane_value, payment.amount_ntok, latency_ms)


def _bill(
    box: Box, payment: Payment, payment_id: str, lane_value: int, direction: Direction
) -> Bill:
    return Bill(
        payment_id=payment_id,
        channel_id=box.channel_id,
        peer_index=box.peer_index,
        direction=direction,
        energy_wh=payment.energy_wh,
        amount_ntok=payment.amount_ntok,
        price_utok_per_kwh=payment.price_utok_per_kwh,
        lane_value=lane_value,
        time_ms=time.time_ns() // 1_000_000,
        is_acknowledged=direction is Direction.IN,
    )
