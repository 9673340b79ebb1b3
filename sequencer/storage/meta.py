"""Single values: what the database belongs to, and how far it has followed L1."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from sequencer.errors import BatcherReplaced, CorruptDatabase
from sequencer.storage.schema import meta

CHECKPOINT = "checkpoint_batch"
BATCHER_TERM = "batcher_term"
BATCHER_URL = "batcher_url"
DOMAIN = "domain"
EXODUS_START = "exodus_start"
L1_BLOCK = "l1_final_block"
L1_BLOCK_HASH = "l1_final_block_hash"
L1_TIME = "l1_time"
LAST_OP = "checkpoint_last_op"
SUNSET = "sunset"


def get(connection: Connection, key: str) -> str | None:
    """The value, or None."""
    return connection.scalar(select(meta.c.value).where(meta.c.key == key))


def get_int(connection: Connection, key: str, default: int) -> int:
    """An integer value. Raises CorruptDatabase."""
    value = get(connection, key)
    if value is None:
        return default
    if not value.isdigit():
        raise CorruptDatabase(f"meta {key} is {value[:40]!r}, not an integer")
    return int(value)


def next_term(connection: Connection) -> int:
    """Begin another term of the batcher: whoever writes under an earlier one is refused."""
    term = get_int(connection, BATCHER_TERM, 0) + 1
    put(connection, BATCHER_TERM, term)
    return term


def check_term(connection: Connection, term: int | None) -> None:
    """Hold off the next term until this transaction ends. Raises BatcherReplaced.

    None: nobody else could have become the batcher.
    """
    if term is None:
        return
    query = select(meta.c.value).where(meta.c.key == BATCHER_TERM).with_for_update(read=True)
    if connection.scalar(query) != str(term):
        raise BatcherReplaced(term)


def put(connection: Connection, key: str, value: str | int) -> None:
    """Write a value."""
    connection.execute(delete(meta).where(meta.c.key == key))
    connection.execute(insert(meta).values(key=key, value=str(value)))
