"""The checkpoint: every leaf after the newest final batch, so that a restart replays only what
came later."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.codec import (
    account_from_json,
    account_to_json,
    channel_from_json,
    channel_to_json,
)
from protocol.errors import ProtocolError
from protocol.state import State
from sequencer.errors import CorruptDatabase
from sequencer.storage.schema import accounts, channels


def put(
    connection: Connection,
    changed_accounts: Mapping[int, Account],
    changed_channels: Mapping[int, Channel | None],
) -> None:
    """Write changed leaves; None empties a channel's slot."""
    for index, account in changed_accounts.items():
        connection.execute(delete(accounts).where(accounts.c.account_index == index))
        leaf = json.dumps(account_to_json(account))
        connection.execute(insert(accounts).values(account_index=index, leaf=leaf))
    for slot, channel in changed_channels.items():
        connection.execute(delete(channels).where(channels.c.slot == slot))
        if channel is not None:
            leaf = json.dumps(channel_to_json(channel))
            id_ = str(channel.id)
            connection.execute(insert(channels).values(slot=slot, leaf=leaf, channel_id=id_))


def load(connection: Connection) -> State:
    """The state with all leaves. Raises CorruptDatabase."""
    try:
        return State.of(
            {
                row.account_index: account_from_json(json.loads(row.leaf))
                for row in connection.execute(select(accounts))
            },
            {
                row.slot: channel_from_json(json.loads(row.leaf))
                for row in connection.execute(select(channels))
            },
        )
    except (ProtocolError, ValueError) as error:
        raise CorruptDatabase(f"a leaf cannot be read: {error}") from error
