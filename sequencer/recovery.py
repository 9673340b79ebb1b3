"""Starting again: the database's story, executed from the newest final batch to the newest word.

Every sealed batch is executed again, proof by proof, from its ops, transactions and context, and
must lead to the seal that was recorded; proofs made for it are kept. The mempool follows on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from protocol.errors import ProtocolError
from protocol.proof_builder import execute_proof
from protocol.state import State
from protocol.trace import Context
from sequencer.book import Book, ChainedBatch, L1Position, Rollup
from sequencer.errors import CorruptDatabase, WrongDatabase
from sequencer.sealing import SealedBatch
from sequencer.soft import Pending, Refusal
from sequencer.storage import batches, leaves, mempool, meta, proofs, queue
from sequencer.storage.batches import BatchRow
from sequencer.storage.database import Connection
from sequencer.storage.proofs import ProofRow


def recover(connection: Connection, rollup: Rollup) -> tuple[Book, list[tuple[Pending, Refusal]]]:
    """The book, and what of the mempool no longer applies.

    Raises WrongDatabase, CorruptDatabase, StorageError.
    """
    domain = meta.get(connection, meta.DOMAIN)
    if domain is not None and domain != str(rollup.domain):
        raise WrongDatabase("the database belongs to another rollup (its domain differs)")
    number = meta.get_int(connection, meta.CHECKPOINT, 0)
    last_op = meta.get_int(connection, meta.LAST_OP, 0)
    state = leaves.load(connection)
    row = batches.find(connection, number)
    if number and (row is None or row.new_root != state.root):
        raise CorruptDatabase(f"the leaves do not have the root of final batch {number}")
    book = Book(
        rollup,
        _position(connection),
        number,
        state,
        last_op,
        _chain(connection, rollup, number, state),
        [seen.op for seen in queue.between(connection, last_op + 1)],
    )
    pending = [mempool.as_pending(one) for one in mempool.waiting(connection)]
    return book, book.rebuild(pending)


def _position(connection: Connection) -> L1Position:
    if meta.get(connection, meta.L1_BLOCK) is None:
        return L1Position()
    return L1Position(
        meta.get_int(connection, meta.L1_BLOCK, 0),
        meta.get(connection, meta.L1_BLOCK_HASH) or "",
        meta.get_int(connection, meta.L1_TIME, 0),
    )


def _chain(
    connection: Connection, rollup: Rollup, final_number: int, state: State
) -> list[ChainedBatch]:
    chain = []
    for row in batches.after(connection, final_number, limit=1_000_000):
        rows = proofs.of_batch(connection, row.number)
        sealed = _executed_again(connection, rollup, state, row, rows)
        made = {one.place: one.proof_bytes for one in rows if one.proof_bytes is not None}
        chain.append(ChainedBatch(sealed, row.status, made))
        state = sealed.state
    return chain


def _executed_again(
    connection: Connection, rollup: Rollup, state: State, row: BatchRow, rows: Sequence[ProofRow]
) -> SealedBatch:
    seen = queue.between(connection, row.first_op, row.first_op + row.op_count - 1)
    included = [mempool.as_pending(one) for one in mempool.of_batch(connection, row.number)]
    ops, waiting = iter(seen), iter(included)
    after = state.copy()
    try:
        executed = [
            execute_proof(
                after,
                rollup.shape,
                Context(rollup.domain, row.l1_time, one.queue_covered),
                rollup.operator_index,
                [seen_op.op for seen_op in islice(ops, one.op_count)],
                [(tx.transaction, tx.slot) for tx in islice(waiting, one.transaction_count)],
            )
            for one in rows
        ]
    except ProtocolError as error:
        raise CorruptDatabase(f"batch {row.number} does not execute: {error}") from error
    sealed = SealedBatch.of(row.number, executed, included, row.first_op, after, row.data_mode)
    if sealed.id != row.seal_id:
        raise CorruptDatabase(f"batch {row.number} no longer leads to what was recorded for it")
    return sealed
