"""Whose signature may stand under a transaction, as far as the database knows without executing.

A key that this names is that of the account or channel in the newest final state, or one that a
queue op gives the account afterwards. Executing has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from protocol.codec import account_from_json, channel_from_json
from protocol.errors import ProtocolError
from protocol.queue import KeyChange, NewAccount
from sequencer.errors import CorruptDatabase
from sequencer.storage import meta, queue
from sequencer.storage.schema import accounts, channels


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The hashes of an account's keys, and a nonce that it has passed: the final state's."""

    key_hashes: frozenset[int]
    nonce: int


def of_accounts(connection: Connection, indices: Collection[int]) -> dict[int, AccountKeys]:
    """Those of these accounts that there are. Raises CorruptDatabase."""
    keys: dict[int, set[int]] = {}
    nonces: dict[int, int] = {}
    query = select(accounts).where(accounts.c.account_index.in_(sorted(indices)))
    for row in connection.execute(query):
        try:
            account = account_from_json(json.loads(row.leaf))
        except (ProtocolError, ValueError) as error:
            raise CorruptDatabase(f"account {row.account_index} cannot be read") from error
        keys[row.account_index] = {account.key_hash}
        nonces[row.account_index] = account.nonce
    last_op = meta.get_int(connection, meta.LAST_OP, 0)
    for seen in queue.between(connection, last_op + 1):
        if isinstance(seen.op, NewAccount | KeyChange) and seen.op.index in indices:
            keys.setdefault(seen.op.index, set()).add(seen.op.key_hash)
    return {i: AccountKeys(frozenset(some), nonces.get(i, 0)) for i, some in keys.items()}


def of_channels(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """The hashes of both sides' keys, of those channels that are final. Raises CorruptDatabase."""
    query = select(channels.c.leaf).where(channels.c.channel_id.in_(sorted(map(str, ids))))
    try:
        found = [channel_from_json(json.loads(leaf)) for leaf in connection.scalars(query)]
    except (ProtocolError, ValueError) as error:
        raise CorruptDatabase(f"a channel cannot be read: {error}") from error
    return {one.id: (one.key_hash_a, one.key_hash_b) for one in found}
