"""What users may ask: every answer is taken from one consistent moment of the ledger.

Statuses as users see them: accepted (durable), soft (executed in order, with a receipt), proved
(its batch has a proof), final (its batch is in a final L1 block), rejected. JSON as in the codec.
"""

from __future__ import annotations

from heapq import nsmallest

from protocol.channels import Status
from protocol.codec import (
    Json,
    account_inclusion_to_json,
    account_to_json,
    channel_inclusion_to_json,
    channel_to_json,
    to_int,
)
from protocol.errors import Malformed
from protocol.inclusion import prove_account, prove_channel
from protocol.state import State
from protocol.units import INDEX_BITS, check_range
from sequencer.errors import NotFound, UnknownRoot
from sequencer.ledger import Ledger
from sequencer.records import SEEN_AS, Records, text_of
from sequencer.storage import batches, blobs, events, mempool, proofs, queue
from sequencer.storage.batches import BatchRow
from sequencer.storage.database import Connection
from sequencer.storage.proofs import ProofRow
from sequencer.storage.schema import BatchStatus

_STATUSES = {status.name.lower(): status for status in Status}
BATCHES_A_PAGE = 100
ROWS_A_PAGE = 1_000
EVENTS_A_PAGE = 500


class Views:
    """Read side of a ledger. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._records = Records(ledger.database, ledger.receipt_key, ledger.rollup.domain)

    @property
    def ledger(self) -> Ledger:
        """What it reads."""
        return self._ledger

    def transaction(self, id_: str) -> Json:
        """{"id", "status", "batch", "position", "slot", "error", "receipt"}. Raises NotFound."""
        return self._records.transaction(id_)

    def knows(self, id_: str) -> bool:
        """Whether a transaction is here that was not rejected."""
        return self._records.knows(id_)

    def account(self, index: int, root: str) -> Json:
        """{"root", "inclusion"}: the account (or its absence) in a recent root.

        Raises OutOfRange, UnknownRoot, Malformed.
        """
        check_range("account index", index, INDEX_BITS)
        with self._ledger.lock:
            inclusion = prove_account(self._state(root), index)
        return {
            "root": str(inclusion.state_root()),
            "inclusion": account_inclusion_to_json(inclusion),
        }

    def channel(self, slot: int, root: str) -> Json:
        """{"root", "inclusion"}: the channel (or its absence) in a recent root. Raises as above."""
        check_range("channel slot", slot, INDEX_BITS)
        with self._ledger.lock:
            inclusion = prove_channel(self._state(root), slot)
        return {
            "root": str(inclusion.state_root()),
            "inclusion": channel_inclusion_to_json(inclusion),
        }

    def accounts(
        self,
        key_hash: int | None = None,
        l1_address: int | None = None,
        first: int = 0,
        limit: int = ROWS_A_PAGE,
    ) -> list[Json]:
        """Soft accounts, all or of a key or an L1 address: from index `first` on, a page."""
        with self._ledger.lock:
            found = list(self._ledger.book.soft.state.accounts.items())
        wanted = (
            (index, account)
            for index, account in found
            if index >= first
            and key_hash in (None, account.key_hash)
            and l1_address in (None, account.l1_address)
        )
        return [
            {"index": str(index), "account": account_to_json(account)}
            for index, account in nsmallest(limit, wanted, key=_place)
        ]

    def channels(
        self,
        account: int | None = None,
        channel_id: int | None = None,
        status: str | None = None,
        from_slot: int = 0,
        limit: int = ROWS_A_PAGE,
    ) -> list[Json]:
        """Soft channels, all, of an account, with this id, or of a status: by slot, a page.

        Raises Malformed.
        """
        if status not in (None, *_STATUSES):
            raise Malformed(f"status is one of {sorted(_STATUSES)}")
        wanted = None if status is None else _STATUSES[status]
        with self._ledger.lock:
            found = list(self._ledger.book.soft.state.channels.items())
        chosen = (
            (slot, one)
            for slot, one in found
            if slot >= from_slot
            and account in (None, one.a_index, one.b_index)
            and channel_id in (None, one.id)
            and wanted in (None, one.status)
        )
        return [
            {"slot": str(slot), "channel": channel_to_json(one), "channel_id": str(one.id)}
            for slot, one in nsmallest(limit, chosen, key=_place)
        ]

    def batch(self, number: int) -> Json:
        """A batch with its transactions; the open one too. Raises NotFound."""
        with self._ledger.lock, self._ledger.database.read() as connection:
            if number == self._ledger.book.sealed_number + 1:
                return self._open_batch(number)
            row = batches.find(connection, number)
            if row is None:
                raise NotFound(f"batch {number}")
            return _batch_json(connection, row)

    def blob(self, number: int, versioned_hash: bytes | None) -> bytes:
        """The blob of this hash, or the newest one kept for a batch. Raises NotFound."""
        with self._ledger.database.read() as connection:
            if versioned_hash is None:
                found = blobs.newest_of_batch(connection, number)
            else:
                found = blobs.find(connection, versioned_hash)
        if found is None:
            raise NotFound(f"a blob of batch {number}")
        return found

    def batches(self, after: int, limit: int = BATCHES_A_PAGE) -> list[Json]:
        """Up to `limit` sealed batches with a higher number, in order."""
        with self._ledger.database.read() as connection:
            rows = batches.after(connection, after, limit)
            return [_batch_json(connection, row) for row in rows]

    def state(self) -> Json:
        """Roots, L1 position, queue and mempool."""
        with self._ledger.lock:
            book = self._ledger.book
            proved = [one for one in book.chain if one.status is not BatchStatus.SEALED]
            return {
                "soft_root": str(book.soft.state.root),
                "sealed_root": str(book.sealed_state.root),
                "sealed_batch": str(book.sealed_number),
                "proved_root": str((proved[-1].sealed.state if proved else book.final_state).root),
                "proved_batch": str(proved[-1].sealed.number if proved else book.final_number),
                "final_root": str(book.final_state.root),
                "final_batch": str(book.final_number),
                "final_block": str(book.position.block),
                "l1_time": str(book.position.l1_time),
                "queue": {
                    "seen": str(book.final_last_op + len(book.ops)),
                    "sealed": str(book.sealed_last_op),
                    "final": str(book.final_last_op),
                },
                "mempool": str(len(book.soft.pending)),
                "roots": [str(root) for root in book.history.roots()],
            }

    def queue_op(self, number: int) -> Json:
        """{"number", "op", "status", "batch"}: soft, proved or final. Raises NotFound."""
        with self._ledger.database.read() as connection:
            found = queue.between(connection, number, number)
            if not found:
                raise NotFound(f"queue op {number}")
            batch = batches.consuming(connection, number)
        return {
            "number": str(number),
            "op": queue.op_to_json(found[0].op),
            "status": SEEN_AS[batch.status] if batch else "soft",
            "batch": text_of(batch.number if batch else None),
        }

    def events(self, after: int, limit: int = EVENTS_A_PAGE) -> list[Json]:
        """Up to `limit` things that happened after event `after`, in order."""
        with self._ledger.database.read() as connection:
            return [
                {"id": str(one.id), "kind": one.kind, "subject": one.subject, "at": one.at}
                for one in events.after(connection, after, limit)
            ]

    def _state(self, root: str) -> State:
        book = self._ledger.book
        if root == "soft":
            return book.soft.state
        if root == "final":
            return book.final_state
        number = _root_number(root)
        state = book.history.find(number)
        if state is None and number == book.soft.state.root:
            state = book.soft.state
        if state is None:
            raise UnknownRoot(root[:80])
        return state

    def _open_batch(self, number: int) -> Json:
        book = self._ledger.book
        return {
            "number": str(number),
            "status": "open",
            "transactions": [one.id for one in book.soft.pending[: self._ledger.most_transactions]],
            "old_root": str(book.sealed_state.root),
        }


def _place(row: tuple[int, object]) -> int:
    return row[0]


def _root_number(root: str) -> int:
    if root.startswith("0x"):
        try:
            return int(root[2:66], 16)
        except ValueError as error:
            raise Malformed(f"root = {root[:80]!r} is not soft, final or a number") from error
    return to_int("root", root)


def _batch_json(connection: Connection, row: BatchRow) -> Json:
    made = proofs.of_batch(connection, row.number)
    seconds = [one.prove_seconds for one in made if one.prove_seconds is not None]
    return {
        "number": str(row.number),
        "status": str(row.status),
        "transactions": mempool.ids_of_batch(connection, row.number),
        "transaction_count": str(row.transaction_count),
        "first_op": str(row.first_op),
        "op_count": str(row.op_count),
        "l1_time": str(row.l1_time),
        "queue_covered": str(row.queue_covered),
        "old_root": str(row.old_root),
        "new_root": str(row.new_root),
        "proofs": [_proof_json(one) for one in made],
        "prove_seconds": sum(seconds) if len(seconds) == len(made) else None,
        "constraints": made[-1].constraints,
        "l1_tx": row.l1_tx,
        "l1_block": text_of(row.l1_block),
        "gas_used": row.gas_used,
        "calldata_bytes": row.calldata_bytes,
        "data_mode": str(row.data_mode),
    }


def _proof_json(row: ProofRow) -> Json:
    return {
        "transaction_count": str(row.transaction_count),
        "op_count": str(row.op_count),
        "queue_covered": str(row.queue_covered),
        "new_root": str(row.new_root),
        "digest": str(row.digest),
        "proof": None if row.proof_bytes is None else "0x" + row.proof_bytes.hex(),
        "prove_seconds": row.prove_seconds,
        "constraints": row.constraints,
    }
