"""How each change is written. Payments: channels/payment_rows.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, update
from sqlalchemy.dialects.sqlite import insert as upsert

from channels.errors import StoreFailed
from channels.payment_rows import PaymentRows
from channels.records import (
    Change,
    DropForced,
    SaveClose,
    SaveEpoch,
    SaveForced,
    SaveHanded,
    SaveIntent,
    SaveLeaf,
    SaveRestored,
    SaveStopped,
    SaveSubmission,
    SaveWitnesses,
)
from channels.schema import (
    channels,
    close_text,
    forced,
    handed,
    identity,
    leaf_text,
    submissions,
    transaction_text,
    wide,
)
from channels.witness_rows import save_witnesses


def apply_all(connection: Connection, changes: Iterable[Change], path: str) -> None:
    """Write all changes, in order. Raises StoreFailed where the tables do not allow one."""
    payments = PaymentRows(connection, path)
    for change in changes:
        if not payments.take(change):
            payments.write()
            _apply(connection, change, path)
    payments.write()


def _apply(connection: Connection, change: Change, path: str) -> None:
    if isinstance(change, SaveLeaf):
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
        assert isinstance(change, SaveHanded)
        _save_handed(connection, change)


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
