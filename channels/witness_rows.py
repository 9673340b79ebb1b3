"""The store's tables of witnesses: at most one complete set and one that is not complete yet."""

from __future__ import annotations

import json

from sqlalchemy import Boolean, Column, Connection, Integer, String, Table, Text, delete, insert
from sqlalchemy import select as select_from

from channels.errors import StoreCorrupt
from channels.schema import dump, metadata
from channels.witnesses import WitnessSet
from protocol.codec import (
    account_inclusion_from_json,
    account_inclusion_to_json,
    channel_inclusion_from_json,
    channel_inclusion_to_json,
)
from protocol.errors import ProtocolError
from protocol.inclusion import AccountInclusion, ChannelInclusion

sets = Table(
    "witness_sets",
    metadata,
    Column("state_root", String(64), primary_key=True),
    Column("l1_time", Integer, nullable=False),
    Column("is_complete", Boolean, nullable=False),
)

witnesses = Table(
    "witnesses",
    metadata,
    Column("state_root", String(64), primary_key=True),
    Column("kind", String, primary_key=True),  # account, channel
    Column("place", Integer, primary_key=True),  # index, slot
    Column("document", Text, nullable=False),
)

ACCOUNT, CHANNEL = "account", "channel"
HAS_WITNESSES = 2
"""The first version of the store that has them."""


def save_witnesses(connection: Connection, given: WitnessSet) -> None:
    """Write a set. A complete one replaces all others, another one only what is not complete."""
    root = f"{given.state_root:064x}"
    gone = select_from(sets.c.state_root)
    if not given.is_complete:
        gone = gone.where(~sets.c.is_complete | (sets.c.state_root == root))
    connection.execute(delete(witnesses).where(witnesses.c.state_root.in_(gone)))
    connection.execute(delete(sets).where(sets.c.state_root.in_(gone)))
    connection.execute(
        insert(sets).values(state_root=root, l1_time=given.l1_time, is_complete=given.is_complete)
    )
    rows = [
        {"state_root": root, "kind": kind, "place": place, "document": dump(document)}
        for kind, place, document in (
            *((ACCOUNT, one.index, account_inclusion_to_json(one)) for one in given.accounts),
            *((CHANNEL, one.slot, channel_inclusion_to_json(one)) for one in given.channels),
        )
    ]
    if rows:
        connection.execute(insert(witnesses), rows)


def load_witnesses(connection: Connection, path: str) -> list[WitnessSet]:
    """The sets, the newest first. Raises StoreCorrupt, also where a path leads elsewhere."""
    found = []
    for row in connection.execute(select_from(sets).order_by(sets.c.l1_time.desc())):
        of_set = witnesses.c.state_root == row.state_root
        accounts: list[AccountInclusion] = []
        channels: list[ChannelInclusion] = []
        for one in connection.execute(select_from(witnesses).where(of_set)):
            try:
                if one.kind == ACCOUNT:
                    accounts.append(account_inclusion_from_json(json.loads(one.document)))
                else:
                    channels.append(channel_inclusion_from_json(json.loads(one.document)))
            except (ProtocolError, ValueError) as error:
                raise StoreCorrupt(path, f"witness: {error}") from error
        root = int(row.state_root, 16)
        roots = {one.state_root() for one in accounts} | {one.state_root() for one in channels}
        if roots - {root}:
            raise StoreCorrupt(path, "a witness does not lead to the root of its set")
        found.append(
            WitnessSet(root, row.l1_time, row.is_complete, tuple(accounts), tuple(channels))
        )
    return found
