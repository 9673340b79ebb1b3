"""What an account says of its channels: what each lane carries and may carry, signed by its key.

A market holds no money and sees no channel, but no trade may be made that cannot be paid. So both
ends of a channel state it, and the lower of their two words counts: whoever says too much is
bounded by the one who would be paid. From the same statements it follows what was paid before the
market began to count: a channel's first one is where its lanes start from.

Each also names the newest entry of the journal that its account has followed, with its chain value:
a market that shows two homes two journals cannot put it into both.
"""

from __future__ import annotations

from dataclasses import dataclass

from energy.canonical import Value, decode, encode
from energy.errors import BadDocument
from energy.fields import Fields
from energy.market.entries import BEGINNING, CHAIN_BYTES
from protocol.units import (
    AMOUNT_BITS,
    CHANNEL_ID_BITS,
    INDEX_BITS,
    LANE_PAID_BITS,
    LANE_WH_BITS,
    NONCE_BITS,
)

TYPE = "funds"
MOST_CHANNELS = 1_000
_ID_BYTES = CHANNEL_ID_BITS // 8
_INDEX_MASK = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class ChannelFunds:
    """A channel as one of its two ends sees it; `is_open`: vouchers can still move in it.

    `deposit_ntok`, `peer_deposit_ntok`: in the newest final root. `paid_*`: all that this end has
    ever promised on its lane, and `got_*` all that the other has.
    """

    channel_id: int
    is_open: bool
    deposit_ntok: int
    peer_deposit_ntok: int
    paid_wh: int
    paid_ntok: int
    got_wh: int
    got_ntok: int

    @property
    def accounts(self) -> tuple[int, int]:
        """The two accounts of the channel."""
        return self.channel_id & _INDEX_MASK, self.channel_id >> 32 & _INDEX_MASK

    def peer_of(self, account: int) -> int:
        """The other account."""
        first, second = self.accounts
        return second if account == first else first

    @property
    def most_out_ntok(self) -> int:
        """All that this end's lane can ever carry as things stand."""
        return self.deposit_ntok + self.got_ntok if self.is_open else self.paid_ntok

    @property
    def most_in_ntok(self) -> int:
        """All that the other end's lane can ever carry as things stand."""
        return self.peer_deposit_ntok + self.paid_ntok if self.is_open else self.got_ntok


@dataclass(frozen=True, slots=True)
class Funds:
    """What `account` says at `time_ms` (its own clock) of its channels, one line each, in order.

    `number`: from 1, one more with each statement. `seen_seq`, `seen_chain`: the newest entry of
    the journal that the account has followed, 0 for none. Raises BadDocument.
    """

    account: int
    number: int
    time_ms: int
    channels: tuple[ChannelFunds, ...]
    seen_seq: int = 0
    seen_chain: bytes = BEGINNING

    def __post_init__(self) -> None:
        ids = [one.channel_id for one in self.channels]
        if ids != sorted(set(ids)):
            raise BadDocument(TYPE, "its channels are not each there once, in order")
        for one in self.channels:
            if self.account not in one.accounts:
                reason = f"channel {one.channel_id:#x} is none of account {self.account}"
                raise BadDocument(TYPE, reason)


def encode_funds(funds: Funds) -> bytes:
    """The canonical bytes that the account signs."""
    return encode(
        {
            "type": TYPE,
            "account": funds.account,
            "number": funds.number,
            "time_ms": funds.time_ms,
            "channels": [_channel_value(one) for one in funds.channels],
            "seen": funds.seen_seq,
            "seen_chain": funds.seen_chain,
        }
    )


def decode_funds(encoded: bytes) -> Funds:
    """A statement from its canonical bytes; older ones say of no entry that they have seen it.

    Raises BadDocument.
    """
    fields = Fields(decode(encoded, TYPE), TYPE)
    fields.of_type(TYPE)
    seen = (0, BEGINNING)
    if fields.has("seen"):
        seen = fields.whole("seen"), fields.octets("seen_chain", CHAIN_BYTES)
    funds = Funds(
        account=fields.whole("account", most=(1 << INDEX_BITS) - 1),
        number=fields.whole("number", 1, (1 << NONCE_BITS) - 1),
        time_ms=fields.whole("time_ms"),
        channels=tuple(_channel_of(one) for one in fields.items("channels", MOST_CHANNELS)),
        seen_seq=seen[0],
        seen_chain=seen[1],
    )
    fields.end()
    return funds


def _channel_value(channel: ChannelFunds) -> Value:
    return {
        "channel": channel.channel_id.to_bytes(_ID_BYTES, "big"),
        "is_open": channel.is_open,
        "deposit_ntok": channel.deposit_ntok,
        "peer_deposit_ntok": channel.peer_deposit_ntok,
        "paid_wh": channel.paid_wh,
        "paid_ntok": channel.paid_ntok,
        "got_wh": channel.got_wh,
        "got_ntok": channel.got_ntok,
    }


def _channel_of(given: Value) -> ChannelFunds:
    fields = Fields(given, "channel's line")
    most_ntok, most_paid, most_wh = (
        (1 << bits) - 1 for bits in (AMOUNT_BITS, LANE_PAID_BITS, LANE_WH_BITS)
    )
    channel = ChannelFunds(
        channel_id=int.from_bytes(fields.octets("channel", _ID_BYTES), "big"),
        is_open=fields.flag("is_open"),
        deposit_ntok=fields.whole("deposit_ntok", most=most_ntok),
        peer_deposit_ntok=fields.whole("peer_deposit_ntok", most=most_ntok),
        paid_wh=fields.whole("paid_wh", most=most_wh),
        paid_ntok=fields.whole("paid_ntok", most=most_paid),
        got_wh=fields.whole("got_wh", most=most_wh),
        got_ntok=fields.whole("got_ntok", most=most_paid),
    )
    fields.end()
    return channel
