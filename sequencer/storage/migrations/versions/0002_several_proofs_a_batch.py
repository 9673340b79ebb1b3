"""Several proofs a batch: a row a proof, written when its batch is sealed.

Every batch of the first schema has one proof, which covers all of the batch; proofs made so far
are kept.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("proofs", "proofs_0001")
    op.create_table(
        "proofs",
        sa.Column(
            "batch",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("batches.number", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("queue_covered", sa.BigInteger, nullable=False),
        sa.Column("op_count", sa.Integer, nullable=False),
        sa.Column("transaction_count", sa.Integer, nullable=False),
        sa.Column("new_root", sa.String(78), nullable=False),
        sa.Column("digest", sa.String(78), nullable=False),
        sa.Column("proof", sa.Text),
        sa.Column("prove_seconds", sa.Float),
        sa.Column("constraints", sa.BigInteger),
    )
    op.execute(
        "INSERT INTO proofs (batch, place, queue_covered, op_count, transaction_count, new_root,"
        " digest, proof, prove_seconds, constraints)"
        " SELECT batches.number, 0, batches.queue_covered, batches.op_count,"
        " batches.transaction_count, batches.new_root, batches.digest, made.proof,"
        " made.prove_seconds, made.constraints"
        " FROM batches LEFT JOIN proofs_0001 AS made ON made.batch = batches.number"
    )
    op.drop_table("proofs_0001")
    op.drop_column("batches", "digest")
