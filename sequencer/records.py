"""Where a transaction stands, from the database alone: any process can answer that."""

from __future__ import annotations

from protocol.codec import Json
from protocol.transactions import Transfer, Withdraw
from sequencer.errors import NotFound
from sequencer.receipts import Receipt, ReceiptKey
from sequencer.storage import batches, intake, mempool
from sequencer.storage.batches import BatchRow
from sequencer.storage.database import Database
from sequencer.storage.mempool import TransactionRow
from sequencer.storage.schema import BatchStatus, TransactionStatus

SEEN_AS = {
    BatchStatus.SEALED: "soft",
    BatchStatus.PROVED: "proved",
    BatchStatus.SUBMITTED: "proved",
    BatchStatus.ACCEPTED: "proved",
    BatchStatus.FINAL: "final",
}
RECEIPTS_KEPT = 4_096


class Records:
    """Thread-safe. `receipt_key` signs where something stands, in the rollup `domain`."""

    def __init__(self, database: Database, receipt_key: ReceiptKey, domain: int) -> None:
        self._database, self._receipt_key, self._domain = database, receipt_key, domain
        self._receipts: dict[Receipt, Json] = {}

    def knows(self, id_: str) -> bool:
        """Whether a transaction is here that was not rejected."""
        with self._database.read() as connection:
            executed = mempool.standing(connection, [id_]).get(id_)
            return executed in mempool.TAKEN or bool(intake.present(connection, [id_]))

    def transaction(self, id_: str) -> Json:
        """{"id", "status", "batch", "position", "slot", "error", "receipt"}. Raises NotFound.

        Status "accepted", with nothing but a receipt that promises nothing: it is durable, and was
        not executed yet.
        """
        with self._database.read() as connection:
            row = mempool.find(connection, id_)
            if row is None or row.status is TransactionStatus.REJECTED:
                waiting = intake.find(connection, id_)
                if waiting is not None:
                    return self._accepted(id_)
            if row is None:
                raise NotFound(f"transaction {id_[:64]}")
            batch = None if row.batch is None else batches.find(connection, row.batch)
        status = SEEN_AS[batch.status] if batch else str(row.status)
        refused = row.status is TransactionStatus.REJECTED
        has_channel = not isinstance(row.transaction.body, Transfer | Withdraw)
        return {
            "id": row.id,
            "status": status,
            "batch": text_of(row.batch),
            "position": text_of(row.position),
            "slot": text_of(row.slot) if has_channel and not refused else None,
            "error": row.error,
            "receipt": self._receipt(row, status, batch),
        }

    def _receipt(self, row: TransactionRow, status: str, batch: BatchRow | None) -> Json | None:
        if batch is None or row.position is None:
            return None if row.status is TransactionStatus.REJECTED else row.receipt
        status = "sealed" if batch.status is BatchStatus.SEALED else status
        deadline = int((row.receipt or {}).get("deadline", 0))
        receipt = Receipt(row.id, status, batch.number, row.position, batch.new_root, deadline)
        return self._signed(receipt)

    def _accepted(self, id_: str) -> Json:
        receipt = Receipt(id_, "accepted", 0, 0, 0)
        nothing = dict.fromkeys(("batch", "position", "slot", "error"))
        return {"id": id_, "status": "accepted", **nothing, "receipt": self._signed(receipt)}

    def _signed(self, receipt: Receipt) -> Json:
        signed = self._receipts.get(receipt)
        if signed is None:
            signed = self._receipt_key.sign(self._domain, receipt)
            if len(self._receipts) >= RECEIPTS_KEPT:
                self._receipts.clear()
            self._receipts[receipt] = signed
        return signed


def text_of(number: int | None) -> str | None:
    """A number as the API shows it."""
    return None if number is None else str(number)
