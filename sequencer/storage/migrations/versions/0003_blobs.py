"""Batches whose data are in blobs: where each has them, the blobs, and what a transaction offers.

Until now all data were in calldata. A batch that was not final is sealed anew: what its proofs
state is another thing now (its roots and its time are in the digest), so they prove nothing.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _void_what_is_not_final()
    op.add_column(
        "batches",
        sa.Column("data_mode", sa.String(16), nullable=False, server_default="calldata"),
    )
    for name in ("max_fee_wei", "tip_wei", "max_blob_fee_wei"):
        op.add_column(
            "l1_transactions",
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0"),
        )
    op.create_table(
        "blobs",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
        ),
        sa.Column("versioned_hash", sa.String(66), nullable=False, unique=True),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_index("blobs_by_batch", "blobs", ["batch"])


def _void_what_is_not_final() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT number FROM batches WHERE status <> 'final' ORDER BY number")
    )
    for (number,) in rows.all():
        batch, now = {"number": number}, time.time()
        connection.execute(
            sa.text(
                "UPDATE transactions SET status = 'soft', batch = NULL, position = NULL"
                " WHERE batch = :number"
            ),
            batch,
        )
        connection.execute(sa.text("DELETE FROM proofs WHERE batch = :number"), batch)
        connection.execute(sa.text("DELETE FROM batches WHERE number = :number"), batch)
        connection.execute(
            sa.text("INSERT INTO events (kind, subject, at) VALUES ('voided', :subject, :now)"),
            {"subject": f"batch {number}", "now": now},
        )
