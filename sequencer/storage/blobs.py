"""Blobs that hold batches' data: our own before they are sent, all others as L1 shows them.

They stay for good: the network drops them after 18 days, and whoever rebuilds asks here.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from sequencer.storage.schema import blobs


def put(connection: Connection, versioned_hash: bytes, batch: int, blob: bytes) -> None:
    """Keep the blob of a batch; one that is there already stays as it is."""
    if not holds(connection, versioned_hash):
        connection.execute(
            insert(blobs).values(versioned_hash=_name(versioned_hash), batch=batch, blob=blob)
        )


def holds(connection: Connection, versioned_hash: bytes) -> bool:
    """Whether the blob of this hash is there."""
    query = select(blobs.c.batch).where(blobs.c.versioned_hash == _name(versioned_hash))
    return connection.execute(query).first() is not None


def find(connection: Connection, versioned_hash: bytes) -> bytes | None:
    """The blob of this hash."""
    query = select(blobs.c.blob).where(blobs.c.versioned_hash == _name(versioned_hash))
    found: bytes | None = connection.execute(query).scalar_one_or_none()
    return found


def newest_of_batch(connection: Connection, batch: int) -> bytes | None:
    """The blob that was kept last for a batch number: a batch that was sealed anew has others."""
    query = select(blobs.c.blob).where(blobs.c.batch == batch).order_by(blobs.c.number.desc())
    found: bytes | None = connection.execute(query.limit(1)).scalar_one_or_none()
    return found


def _name(versioned_hash: bytes) -> str:
    return "0x" + versioned_hash.hex()
