"""What was accepted and waits to be executed: several processes append, the batcher takes out.

Numbers say the order. Two processes that append at once may become visible in another order than
their numbers, so whoever takes out names the rows, and never goes by the newest number.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, select

from protocol.codec import transaction_from_json, transaction_to_json
from protocol.errors import ProtocolError
from protocol.transactions import Transaction
from sequencer.errors import CorruptDatabase
from sequencer.storage.dialects import insert_new
from sequencer.storage.schema import intake

AT_ONCE = 500
"""Most values that one statement names."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A transaction that may be accepted. `party`: whom it counts against."""

    id: str
    party: str
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A transaction in the intake."""

    number: int
    id: str
    party: str
    transaction: Transaction
    accepted_at: float


def add(connection: Connection, offered: Sequence[Offered], now: float) -> None:
    """Append transactions in order; those that are there already stay where they are."""
    if offered:
        insert_new(
            connection,
            intake,
            [
                {
                    "id": one.id,
                    "party": one.party,
                    "body": json.dumps(transaction_to_json(one.transaction)),
                    "accepted_at": now,
                }
                for one in offered
            ],
        )


def oldest(connection: Connection, limit: int, without: Collection[str] = ()) -> list[AcceptedRow]:
    """The first so many in order, leaving out those of some parties. Raises CorruptDatabase."""
    query = select(intake).order_by(intake.c.number).limit(limit)
    if without:
        query = query.where(intake.c.party.not_in(sorted(without)))
    return [_row(one) for one in connection.execute(query).mappings()]


def find(connection: Connection, id_: str) -> AcceptedRow | None:
    """A transaction by its id."""
    row = connection.execute(select(intake).where(intake.c.id == id_)).mappings().one_or_none()
    return None if row is None else _row(row)


def present(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Which of these are here."""
    return {
        id_
        for some in _portions(ids)
        for id_ in connection.scalars(select(intake.c.id).where(intake.c.id.in_(some)))
    }


def count(connection: Connection) -> int:
    """How many wait."""
    return int(connection.scalar(select(func.count()).select_from(intake)) or 0)


def count_by_party(connection: Connection, parties: Iterable[str]) -> dict[str, int]:
    """How many of each of these parties wait; those with none are left out."""
    found: dict[str, int] = {}
    for some in _portions(parties):
        query = (
            select(intake.c.party, func.count())
            .where(intake.c.party.in_(some))
            .group_by(intake.c.party)
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def remove(connection: Connection, ids: Iterable[str]) -> None:
    """Take transactions out: what became of them is written in the same transaction."""
    for some in _portions(ids):
        connection.execute(delete(intake).where(intake.c.id.in_(some)))


def _portions(values: Iterable[str]) -> list[list[str]]:
    ordered = sorted(set(values))
    return [ordered[i : i + AT_ONCE] for i in range(0, len(ordered), AT_ONCE)]


def _row(row: RowMapping) -> AcceptedRow:
    try:
        transaction = transaction_from_json(json.loads(row["body"]))
    except (ProtocolError, ValueError) as error:
        raise CorruptDatabase(f"transaction {row['id']} cannot be read: {error}") from error
    return AcceptedRow(row["number"], row["id"], row["party"], transaction, row["accepted_at"])
