"""What a user holds of one channel: pay, top up, close; and plain records to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.box import Box
from channels.lanes import Payment
from channels.payments import PaymentDesk, Receipt
from protocol.channels import Lane, lane_paid_ntok, lane_wh


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel as this node knows it: vouchers of both sides over the newest final leaf.

    `status`: "open", "closing" or "closed", in the newest final root. `soft_status`: the same in
    the sequencer's soft state; `level`: how far that has come by the sequencer's word, "soft",
    "proved" or "final". `locked_until`: the L1 time until which a signed CLOSE silences the lanes,
    or 0.
    """

    channel_id: int
    slot: int | None
    peer_index: int
    side: str
    status: str
    soft_status: str
    level: str
    deadline: int
    window_s: int
    deposit_own_ntok: int
    deposit_peer_ntok: int
    paid_out_ntok: int
    paid_in_ntok: int
    energy_out_wh: int
    energy_in_wh: int
    unacknowledged: int
    locked_until: int

    @property
    def spendable_ntok(self) -> int:
        """What this side can still pay."""
        return self.deposit_own_ntok + self.paid_in_ntok - self.paid_out_ntok


def channel_info(box: Box) -> ChannelInfo:
    """The record of a box."""
    state = box.state
    verified = state.verified
    status = "closed" if state.is_gone else "unknown"
    if verified is not None and not state.is_gone:
        status = verified.leaf.status.name.lower()
    soft_status = status
    if box.level != "final":
        soft_status = box.soft.status.name.lower() if box.soft else "closed"
    return ChannelInfo(
        channel_id=state.channel_id,
        slot=verified.slot if verified else None,
        peer_index=state.peer_index,
        side="a" if state.side is Lane.AB else "b",
        status=status,
        soft_status=soft_status,
        level=box.level,
        deadline=verified.leaf.deadline if verified else 0,
        window_s=verified.leaf.window_s if verified else 0,
        deposit_own_ntok=state.deposit_ntok(state.side),
        deposit_peer_ntok=state.deposit_ntok(state.peer_side),
        paid_out_ntok=lane_paid_ntok(state.signed_lane),
        paid_in_ntok=lane_paid_ntok(state.received_lane),
        energy_out_wh=lane_wh(state.signed_lane),
        energy_in_wh=lane_wh(state.received_lane),
        unacknowledged=len(box.deliveries),
        locked_until=state.close.locked_until if state.close else 0,
    )


@dataclass(frozen=True, slots=True)
class Acts:
    """What a node does for its channels."""

    close: Callable[[Box, bool, float], Awaitable[None]]
    force_close: Callable[[Box, bool, float], Awaitable[None]]
    top_up: Callable[[Box, int, bool, float], Awaitable[str]]


class ChannelHandle:
    """One channel of an open node."""

    def __init__(self, box: Box, payments: PaymentDesk, acts: Acts) -> None:
        self._box = box
        self._payments = payments
        self._acts = acts

    def __repr__(self) -> str:
        return f"ChannelHandle({self.id:#x} with account {self._box.peer_index})"

    @property
    def id(self) -> int:
        """The channel's id."""
        return self._box.channel_id

    @property
    def info(self) -> ChannelInfo:
        """How it stands now."""
        return channel_info(self._box)

    async def pay(
        self, *, energy_wh: int, price_utok_per_kwh: int, payment_id: str | None = None
    ) -> Receipt:
        """Pay energy_wh * price ntok with one voucher; both sides have it on disk on return.

        With a `payment_id`, repeating the call pays only once. Raises BadPayment, and Refused
        leaves (OverCapacity, ChannelClosing, CloseSigned, ...), PeerUnreachable, PeerNotReady:
        nothing was signed. PaymentPending: signed and saved, offered until the peer has it.
        StoreFailed: the disk took it or not; repeat with the same payment_id after a restart.
        """
        payment = Payment(energy_wh, price_utok_per_kwh)
        return await self._payments.pay(self._box, payment, payment_id)

    async def ready(self) -> None:
        """Wait until the peer takes payments here. Raises PeerUnreachable, PeerNotReady."""
        await self._payments.ready(self._box)

    async def top_up(self, amount_ntok: int, *, wait: bool = True, timeout_s: float = 900.0) -> str:
        """Add to the own deposit; returns the transaction id, final unless `wait` is False.

        Raises BadPayment, FeeTooHigh, SequencerRefused, NotFinalInTime, StoreFailed.
        """
        return await self._acts.top_up(self._box, amount_ntok, wait, timeout_s)

    async def close(self, *, wait: bool = True, timeout_s: float = 900.0) -> None:
        """Close together with the peer; with `wait`, until the payout is final on L1.

        Raises PeerUnreachable, PeerNotReady, PeerRefused, PaymentsInFlight, Refused leaves,
        SequencerRefused, NotFinalInTime. If the peer fails half-way, `force_close`.
        """
        await self._acts.close(self._box, wait, timeout_s)

    async def force_close(self, *, wait: bool = True, timeout_s: float = 40 * 86_400.0) -> None:
        """Close without the peer: START_CLOSE, CLAIM, and FINALIZE after the window on L1.

        The node goes on with it across restarts; `wait` False returns once START_CLOSE is soft.
        Raises SequencerRefused, SequencerUnreachable, NotFinalInTime, StoreFailed.
        """
        await self._acts.force_close(self._box, wait, timeout_s)
