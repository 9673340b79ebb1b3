"""Transactions as rows: in the mempool's order by `sequence`, in a batch's by `position`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from protocol.codec import Json, transaction_from_json, transaction_to_json
from protocol.errors import ProtocolError
from protocol.transactions import Transaction
from sequencer.errors import CorruptDatabase
from sequencer.soft import Pending
from sequencer.storage.intake import AT_ONCE, AcceptedRow
from sequencer.storage.schema import TransactionStatus, transactions

_WAITING = (TransactionStatus.ACCEPTED, TransactionStatus.SOFT)

TAKEN = (*_WAITING, TransactionStatus.BATCHED)
"""Statuses of what is not taken a second time."""

MOST_REJECTED = 20_000
"""So many rejected transactions are kept, the newest: they cost nobody a fee, and each a row."""


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A transaction with all that the database knows of it."""

    id: str
    sequence: int
    transaction: Transaction
    status: TransactionStatus
    ops_before: int
    accepted_at: float
    batch: int | None
    position: int | None
    slot: int | None
    error: Json | None
    receipt: Json | None


def next_sequence(connection: Connection) -> int:
    """The place of the next transaction in the mempool's order."""
    last = connection.scalar(select(func.max(transactions.c.sequence)))
    return 1 if last is None else int(last) + 1


def put(connection: Connection, pending: Pending, status: TransactionStatus, receipt: Json) -> None:
    """Write a transaction that was executed on the soft state (again, if it had been refused)."""
    values: dict[str, object] = {
        "sequence": pending.sequence,
        "body": json.dumps(transaction_to_json(pending.transaction)),
        "status": status,
        "ops_before": pending.ops_before,
        "accepted_at": pending.accepted_at,
        "batch": None,
        "position": None,
        "slot": pending.slot,
        "error": None,
        "receipt": json.dumps(receipt),
    }
    _upsert(connection, pending.id, values)


def _upsert(connection: Connection, id_: str, values: dict[str, object]) -> None:
    changed = connection.execute(
        update(transactions).where(transactions.c.id == id_).values(**values)
    )
    if changed.rowcount == 0:
        connection.execute(transactions.insert().values(id=id_, **values))


def reject(connection: Connection, ids_and_errors: Sequence[tuple[str, Json]]) -> None:
    """Mark transactions as refused, with what was wrong."""
    for id_, error in ids_and_errors:
        connection.execute(
            update(transactions)
            .where(transactions.c.id == id_)
            .values(
                status=TransactionStatus.REJECTED,
                error=json.dumps(error),
                batch=None,
                position=None,
            )
        )


def into_batch(
    connection: Connection, batch: int, ids_and_slots: Sequence[tuple[str, int]]
) -> None:
    """Give transactions their batch, their position in it and their channel's slot there."""
    for position, (id_, slot) in enumerate(ids_and_slots):
        connection.execute(
            update(transactions)
            .where(transactions.c.id == id_)
            .values(status=TransactionStatus.BATCHED, batch=batch, position=position, slot=slot)
        )


def out_of_batches(connection: Connection, first_batch: int) -> None:
    """Put the transactions of this and later batches back into the mempool, in their order."""
    connection.execute(
        update(transactions)
        .where(transactions.c.batch >= first_batch)
        .values(status=TransactionStatus.SOFT, batch=None, position=None)
    )


def put_rejected(
    connection: Connection, row: AcceptedRow, sequence: int, ops_before: int, error: Json
) -> None:
    """Write a transaction of the intake that did not execute (again, if it had been refused)."""
    values: dict[str, object] = {
        "sequence": sequence,
        "body": json.dumps(transaction_to_json(row.transaction)),
        "status": TransactionStatus.REJECTED,
        "ops_before": ops_before,
        "accepted_at": row.accepted_at,
        "batch": None,
        "position": None,
        "slot": None,
        "error": json.dumps(error),
        "receipt": None,
    }
    _upsert(connection, row.id, values)


def forget_rejected(connection: Connection, most: int) -> None:
    """Keep the newest so many of the rejected ones; of those before them nothing is known then."""
    rejected = transactions.c.status == TransactionStatus.REJECTED
    newest_first = select(transactions.c.sequence).where(rejected)
    newest_first = newest_first.order_by(transactions.c.sequence.desc())
    last = connection.scalar(newest_first.offset(most).limit(1))
    if last is not None:
        connection.execute(delete(transactions).where(rejected, transactions.c.sequence <= last))


def standing(connection: Connection, ids: Sequence[str]) -> dict[str, TransactionStatus]:
    """The status of those of these that were executed, in whichever way it ended."""
    found: dict[str, TransactionStatus] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        query = select(transactions.c.id, transactions.c.status).where(transactions.c.id.in_(some))
        found |= {id_: TransactionStatus(status) for id_, status in connection.execute(query)}
    return found


def transactions_of(connection: Connection, ids: Sequence[str]) -> dict[str, Transaction]:
    """Those of these that were executed, by id. Raises CorruptDatabase."""
    found: dict[str, Transaction] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        query = select(transactions.c.id, transactions.c.body).where(transactions.c.id.in_(some))
        found |= {id_: _transaction(id_, body) for id_, body in connection.execute(query)}
    return found


def find(connection: Connection, id_: str) -> TransactionRow | None:
    """A transaction by its id."""
    row = connection.execute(select(transactions).where(transactions.c.id == id_)).mappings()
    found = row.one_or_none()
    return None if found is None else _row(found)


def waiting(connection: Connection) -> list[TransactionRow]:
    """All that is in no batch yet, in order."""
    query = (
        select(transactions)
        .where(transactions.c.status.in_(_WAITING))
        .order_by(transactions.c.sequence)
    )
    return [_row(one) for one in connection.execute(query).mappings()]


def of_batch(connection: Connection, batch: int) -> list[TransactionRow]:
    """A batch's transactions, by position."""
    query = (
        select(transactions).where(transactions.c.batch == batch).order_by(transactions.c.position)
    )
    return [_row(one) for one in connection.execute(query).mappings()]


def ids_of_batch(connection: Connection, batch: int) -> list[str]:
    """A batch's transaction ids, by position."""
    query = (
        select(transactions.c.id)
        .where(transactions.c.batch == batch)
        .order_by(transactions.c.position)
    )
    return list(connection.scalars(query))


def as_pending(row: TransactionRow) -> Pending:
    """The row as the soft state takes it."""
    return Pending(
        row.id, row.sequence, row.transaction, row.ops_before, row.accepted_at, row.slot or 0
    )


def _transaction(id_: str, body: str) -> Transaction:
    try:
        return transaction_from_json(json.loads(body))
    except (ProtocolError, ValueError) as error:
        raise CorruptDatabase(f"transaction {id_} cannot be read: {error}") from error


def _row(row: RowMapping) -> TransactionRow:
    return TransactionRow(
        id=row["id"],
        sequence=row["sequence"],
        transaction=_transaction(row["id"], row["body"]),
        status=TransactionStatus(row["status"]),
        ops_before=row["ops_before"],
        accepted_at=row["accepted_at"],
        batch=row["batch"],
        position=row["position"],
        slot=row["slot"],
        error=None if row["error"] is None else json.loads(row["error"]),
        receipt=None if row["receipt"] is None else json.loads(row["receipt"]),
    )
