"""What the store knows of its own copies: the last epoch, and whether this copy may still sign."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from channels.copies import INSTANCE_CHARACTERS, CopyId
from channels.schema import channels, identity


@dataclass(frozen=True, slots=True)
class Opened:
    """An opening of a store. `may_rise`: it was restored, and may go beyond epochs that it does
    not remember; `stopped`: why it signs nothing, or None."""

    copy: CopyId
    may_rise: bool
    stopped: str | None


def begin_copy(connection: Connection) -> Opened:
    """A new copy of the store: above its earlier ones, and by the clock above all of them."""
    row = connection.execute(
        select(identity.c.epoch, identity.c.may_rise, identity.c.stopped)
    ).one()
    epoch = max(row.epoch + 1, time.time_ns() // 1_000_000)
    connection.execute(update(identity).values(epoch=epoch, may_rise=False))
    copy = CopyId(epoch, secrets.token_hex(INSTANCE_CHARACTERS // 2))
    return Opened(copy, row.may_rise, row.stopped)


def forget_later(connection: Connection) -> None:
    """What this store holds may be older than what was signed, acknowledged and closed since.

    For a store put back from a backup, or the one copy that its owner keeps: it asks before it
    signs (channels/payments.py), and it may sign again.
    """
    connection.execute(update(identity).values(may_rise=True, stopped=None))
    connection.execute(update(channels).values(is_restored=True, quiet_until=0))


def stopped_of(connection: Connection) -> str | None:
    """Why this copy signs nothing, or None."""
    stopped: str | None = connection.execute(select(identity.c.stopped)).scalar()
    return stopped
