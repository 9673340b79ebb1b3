"""A batch's proofs as rows: what each covers is written when the batch is sealed, the proof itself
when it was made. What was made once is never made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from protocol.batch import Statement
from protocol.data import unpack_header
from sequencer.storage.schema import proofs


@dataclass(frozen=True, slots=True)
class ProofRow:
    """The proof at `place` (from 0) of its batch; the last three are None until it is made.

    It covers the next `op_count` ops and the next `transaction_count` transactions of the batch.
    """

    place: int
    queue_covered: int
    op_count: int
    transaction_count: int
    new_root: int
    digest: int
    proof_bytes: bytes | None
    prove_seconds: float | None
    constraints: int | None


@dataclass(frozen=True, slots=True)
class MadeProof:
    """A proof as L1 takes it, the seconds that it took, the size of its circuit if known.

    Seconds count from the order, or from the proof that arrived before it if that was later.
    """

    proof_bytes: bytes
    prove_seconds: float
    constraints: int | None


def transactions_in(statement: Statement) -> int:
    """How many user slots a proof uses."""
    return sum(element != 0 for element in statement.data[1:])


def add(connection: Connection, batch: int, statements: Sequence[Statement]) -> None:
    """Write what each proof of a batch states."""
    for place, statement in enumerate(statements):
        connection.execute(
            insert(proofs).values(
                batch=batch,
                place=place,
                queue_covered=statement.context.queue_covered,
                op_count=unpack_header(statement.data[0])[1],
                transaction_count=transactions_in(statement),
                new_root=str(statement.new_root),
                digest=str(statement.digest),
            )
        )


def put(connection: Connection, batch: int, place: int, made: MadeProof) -> None:
    """Write a proof that was made."""
    connection.execute(
        update(proofs)
        .where(proofs.c.batch == batch, proofs.c.place == place)
        .values(
            proof=made.proof_bytes.hex(),
            prove_seconds=made.prove_seconds,
            constraints=made.constraints,
        )
    )


def remove_from(connection: Connection, first_batch: int) -> None:
    """Forget the proofs of this and later batches."""
    connection.execute(delete(proofs).where(proofs.c.batch >= first_batch))


def of_batch(connection: Connection, batch: int) -> list[ProofRow]:
    """A batch's proofs, in order."""
    query = select(proofs).where(proofs.c.batch == batch).order_by(proofs.c.place)
    return [_row(one) for one in connection.execute(query).mappings()]


def _row(row: RowMapping) -> ProofRow:
    return ProofRow(
        place=row["place"],
        queue_covered=row["queue_covered"],
        op_count=row["op_count"],
        transaction_count=row["transaction_count"],
        new_root=int(row["new_root"]),
        digest=int(row["digest"]),
        proof_bytes=None if row["proof"] is None else bytes.fromhex(row["proof"]),
        prove_seconds=row["prove_seconds"],
        constraints=row["constraints"],
    )
