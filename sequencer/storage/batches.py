"""Batches as rows; a batch's content is in its proofs, ops and transactions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from sequencer.final import AcceptedOnL1
from sequencer.sealing import DataMode, SealedBatch
from sequencer.storage import proofs
from sequencer.storage.schema import BatchStatus, batches


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch without its proofs and transactions."""

    number: int
    status: BatchStatus
    l1_time: int
    queue_covered: int
    first_op: int
    op_count: int
    transaction_count: int
    old_root: int
    new_root: int
    seal_id: str
    sealed_at: float
    l1_tx: str | None
    l1_block: int | None
    gas_used: int | None
    calldata_bytes: int | None
    data_mode: DataMode


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The L1 transaction in which a batch was accepted. Gas and bytes None: not known."""

    l1_tx: str
    l1_block: int
    gas_used: int | None = None
    calldata_bytes: int | None = None


def add(connection: Connection, batch: SealedBatch, now: float) -> None:
    """Write a sealed batch with what each of its proofs will cover."""
    connection.execute(
        insert(batches).values(
            number=batch.number,
            status=BatchStatus.SEALED,
            l1_time=batch.l1_time,
            queue_covered=batch.queue_covered,
            first_op=batch.first_op,
            op_count=len(batch.ops),
            transaction_count=len(batch.included),
            old_root=str(batch.old_root),
            new_root=str(batch.new_root),
            seal_id=batch.id,
            sealed_at=now,
            data_mode=batch.data_mode,
        )
    )
    proofs.add(connection, batch.number, batch.proofs)


def add_foreign(connection: Connection, batch: AcceptedOnL1, now: float) -> None:
    """Write a batch that L1 holds and this database did not make; its seal has no name."""
    last = batch.statements[-1].context
    connection.execute(
        insert(batches).values(
            number=batch.number,
            status=BatchStatus.ACCEPTED,
            l1_time=last.l1_time,
            queue_covered=last.queue_covered,
            first_op=batch.ops[0].number if batch.ops else 0,
            op_count=len(batch.ops),
            transaction_count=sum(proofs.transactions_in(one) for one in batch.statements),
            old_root=str(batch.old_root),
            new_root=str(batch.new_root),
            seal_id="",
            sealed_at=now,
            data_mode=batch.data_mode,
        )
    )
    proofs.add(connection, batch.number, batch.statements)


def set_status(connection: Connection, number: int, status: BatchStatus) -> None:
    """Change a batch's status."""
    connection.execute(update(batches).where(batches.c.number == number).values(status=status))


def put_acceptance(connection: Connection, number: int, acceptance: Acceptance) -> None:
    """Record where a batch was accepted; what is None keeps what is known."""
    known = {name: value for name, value in asdict(acceptance).items() if value is not None}
    connection.execute(update(batches).where(batches.c.number == number).values(**known))


def remove_from(connection: Connection, first: int) -> None:
    """Forget this and later batches with their proofs; nothing of them reached L1."""
    proofs.remove_from(connection, first)
    connection.execute(delete(batches).where(batches.c.number >= first))


def find(connection: Connection, number: int) -> BatchRow | None:
    """A batch by its number."""
    query = select(batches).where(batches.c.number == number)
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else _row(found)


def after(connection: Connection, number: int, limit: int = 100) -> list[BatchRow]:
    """Up to `limit` batches with a higher number, in order."""
    query = select(batches).where(batches.c.number > number).order_by(batches.c.number)
    return [_row(one) for one in connection.execute(query.limit(limit)).mappings()]


def consuming(connection: Connection, op_number: int) -> BatchRow | None:
    """The batch that consumed a queue op."""
    query = select(batches).where(
        batches.c.first_op <= op_number, batches.c.first_op + batches.c.op_count > op_number
    )
    found = connection.execute(query).mappings().first()
    return None if found is None else _row(found)


def recent_gas(connection: Connection, count: int) -> int | None:
    """The mean gas of the newest so many batches of which it is known; None where it is of none."""
    recent = (
        select(batches.c.gas_used)
        .where(batches.c.gas_used.is_not(None))
        .order_by(batches.c.number.desc())
        .limit(count)
    )
    found = list(connection.scalars(recent))
    return sum(found) // len(found) if found else None


def named(connection: Connection, l1_tx_or_root: str) -> int | None:
    """The number of the batch that came with this L1 transaction or led to this root (0x...)."""
    query = select(batches.c.number).where(
        (batches.c.l1_tx == l1_tx_or_root) | (batches.c.new_root == str(int(l1_tx_or_root, 16)))
    )
    found: int | None = connection.scalar(query.limit(1))
    return found


def _row(row: RowMapping) -> BatchRow:
    return BatchRow(
        number=row["number"],
        status=BatchStatus(row["status"]),
        l1_time=row["l1_time"],
        queue_covered=row["queue_covered"],
        first_op=row["first_op"],
        op_count=row["op_count"],
        transaction_count=row["transaction_count"],
        old_root=int(row["old_root"]),
        new_root=int(row["new_root"]),
        seal_id=row["seal_id"],
        sealed_at=row["sealed_at"],
        l1_tx=row["l1_tx"],
        l1_block=row["l1_block"],
        gas_used=row["gas_used"],
        calldata_bytes=row["calldata_bytes"],
        data_mode=DataMode(row["data_mode"]),
    )
