"""Several proofs a batch: a row a proof, written when its batch is sealed.

Every batch of the first schema has one proof, which covers all of the batch. A batch that was not
final is sealed anew: its challenge was another function of its content, so its proof, if it had
one, proves nothing now. Its transactions wait again, in their order.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _void_what_is_not_final()
    op.create_table(
        "proofs_0002",
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
        "INSERT INTO proofs_0002 (batch, place, queue_covered, op_count, transaction_count, new_root,"
        " digest, proof, prove_seconds, constraints)"
        " SELECT batches.number, 0, batches.queue_covered, batches.op_count,"
        " batches.transaction_count, batches.new_root, batches.digest, made.proof,"
        " made.prove_seconds, made.constraints"
        " FROM batches LEFT JOIN proofs AS made ON made.batch = batches.number"
    )
    op.drop_table("proofs")
    op.rename_table("proofs_0002", "proofs")
    op.drop_column("batches", "digest")


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
