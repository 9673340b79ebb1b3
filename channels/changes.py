"""How each change is written. The tables themselves refuse a lane that falls or repeats."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from channels.errors import StoreFailed
from channels.pruning import learn
from channels.records import (
    Acknowledged,
    Bill,
    Change,
    Direction,
    DropForced,
    SaveClose,
    SaveEpoch,
    SaveForced,
    SaveHanded,
    SaveIntent,
    SaveLeaf,
    SaveReceived,
    SaveRestored,
    SaveSigned,
    SaveStopped,
    SaveSubmission,
    SaveWitnesses,
)
from channels.schema import (
    bills,
    channels,
    close_text,
    forced,
    handed,
    identity,
    leaf_text,
    outgoing,
    submissions,
    transaction_text,
    voucher_text,
    wide,
)
from channels.witness_rows import save_witnesses

# Built once: the statements of every payment.
_RAISE = {
    which: update(channels)
    .where((channels.c.channel_id == bindparam("at")) & (lane < bindparam("value")))
    .values({which: bindparam("document"), lane.name: bindparam("value")})
    for which, lane in (
        ("signed", channels.c.signed_lane),
        ("received", channels.c.received_lane),
    )
}
_WAITING = (outgoing.c.channel_id == bindparam("at")) & (
    outgoing.c.lane_value <= bindparam("value")
)
_MARK_BILLS = (
    update(bills)
    .where(
        (bills.c.direction == Direction.OUT.value)
        & (bills.c.channel_id == bindparam("at"))
        & bills.c.lane_value.in_(select(outgoing.c.lane_value).where(_WAITING))
    )
    .values(is_acknowledged=True)
)
_DROP_OUTGOING = delete(outgoing).where(_WAITING)
_INSERT_OUTGOING = insert(outgoing)
_INSERT_BILL = insert(bills)


def apply(connection: Connection, change: Change, path: str) -> None:
    """Write one change. Raises StoreFailed where the tables do not allow it."""
    if isinstance(change, SaveSigned):
        _save_signed(connection, change, path)
    elif isinstance(change, SaveReceived):
        voucher, document = change.voucher, voucher_text(change.voucher)
        if change.bill is None:
            learn(connection, voucher, Direction.IN)
        _raise_lane(connection, voucher.channel_id, "received", voucher.lane_value, document, path)
        if change.bill is not None:
            _save_bill(connection, change.bill)
    elif isinstance(change, Acknowledged):
        _acknowledge(connection, change)
    elif isinstance(change, SaveLeaf):
        _save_leaf(connection, change)
    elif isinstance(change, SaveRestored):
        mark = {"is_restored": True, "quiet_until": change.quiet_until}
        _update_channel(connection, change.channel_id, mark, path)
    elif isinstance(change, SaveStopped):
        connection.execute(update(identity).values(stopped=change.reason))
    elif isinstance(change, SaveEpoch):
        connection.execute(update(identity).values(epoch=change.epoch))
    elif isinstance(change, SaveClose):
        _save_close(connection, change, path)
    elif isinstance(change, SaveIntent):
        wish = {"intent": change.intent.value, "wished_at": change.wished_at}
        _update_channel(connection, change.channel_id, wish, path)
    elif isinstance(change, SaveWitnesses):
        save_witnesses(connection, change.witnesses)
    elif isinstance(change, SaveSubmission):
        _save_submission(connection, change)
    elif isinstance(change, SaveForced):
        _save_forced(connection, change)
    elif isinstance(change, DropForced):
        connection.execute(delete(forced).where(forced.c.want == change.key))
    else:
        _save_handed(connection, change)


def _raise_lane(
    connection: Connection, channel_id: int, which: str, lane_value: int, document: str, path: str
) -> None:
    values = {"at": wide(channel_id), "document": document, "value": wide(lane_value)}
    if connection.execute(_RAISE[which], values).rowcount != 1:
        raise StoreFailed(path, f"the {which} lane of channel {channel_id:#x} does not rise")


def _save_signed(connection: Connection, change: SaveSigned, path: str) -> None:
    voucher = change.voucher
    document = voucher_text(voucher)
    if change.bill is None:
        learn(connection, voucher, Direction.OUT)
    _raise_lane(connection, voucher.channel_id, "signed", voucher.lane_value, document, path)
    if change.outgoing is not None:
        payment = change.outgoing.payment
        connection.execute(
            _INSERT_OUTGOING,
            {
                "channel_id": wide(voucher.channel_id),
                "lane_value": wide(voucher.lane_value),
                "payment_id": change.outgoing.payment_id,
                "voucher": document,
                "energy_wh": payment.energy_wh,
                "price": str(payment.price_utok_per_kwh),
            },
        )
    if change.bill is not None:
        _save_bill(connection, change.bill)


def _save_bill(connection: Connection, bill: Bill) -> None:
    connection.execute(
        _INSERT_BILL,
        {
            "payment_id": bill.payment_id,
            "channel_id": wide(bill.channel_id),
            "peer_index": bill.peer_index,
            "direction": bill.direction.value,
            "energy_wh": bill.energy_wh,
            "amount_ntok": bill.amount_ntok,
            "price": str(bill.price_utok_per_kwh),
            "lane_value": wide(bill.lane_value),
            "time_ms": bill.time_ms,
            "is_acknowledged": bill.is_acknowledged,
        },
    )


def _acknowledge(connection: Connection, change: Acknowledged) -> None:
    values = {"at": wide(change.channel_id), "value": wide(change.lane_value)}
    connection.execute(_MARK_BILLS, values)
    connection.execute(_DROP_OUTGOING, values)


def _save_leaf(connection: Connection, change: SaveLeaf) -> None:
    state = change.state
    seen: dict[str, Any] = {
        "leaf": None if state.verified is None else leaf_text(state.verified),
        "is_gone": state.is_gone,
    }
    connection.execute(
        upsert(channels)
        .values(channel_id=wide(state.channel_id), side=int(state.side), **seen)
        .on_conflict_do_update(index_elements=["channel_id"], set_=seen)
    )


def _save_close(connection: Connection, change: SaveClose, path: str) -> None:
    state = change.state
    if state.close is None:
        raise StoreFailed(path, f"channel {state.channel_id:#x} has no CLOSE to save")
    _update_channel(connection, state.channel_id, {"close": close_text(state.close)}, path)


def _update_channel(
    connection: Connection, channel_id: int, values: dict[str, Any], path: str
) -> None:
    at = channels.c.channel_id == wide(channel_id)
    if connection.execute(update(channels).where(at).values(values)).rowcount != 1:
        raise StoreFailed(path, f"channel {channel_id:#x} is not in the store")


def _save_submission(connection: Connection, change: SaveSubmission) -> None:
    sent = change.submission
    connection.execute(
        upsert(submissions)
        .values(
            transaction_id=sent.transaction_id,
            document=transaction_text(sent.transaction),
            purpose=sent.purpose,
            channel_id=None if sent.channel_id is None else wide(sent.channel_id),
            nonce=sent.nonce,
            is_settled=sent.is_settled,
        )
        .on_conflict_do_update(
            index_elements=["transaction_id"], set_={"is_settled": sent.is_settled}
        )
    )


def _save_forced(connection: Connection, change: SaveForced) -> None:
    record, signed = change.record, change.record.signed
    fields = {
        "transaction_hash": signed.transaction_hash,
        "raw": signed.raw,
        "nonce": signed.nonce,
        "signed_at": record.signed_at,
        "op_number": record.op_number,
        "is_void": record.is_void,
    }
    connection.execute(
        upsert(forced)
        .values(want=record.key, **fields)
        .on_conflict_do_update(index_elements=["want"], set_=fields)
    )


def _save_handed(connection: Connection, change: SaveHanded) -> None:
    value = {"lane_value": wide(change.lane_value)}
    connection.execute(
        upsert(handed)
        .values(tower=change.tower, channel_id=wide(change.channel_id), **value)
        .on_conflict_do_update(index_elements=["tower", "channel_id"], set_=value)
    )
