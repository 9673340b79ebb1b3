"""L1 transactions of ours: written, signed bytes and all, before the first byte is sent.

Whoever restarts finds here what may be under way, and can send the same bytes again: an L1
transaction takes effect once, however often it is broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from contracts.fees import Fees
from sequencer.storage.schema import L1Status, l1_transactions

_WAITING = (L1Status.INTENDED, L1Status.SENT)
NOT_KEPT = Fees(0, 0)
"""Of transactions that an earlier version signed."""


@dataclass(frozen=True, slots=True)
class SentRow:
    """A signed L1 transaction that carries the sealed batch `seal_id`. `fees`: what it offers."""

    hash: str
    batch: int
    seal_id: str
    nonce: int
    raw: bytes
    status: L1Status
    created_at: float
    fees: Fees = NOT_KEPT


def add(connection: Connection, row: SentRow) -> None:
    """Write the intent to send. What is signed again byte for byte stays one row."""
    connection.execute(delete(l1_transactions).where(l1_transactions.c.hash == row.hash))
    connection.execute(
        insert(l1_transactions).values(
            hash=row.hash,
            batch=row.batch,
            seal_id=row.seal_id,
            nonce=row.nonce,
            raw=row.raw,
            status=row.status,
            created_at=row.created_at,
            max_fee_wei=row.fees.max_fee_wei,
            tip_wei=row.fees.tip_wei,
            max_blob_fee_wei=row.fees.max_blob_fee_wei,
        )
    )


def set_status(connection: Connection, hash_: str, status: L1Status) -> None:
    """Record how far it got."""
    connection.execute(
        update(l1_transactions).where(l1_transactions.c.hash == hash_).values(status=status)
    )


def under_way(connection: Connection) -> list[SentRow]:
    """All that may still get into a block, oldest nonce first."""
    query = (
        select(l1_transactions)
        .where(l1_transactions.c.status.in_(_WAITING))
        .order_by(l1_transactions.c.nonce, l1_transactions.c.created_at)
    )
    return [_row(row) for row in connection.execute(query).mappings()]


def of_batch(connection: Connection, batch: int) -> list[SentRow]:
    """All that was ever signed for a batch number, in order."""
    query = (
        select(l1_transactions)
        .where(l1_transactions.c.batch == batch)
        .order_by(l1_transactions.c.created_at)
    )
    return [_row(row) for row in connection.execute(query).mappings()]


def of_nonce(connection: Connection, nonce: int) -> list[SentRow]:
    """All that was ever signed with a nonce of the operator's, in order."""
    query = (
        select(l1_transactions)
        .where(l1_transactions.c.nonce == nonce)
        .order_by(l1_transactions.c.created_at)
    )
    return [_row(row) for row in connection.execute(query).mappings()]


def _row(row: RowMapping) -> SentRow:
    return SentRow(
        hash=row["hash"],
        batch=row["batch"],
        seal_id=row["seal_id"],
        nonce=row["nonce"],
        raw=row["raw"],
        status=L1Status(row["status"]),
        created_at=row["created_at"],
        fees=Fees(row["max_fee_wei"], row["tip_wei"], row["max_blob_fee_wei"]),
    )
