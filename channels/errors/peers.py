"""A neighbour's node cannot be reached or does not do its part."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class PeerError(ChannelsError):
    """Base: a neighbour's node cannot be reached or does not do its part."""


@dataclass
class PeerUnreachable(PeerError):
    """No connection to the neighbour. Nothing was signed."""

    peer_index: int
    reason: str

    def __str__(self) -> str:
        return f"account {self.peer_index} cannot be reached ({self.reason})"


@dataclass
class PeerNotReady(PeerError):
    """The neighbour does not take vouchers in this channel now. Nothing was signed."""

    peer_index: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"account {self.peer_index} takes no payment: {self.reason_code}: {self.detail}"


@dataclass
class PaymentPending(PeerError):
    """The voucher is signed and saved, its acknowledgement has not come (peer gone, or slow).

    The node offers the same voucher again as soon as the peer is back; calling `pay` again with
    the same payment_id waits for that and never pays twice.
    """

    payment_id: str
    peer_index: int
    reason: str

    def __str__(self) -> str:
        return (
            f"payment {self.payment_id} to account {self.peer_index} is signed, not acknowledged "
            f"({self.reason}); it is offered again when the peer is back"
        )


@dataclass
class PeerRefused(PeerError):
    """The neighbour answered a request with a refusal; `reason_code` is its error's name."""

    peer_index: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"account {self.peer_index} refused: {self.reason_code}: {self.detail}"


@dataclass
class BadFrame(PeerError):
    """A frame that is too large, no JSON, or lacks or exceeds its fields."""

    reason: str

    def __str__(self) -> str:
        return f"bad frame: {self.reason}"


@dataclass
class FrameLost(PeerError):
    """A sealed frame is missing: the relay dropped it or changed the order. The link ends."""

    expected: int
    came: int

    def __str__(self) -> str:
        return f"frame {self.expected} was lost on its way: {self.came} came instead"


@dataclass
class RelayUnreachable(PeerError):
    """There is no connection to the relay, or it refuses this home."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the relay at {self.url} cannot be used: {self.reason}"


@dataclass
class HandshakeFailed(PeerError):
    """The other end is not the account it should be, or is on another rollup."""

    reason: str

    def __str__(self) -> str:
        return f"handshake failed: {self.reason}"


@dataclass
class PortInUse(PeerError):
    """The listening address is taken."""

    address: str

    def __str__(self) -> str:
        return f"{self.address} is in use; choose another port (0 takes any free one)"
