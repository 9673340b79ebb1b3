"""What happened, in order, written in the transaction of the change itself (an outbox)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from sequencer.storage.schema import events


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` happened to `subject` (a transaction id, or "batch 3")."""

    id: int
    kind: str
    subject: str
    at: float


def add(connection: Connection, kind: str, subjects: Iterable[str], now: float) -> None:
    """Append one event a subject."""
    rows = [{"kind": kind, "subject": subject, "at": now} for subject in subjects]
    if rows:
        connection.execute(insert(events), rows)


def after(connection: Connection, id_: int, limit: int = 500) -> list[Event]:
    """Up to `limit` events that came after event `id_`."""
    query = select(events).where(events.c.id > id_).order_by(events.c.id).limit(limit)
    return [Event(row.id, row.kind, row.subject, row.at) for row in connection.execute(query)]


def newest(connection: Connection, limit: int) -> list[Event]:
    """The last `limit` events, the newest first."""
    query = select(events).order_by(events.c.id.desc()).limit(limit)
    return [Event(row.id, row.kind, row.subject, row.at) for row in connection.execute(query)]


def last_number(connection: Connection) -> int:
    """The number of the newest event; 0 where nothing has happened."""
    return int(connection.scalar(select(func.max(events.c.id))) or 0)
