"""How a bill's file holds reckonings: the channels behind them, and vouchers with signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from energy.bills.reckoning import OnL1, PaidChannel, Reckoning
from energy.canonical import Value
from energy.errors import BadDocument
from energy.fields import Fields
from protocol.channels import Lane
from protocol.crypto.field import check_fr
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.errors import OutOfRange
from protocol.units import INDEX_BITS
from protocol.vouchers import Voucher

MOST_ROWS = 1_000_000
MOST_MONEY = 1 << 80
_WIDE, _ELEMENT = 12, 32


def reckoning_out(reckoning: Reckoning) -> Mapping[str, Value]:
    """A reckoning's fields."""
    return {
        "other": reckoning.other,
        "before_ntok": reckoning.before_ntok,
        "lines_ntok": reckoning.lines_ntok,
        "after_ntok": reckoning.after_ntok,
        "channels": [_channel_out(one) for one in reckoning.channels],
    }


def reckoning_in(fields: Fields) -> Reckoning:
    """A reckoning, of which only the form is checked. Raises BadDocument."""
    reckoning = Reckoning(
        index(fields, "other"),
        _pair(fields, "before_ntok"),
        _pair(fields, "lines_ntok"),
        _pair(fields, "after_ntok"),
        tuple(_channel_in(one) for one in inner(fields, "channels", MOST_ROWS, "a channel")),
    )
    fields.end()
    return reckoning


def _channel_out(channel: PaidChannel) -> Mapping[str, Value]:
    return {
        "channel_id": octets(channel.channel_id),
        "side": int(channel.side),
        "lane_ab": octets(channel.lane_ab),
        "lane_ba": octets(channel.lane_ba),
        "vouchers": [_voucher_out(one) for one in channel.vouchers],
        "on_l1": [
            {
                "batch": one.batch,
                "lane": int(one.lane),
                "lane_value": octets(one.lane_value),
            }
            for one in channel.on_l1
        ],
        "opened": channel.opened,
        "ended": channel.ended,
        "start_ab_ntok": channel.start_ab_ntok,
        "start_ba_ntok": channel.start_ba_ntok,
    }


def _channel_in(fields: Fields) -> PaidChannel:
    channel_id = wide(fields, "channel_id")
    channel = PaidChannel(
        channel_id,
        _lane(fields, "side"),
        wide(fields, "lane_ab"),
        wide(fields, "lane_ba"),
        tuple(_voucher_in(one, channel_id) for one in inner(fields, "vouchers", 2, "a voucher")),
        tuple(_on_l1_in(one) for one in inner(fields, "on_l1", MOST_ROWS, "a place on L1")),
        fields.whole("opened"),
        fields.whole("ended"),
        fields.whole("start_ab_ntok", 0, MOST_MONEY),
        fields.whole("start_ba_ntok", 0, MOST_MONEY),
    )
    fields.end()
    return channel


def _on_l1_in(fields: Fields) -> OnL1:
    found = OnL1(fields.whole("batch"), _lane(fields, "lane"), wide(fields, "lane_value"))
    fields.end()
    return found


def _voucher_out(voucher: Voucher) -> Mapping[str, Value]:
    key, r = voucher.signature.key, voucher.signature.r
    return {
        "lane": int(voucher.lane),
        "lane_value": octets(voucher.lane_value),
        "signature": [
            one.to_bytes(_ELEMENT, "big") for one in (key.x, key.y, r.x, r.y, voucher.signature.s)
        ],
    }


def _voucher_in(fields: Fields, channel_id: int) -> Voucher:
    lane, lane_value = _lane(fields, "lane"), wide(fields, "lane_value")
    parts = [
        int.from_bytes(one, "big")
        for one in fields.items("signature", 5)
        if isinstance(one, bytes) and len(one) == _ELEMENT
    ]
    if len(parts) != 5:
        raise fields.refused("signature", "is not five field elements")
    fields.end()
    try:
        key_x, key_y, r_x, r_y, s = (check_fr("signature", one) for one in parts)
        signature = Signature(Point(key_x, key_y), Point(r_x, r_y), s)
        return Voucher(channel_id, lane, lane_value, signature)
    except OutOfRange as error:
        raise BadDocument(fields.what, str(error)) from error


def octets(given: int) -> bytes:
    """A channel id or a lane value, 12 bytes, the highest first."""
    return given.to_bytes(_WIDE, "big")


def inner(fields: Fields, name: str, most: int, what: str) -> Sequence[Fields]:
    """The maps of a list, each named `what` in errors. Raises BadDocument."""
    return [Fields(one, what) for one in fields.items(name, most)]


def index(fields: Fields, name: str) -> int:
    """An account. Raises BadDocument."""
    return fields.whole(name, 0, (1 << INDEX_BITS) - 1)


def _pair(fields: Fields, name: str) -> tuple[int, int]:
    found = fields.items(name, 2)
    if len(found) != 2 or not all(type(one) is int and abs(one) < MOST_MONEY for one in found):
        raise fields.refused(name, "is no pair of amounts")
    first, second = found
    assert isinstance(first, int)
    assert isinstance(second, int)
    return first, second


def wide(fields: Fields, name: str) -> int:
    """A channel id or a lane value. Raises BadDocument."""
    return int.from_bytes(fields.octets(name, _WIDE), "big")


def _lane(fields: Fields, name: str) -> Lane:
    return Lane(fields.whole(name, 0, 1))
