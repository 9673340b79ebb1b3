"""L1 queue ops that are final, by number. What was seen once is never asked for again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, func, insert, select

from protocol.codec import to_int
from protocol.errors import ProtocolError
from protocol.queue import Deposit, NewAccount, QueueOp
from sequencer.errors import CorruptDatabase
from sequencer.storage.schema import queue_ops

_KINDS: dict[str, type[NewAccount] | type[Deposit]] = {
    kind.TYPE.name.lower(): kind for kind in (NewAccount, Deposit)
}


@dataclass(frozen=True, slots=True)
class SeenOp:
    """An op and when (operator's clock) it was first seen final."""

    op: QueueOp
    seen_at: float


def add(connection: Connection, ops: Sequence[QueueOp], now: float) -> None:
    """Write ops that were not seen before."""
    for op in ops:
        connection.execute(
            insert(queue_ops).values(
                number=op.number,
                op=json.dumps(op_to_json(op)),
                enqueue_time=op.enqueue_time,
                seen_at=now,
            )
        )


def newest(connection: Connection) -> int:
    """The number of the newest op seen; 0 where there is none."""
    return int(connection.scalar(select(func.max(queue_ops.c.number))) or 0)


def between(connection: Connection, first: int, last: int | None = None) -> list[SeenOp]:
    """Ops from `first` on, up to and including `last`, in order."""
    query = select(queue_ops).where(queue_ops.c.number >= first).order_by(queue_ops.c.number)
    if last is not None:
        query = query.where(queue_ops.c.number <= last)
    return [
        SeenOp(_op(row["number"], row["op"]), row["seen_at"])
        for row in connection.execute(query).mappings()
    ]


def op_to_json(op: QueueOp) -> dict[str, str]:
    """The op's type and fields; integers as decimal strings."""
    values = {field.name: str(getattr(op, field.name)) for field in fields(op)}
    return {"type": op.TYPE.name.lower(), **values}


def _op(number: int, text: str) -> QueueOp:
    try:
        given = json.loads(text)
        kind = _KINDS[given.pop("type")]
        return kind(**{name: to_int(name, value) for name, value in given.items()})
    except (ProtocolError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptDatabase(f"queue op {number} cannot be read: {error}") from error
