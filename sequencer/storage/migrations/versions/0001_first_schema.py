"""The first schema.

Frozen: later changes are migrations of their own, so that every released database comes forward.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _counter() -> sa.types.TypeEngine[int]:
    """64 bits; SQLite numbers rows only in its own INTEGER."""
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("number", _counter(), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("l1_time", sa.BigInteger, nullable=False),
        sa.Column("queue_covered", sa.BigInteger, nullable=False),
        sa.Column("first_op", sa.BigInteger, nullable=False),
        sa.Column("op_count", sa.Integer, nullable=False),
        sa.Column("transaction_count", sa.Integer, nullable=False),
        sa.Column("old_root", sa.String(78), nullable=False),
        sa.Column("new_root", sa.String(78), nullable=False),
        sa.Column("digest", sa.String(78), nullable=False),
        sa.Column("seal_id", sa.String(64), nullable=False),
        sa.Column("sealed_at", sa.Float, nullable=False),
        sa.Column("l1_tx", sa.String(66)),
        sa.Column("l1_block", sa.BigInteger),
        sa.Column("gas_used", sa.BigInteger),
        sa.Column("calldata_bytes", sa.Integer),
    )
    op.create_table(
        "proofs",
        sa.Column(
            "batch",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("batches.number", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seal_id", sa.String(64), nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Column("prove_seconds", sa.Float, nullable=False),
        sa.Column("constraints", sa.BigInteger),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("ops_before", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.Float, nullable=False),
        sa.Column("batch", _counter(), sa.ForeignKey("batches.number")),
        sa.Column("position", sa.Integer),
        sa.Column("slot", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("receipt", sa.Text),
    )
    op.create_index("transactions_by_batch", "transactions", ["batch", "position"])
    op.create_index("transactions_by_status", "transactions", ["status", "sequence"])
    op.create_table(
        "queue_ops",
        sa.Column("number", _counter(), primary_key=True),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("enqueue_time", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("account_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("leaf", sa.Text, nullable=False),
    )
    op.create_table(
        "channels",
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("leaf", sa.Text, nullable=False),
    )
    op.create_table(
        "l1_transactions",
        sa.Column("hash", sa.String(66), primary_key=True),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("seal_id", sa.String(64), nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("l1_transactions_by_batch", "l1_transactions", ["batch"])
    op.create_table(
        "events",
        sa.Column("id", _counter(), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
