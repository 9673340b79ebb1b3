"""What both ends hold of a channel, compared before anything is signed on a session.

Each side tells the other its highest voucher of the other's, and the highest of its own that was
acknowledged. A store that was put back from a backup learns both: its own lane, which it must not
sign below, and its income. What a payer learns this way is its own signature; a payee that shows
an older one, or none, gives up money. Ref: docs/node.md, "After a restore".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from channels.box import Box, Delivery
from channels.copy_desk import CopyDesk
from channels.errors import BadPayment, PeerNotReady, PeerRefused, Refused, UnknownChannel
from channels.frames import Ack, Ask, AskPaid, Standing
from channels.lanes import (
    ChannelState,
    L1Clock,
    Sign,
    adopt_received,
    adopt_signed,
    mark_restored,
    require_acceptable,
)
from channels.policy import Policy
from channels.records import Bill, Direction, SaveReceived, SaveRestored, SaveSigned
from channels.sessions import Session
from channels.store import Store
from protocol.vouchers import Voucher, voucher_message

_log = structlog.get_logger(__name__)
_PAYMENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money it is, and the limits that its owner has set."""

    sign: Sign
    key_hash: int
    policy: Policy
    timeout_s: float


def check_payment_id(payment_id: str) -> None:
    """Raises BadPayment unless it is 1 to 100 of A-Z a-z 0-9 . _ : -"""
    if not isinstance(payment_id, str) or not _PAYMENT_ID.fullmatch(payment_id):
        raise BadPayment("payment_id", str(payment_id)[:100])


class StandingDesk:
    """Comparing with the neighbours of one node. `clock` is L1's, as this node sees it."""

    def __init__(
        self,
        payer: Payer,
        store: Store,
        boxes: dict[int, Box],
        clock: Callable[[], L1Clock],
        copies: CopyDesk,
    ) -> None:
        self._payer = payer
        self._store = store
        self._boxes = boxes
        self._clock = clock
        self.copies = copies
        self.on_acknowledged: Callable[[Box, int], None] = lambda box, lane_value: None
        """Called with what the peer holds of the own lane."""
        self.on_received: Callable[[], None] = lambda: None
        """Called whenever income was learned again."""

    # --- asking ---------------------------------------------------------------------------------

    async def compare(self, box: Box, session: Session) -> Standing:
        """What the peer holds, once this side has learned what it lacks and both agree.

        Raises SecondCopy and other Refused leaves, PeerUnreachable, PeerNotReady, StoreFailed.
        """
        standing = await self.ask(box, session)
        if standing.code:
            raise PeerNotReady(box.peer_index, standing.code, standing.detail)
        self._require_agreed(box, standing)
        return standing

    async def ask(self, box: Box, session: Session) -> Standing:
        """What the peer holds, once this side has learned what it lacks. Raises as `compare`."""
        try:
            await self.copies.present(session)
            standing = await session.request(Ask(0, box.channel_id), self._payer.timeout_s)
        except PeerRefused as error:
            raise PeerNotReady(box.peer_index, error.reason_code, error.detail) from error
        if not isinstance(standing, Standing):
            raise PeerNotReady(box.peer_index, "BadFrame", "a senseless answer")
        await self._learn(box, standing)
        return standing

    async def known_to_peer(self, box: Box, session: Session, payment_id: str) -> int | None:
        """What this store forgot may hold this very payment; the payee knows.

        Raises PeerUnreachable, PeerNotReady: nothing was signed.
        """
        question = AskPaid(0, box.channel_id, payment_id)
        try:
            answer = await session.request(question, self._payer.timeout_s)
        except PeerRefused as error:
            raise PeerNotReady(box.peer_index, error.reason_code, error.detail) from error
        if not isinstance(answer, Ack):
            raise PeerNotReady(box.peer_index, "BadFrame", "a senseless answer")
        return answer.lane_value or None

    async def _learn(self, box: Box, standing: Standing) -> None:
        """Take what the peer has of this side's. Raises SecondCopy, Refused leaves, StoreFailed."""
        if standing.received is not None:
            await self._take_back(box, standing.received)
        if standing.settled is not None:
            await self._take_again(box, standing.settled)

    async def _take_back(self, box: Box, shown: Voucher) -> None:
        """A voucher of this account's that may be higher than any that this store knows.

        It is this account's signature: a store that never forgot anything did not sign it, so
        another copy did. Raises SecondCopy.
        """
        before = box.state
        after = adopt_signed(before, shown)
        if after is not before:
            if before.signed is not None and not before.is_restored:
                await self.copies.stop(
                    f"account {box.peer_index} shows a voucher of this account's in channel "
                    f"{box.channel_id:#x} that is not in this folder"
                )
                self.copies.require_sole()
            box.state = self._restored(after)
            _log.warning("own voucher taken back from the peer", channel=hex(box.channel_id))
            await self._store.write(SaveSigned(shown), self._mark(box))
        self.on_acknowledged(box, shown.lane_value)

    async def _take_again(self, box: Box, shown: Voucher) -> None:
        """A voucher of the peer's that this account has acknowledged, it says."""
        before = box.state
        after = adopt_received(before, shown)
        if after is before:
            return
        if before.received is not None and not before.is_restored:
            # Anyone can say so, at the cost of a voucher: it stops nothing, and is not believed.
            _log.warning("the peer says that more was acknowledged", channel=hex(box.channel_id))
            self.copies.doubt(box.peer_index)
            return
        box.state = self._restored(after)
        _log.warning("income learned again from the peer", channel=hex(box.channel_id))
        await self._store.write(SaveReceived(shown, None), self._mark(box))
        box.notify()
        self.on_received()

    def _restored(self, state: ChannelState) -> ChannelState:
        return mark_restored(state, self._clock().final_time)

    def _mark(self, box: Box) -> SaveRestored:
        return SaveRestored(box.channel_id, box.state.quiet_until)

    def _require_agreed(self, box: Box, standing: Standing) -> None:
        """Nothing is signed on lanes that are not agreed upon. Raises PeerNotReady."""
        state = box.state
        in_leaf = state.verified.leaf.lane(state.side) if state.verified else 0
        held = max(standing.received.lane_value if standing.received else 0, in_leaf)
        if held < _settled_lane(box):
            detail = "it acknowledged more than it shows; its owner runs `wattlane node recover`"
            raise PeerNotReady(box.peer_index, "PeerForgot", detail)
        if state.is_restored and box.soft and box.soft.lane(state.side) > state.signed_lane:
            detail = "the sequencer has a voucher of this account's that is not final yet"
            raise PeerNotReady(box.peer_index, "ClaimNotFinal", detail)

    # --- being asked ----------------------------------------------------------------------------

    async def standing(self, session: Session, frame: Ask) -> Standing:
        """What this side holds of a channel, once on disk, and whether it takes vouchers."""
        box = self._box(session, frame.channel_id)
        received, settled = box.state.received, self._settled(box)
        await self._store.write()  # what was taken since then is not on disk: it is not shown
        code = detail = ""
        try:
            box.require_wanted()
            policy = self._payer.policy
            require_acceptable(box.state, self._clock(), self._payer.key_hash, policy)
        except Refused as error:
            code, detail = error.code, str(error)[:500]
        trusted_ntok = self._payer.policy.trust_limit_ntok
        return Standing(frame.id, code, detail, trusted_ntok, received, settled)

    async def asked_paid(self, session: Session, frame: AskPaid) -> Ack:
        """Whether a payment has come: its lane value, or 0. Raises BadPayment, UnknownChannel."""
        box = self._box(session, frame.channel_id)
        check_payment_id(frame.payment_id)
        bill = await self._find_bill(frame.payment_id, box.channel_id)
        return Ack(frame.id, bill.lane_value if bill else 0)

    def _settled(self, box: Box) -> Voucher | None:
        """The highest voucher that the peer has acknowledged; signed again if it is not kept.

        The same lane value a second time says nothing new.
        """
        state, lane_value = box.state, _settled_lane(box)
        if state.signed is None or lane_value == 0:
            return None
        if state.signed.lane_value == lane_value:
            return state.signed
        message = voucher_message(state.domain, state.channel_id, state.side, lane_value)
        return Voucher(state.channel_id, state.side, lane_value, self._payer.sign(message))

    async def _find_bill(self, payment_id: str, channel_id: int) -> Bill | None:
        await self._store.write()  # after everything that is on its way to disk
        return await asyncio.to_thread(self._store.find_bill, Direction.IN, payment_id, channel_id)

    def _box(self, session: Session, channel_id: int) -> Box:
        box = self._boxes.get(channel_id)
        if box is None or box.peer_index != session.peer_index:
            raise UnknownChannel(channel_id)
        return box


def _settled_lane(box: Box) -> int:
    """The own lane before all that waits for its acknowledgement."""
    waiting = min(box.deliveries.values(), key=_lane_of, default=None)
    return box.state.signed_lane if waiting is None else waiting.outgoing.lane_before


def _lane_of(delivery: Delivery) -> int:
    return delivery.outgoing.voucher.lane_value
