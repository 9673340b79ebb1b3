"""What a node keeps besides its lanes: bills, vouchers not yet acknowledged, and transactions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from channels.forced import ForcedRecord
from channels.lanes import ChannelState, Payment
from channels.witnesses import WitnessSet
from protocol.channels import lane_paid_ntok, lane_wh, pack_lane
from protocol.transactions import Transaction
from protocol.vouchers import Voucher


class Direction(Enum):
    """Whether this node paid or was paid."""

    OUT = "out"
    IN = "in"


class Intent(Enum):
    """What the owner wants of a channel; the node works towards it across restarts."""

    KEEP = "keep"
    CLOSE = "close"
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class Bill:
    """One payment, for bills: `time_ms` is this node's clock, Unix milliseconds."""

    payment_id: str
    channel_id: int
    peer_index: int
    direction: Direction
    energy_wh: int
    amount_ntok: int
    price_utok_per_kwh: int
    lane_value: int
    time_ms: int
    is_acknowledged: bool


@dataclass(frozen=True, slots=True)
class Total:
    """What was paid one way in a channel from `start_s` (Unix seconds) on, for `span_s` seconds:
    of the payments that are no longer kept one by one."""

    channel_id: int
    direction: Direction
    span_s: int
    start_s: int
    payments: int
    energy_wh: int
    amount_ntok: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A signed voucher that its payee has not acknowledged yet."""

    payment_id: str
    voucher: Voucher
    payment: Payment

    @property
    def lane_before(self) -> int:
        """The lane value that the payment was added to."""
        value = self.voucher.lane_value
        energy_wh = lane_wh(value) - self.payment.energy_wh
        return pack_lane(energy_wh, lane_paid_ntok(value) - self.payment.amount_ntok)


@dataclass(frozen=True, slots=True)
class Submission:
    """A transaction this node has sent to the sequencer. Ended ones are `is_settled`."""

    transaction_id: str
    transaction: Transaction
    purpose: str
    channel_id: int | None
    nonce: int | None
    is_settled: bool


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """A channel as it stands on disk."""

    state: ChannelState
    intent: Intent
    outgoing: tuple[Outgoing, ...]
    wished_at: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose store it is: one wallet's account in one rollup. `contract`: its address on L1."""

    domain: int
    account_index: int
    key_hash: int
    contract: str | None = None


# --- changes: what one atomic write is made of --------------------------------------------------


@dataclass(frozen=True, slots=True)
class SaveLeaf:
    """The channel with what the newest verified root says of it (a new channel, or a known one)."""

    state: ChannelState


@dataclass(frozen=True, slots=True)
class SaveSigned:
    """The own lane's new highest voucher; with `outgoing` it waits for acknowledgement.

    Without a bill it was learned from the peer, and counts in the totals only.
    """

    voucher: Voucher
    outgoing: Outgoing | None = None
    bill: Bill | None = None


@dataclass(frozen=True, slots=True)
class SaveReceived:
    """The peer's lane's new highest voucher and its bill; none where it is learned anew."""

    voucher: Voucher
    bill: Bill | None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The peer holds a voucher of at least this lane value."""

    channel_id: int
    lane_value: int


@dataclass(frozen=True, slots=True)
class SaveRestored:
    """What this store holds of the channel may be older than what was: ask before signing."""

    channel_id: int
    quiet_until: int


@dataclass(frozen=True, slots=True)
class SaveStopped:
    """Another copy of this node has signed: this one signs no more, across restarts."""

    reason: str


@dataclass(frozen=True, slots=True)
class SaveEpoch:
    """A higher epoch of this copy."""

    epoch: int


@dataclass(frozen=True, slots=True)
class SaveClose:
    """The channel's signed CLOSE."""

    state: ChannelState


@dataclass(frozen=True, slots=True)
class SaveIntent:
    """What the owner wants of the channel, since `wished_at` on L1."""

    channel_id: int
    intent: Intent
    wished_at: int = 0


@dataclass(frozen=True, slots=True)
class SaveSubmission:
    """A transaction before it is sent, or after its end is known."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class SaveWitnesses:
    """The home's leaves in one root with their paths."""

    witnesses: WitnessSet


@dataclass(frozen=True, slots=True)
class SaveForced:
    """A transaction with a forced op, before it is sent, or with what became of it."""

    record: ForcedRecord


@dataclass(frozen=True, slots=True)
class DropForced:
    """A forced op's transaction that can never take effect."""

    key: str


@dataclass(frozen=True, slots=True)
class SaveHanded:
    """A watchtower has on disk the peer's voucher of this lane value."""

    tower: str
    channel_id: int
    lane_value: int


Change = (
    SaveLeaf
    | SaveSigned
    | SaveReceived
    | Acknowledged
    | SaveRestored
    | SaveStopped
    | SaveEpoch
    | SaveClose
    | SaveIntent
    | SaveSubmission
    | SaveWitnesses
    | SaveForced
    | DropForced
    | SaveHanded
)
