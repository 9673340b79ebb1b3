"""An intake that several processes append to, and channels that are found by their id."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
        ),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("accepted_at", sa.Float, nullable=False),
    )
    op.create_index("intake_by_party", "intake", ["party"])
    op.add_column(
        "channels", sa.Column("channel_id", sa.String(40), nullable=False, server_default="")
    )
    op.create_index("channels_by_id", "channels", ["channel_id"])
    _name_channels()


def _name_channels() -> None:
    """a_index + b_index 2^32 + epoch 2^64, in decimal, of every leaf."""
    connection = op.get_bind()
    for slot, leaf in connection.execute(sa.text("SELECT slot, leaf FROM channels")).all():
        fields = json.loads(leaf)
        id_ = int(fields["a_index"]) + (int(fields["b_index"]) << 32) + (int(fields["epoch"]) << 64)
        connection.execute(
            sa.text("UPDATE channels SET channel_id = :id WHERE slot = :slot"),
            {"id": str(id_), "slot": slot},
        )
