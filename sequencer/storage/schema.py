"""The tables. The database is the authority: what is not here did not happen.

Integers of more than 63 bits are decimal text; structured values are the codec's JSON as text.
`intake` holds what was accepted and not executed yet: any process may append to it, and only the
batcher takes it out, in the transaction in which it writes what became of it. `accounts` and
`channels` hold the leaves after batch `checkpoint` (meta); every later batch is
rebuilt from its ops and transactions, so a restart at any instant finds one consistent story.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)


class TransactionStatus(StrEnum):
    """A transaction's own status; `batched` ones take what users see from their batch."""

    ACCEPTED = "accepted"
    SOFT = "soft"
    BATCHED = "batched"
    REJECTED = "rejected"


class BatchStatus(StrEnum):
    """A batch's way; before `sealed` it is open and only in memory and in the mempool's order."""

    SEALED = "sealed"
    PROVED = "proved"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    FINAL = "final"


class L1Status(StrEnum):
    """An L1 transaction of ours: recorded before it is sent, settled by its receipt."""

    INTENDED = "intended"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    DROPPED = "dropped"


COUNTER = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; SQLite numbers rows only in its own INTEGER."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("l1_time", BigInteger, nullable=False),
    Column("queue_covered", BigInteger, nullable=False),
    Column("first_op", BigInteger, nullable=False),
    Column("op_count", Integer, nullable=False),
    Column("transaction_count", Integer, nullable=False),
    Column("old_root", String(78), nullable=False),
    Column("new_root", String(78), nullable=False),
    Column("seal_id", String(64), nullable=False),
    Column("sealed_at", Float, nullable=False),
    Column("l1_tx", String(66)),
    Column("l1_block", BigInteger),
    Column("gas_used", BigInteger),
    Column("calldata_bytes", Integer),
    Column("data_mode", String(16), nullable=False, server_default="calldata"),
)

proofs = Table(
    "proofs",
    metadata,
    Column(
        "batch",
        COUNTER,
        ForeignKey("batches.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("queue_covered", BigInteger, nullable=False),
    Column("op_count", Integer, nullable=False),
    Column("transaction_count", Integer, nullable=False),
    Column("new_root", String(78), nullable=False),
    Column("digest", String(78), nullable=False),
    Column("proof", Text),
    Column("prove_seconds", Float),
    Column("constraints", BigInteger),
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("ops_before", BigInteger, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Column("batch", COUNTER, ForeignKey("batches.number")),
    Column("position", Integer),
    Column("slot", Integer),
    Column("error", Text),
    Column("receipt", Text),
    Index("transactions_by_batch", "batch", "position"),
    Index("transactions_by_status", "status", "sequence"),
)

intake = Table(
    "intake",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("party", String(80), nullable=False),
    Column("body", Text, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Index("intake_by_party", "party"),
)

queue_ops = Table(
    "queue_ops",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("op", Text, nullable=False),
    Column("enqueue_time", BigInteger, nullable=False),
    Column("seen_at", Float, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_index", Integer, primary_key=True, autoincrement=False),
    Column("leaf", Text, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("leaf", Text, nullable=False),
    Column("channel_id", String(40), nullable=False, server_default=""),
    Index("channels_by_id", "channel_id"),
)

l1_transactions = Table(
    "l1_transactions",
    metadata,
    Column("hash", String(66), primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("seal_id", String(64), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("max_fee_wei", BigInteger, nullable=False, server_default="0"),
    Column("tip_wei", BigInteger, nullable=False, server_default="0"),
    Column("max_blob_fee_wei", BigInteger, nullable=False, server_default="0"),
    Index("l1_transactions_by_batch", "batch"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("versioned_hash", String(66), nullable=False, unique=True),
    Column("batch", BigInteger, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    Index("blobs_by_batch", "batch"),
)

events = Table(
    "events",
    metadata,
    Column("id", COUNTER, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("at", Float, nullable=False),
)
