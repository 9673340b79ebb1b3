"""L1 queue ops that are final, by number. What was seen once is never asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import get_args

from sqlalchemy import Connection, func, insert, select

from protocol.channels import Lane
from protocol.codec import signature_from_json, signature_to_json, to_int
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.queue import QueueOp
from sequencer.errors import CorruptDatabase
from sequencer.storage.schema import queue_ops

_KINDS: dict[str, Callable[..., QueueOp]] = {
    kind.TYPE.name.lower(): kind for kind in get_args(QueueOp)
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
        SeenOp(op_of(row["number"], row["op"]), row["seen_at"])
        for row in connection.execute(query).mappings()
    ]


def op_to_json(op: QueueOp) -> dict[str, object]:
    """The op's type and fields; integers as decimal strings."""
    values = {field.name: _to_json(getattr(op, field.name)) for field in fields(op)}
    return {"type": op.TYPE.name.lower(), **values}


def _to_json(value: int | Signature) -> object:
    return signature_to_json(value) if isinstance(value, Signature) else str(int(value))


def _from_json(name: str, value: object) -> int | Signature:
    if name == "signature":
        return signature_from_json(value)
    number = to_int(name, value)
    return Lane(number) if name in ("lane", "side") else number


def op_of(number: int, text: str) -> QueueOp:
    """The op in a row's JSON. Raises CorruptDatabase."""
    try:
        given = json.loads(text)
        kind = _KINDS[given.pop("type")]
        return kind(**{name: _from_json(name, value) for name, value in given.items()})
    except (ProtocolError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptDatabase(f"queue op {number} cannot be read: {error}") from error
