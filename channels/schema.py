"""The store's tables, and how protocol objects look in them: integers past 63 bits are hex text.

Lane values are 24 hex digits, so that the order of the text is the order of the number.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from channels.errors import StoreCorrupt
from channels.lanes import SignedClose, VerifiedLeaf
from protocol.codec import (
    channel_from_json,
    channel_to_json,
    signature_from_json,
    signature_to_json,
    transaction_from_json,
    transaction_to_json,
    voucher_from_json,
)
from protocol.errors import ProtocolError
from protocol.transactions import Close, Transaction
from protocol.vouchers import Voucher

SCHEMA_VERSION = 4
"""PRAGMA user_version. A store with a higher one is refused."""
HAS_CONTRACT = 3

metadata = MetaData()

identity = Table(
    "identity",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", String, nullable=False),
    Column("account_index", Integer, nullable=False),
    Column("key_hash", String, nullable=False),
    Column("contract", String),
    Column("epoch", Integer, nullable=False, default=0),  # of the copy that opened it last
    Column("may_rise", Boolean, nullable=False, default=False),  # its epoch, once: it was restored
    Column("stopped", Text),  # why this copy signs no more
)

channels = Table(
    "channels",
    metadata,
    Column("channel_id", String(24), primary_key=True),
    Column("side", Integer, nullable=False),
    Column("leaf", Text),  # VerifiedLeaf
    Column("is_gone", Boolean, nullable=False, default=False),
    Column("signed_lane", String(24), nullable=False, default="0" * 24),
    Column("signed", Text),  # the own lane's highest voucher
    Column("received_lane", String(24), nullable=False, default="0" * 24),
    Column("received", Text),  # the peer's
    Column("close", Text),  # SignedClose
    Column("intent", String, nullable=False, default="keep"),
    Column("wished_at", Integer, nullable=False, default=0),  # L1 time of the intent
    Column("is_restored", Boolean, nullable=False, default=False),
    Column("quiet_until", Integer, nullable=False, default=0),  # L1 time
)

outgoing = Table(
    "outgoing",
    metadata,
    Column("channel_id", String(24), primary_key=True),
    Column("lane_value", String(24), primary_key=True),
    Column("payment_id", String, nullable=False),
    Column("voucher", Text, nullable=False),
    Column("energy_wh", Integer, nullable=False),
    Column("price", String, nullable=False),
)

bills = Table(
    "bills",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("payment_id", String, nullable=False),
    Column("channel_id", String(24), nullable=False),
    Column("peer_index", Integer, nullable=False),
    Column("direction", String, nullable=False),
    Column("energy_wh", Integer, nullable=False),
    Column("amount_ntok", Integer, nullable=False),
    Column("price", String, nullable=False),
    Column("lane_value", String(24), nullable=False),
    Column("time_ms", Integer, nullable=False),
    Column("is_acknowledged", Boolean, nullable=False),
    Index("bills_by_payment", "direction", "payment_id", "channel_id"),
    Index("bills_by_lane", "direction", "channel_id", "lane_value", unique=True),
)

totals = Table(
    "totals",  # of the bills that are no longer kept one by one
    metadata,
    Column("channel_id", String(24), primary_key=True),
    Column("direction", String, primary_key=True),
    Column("span_s", Integer, primary_key=True),
    Column("start_s", Integer, primary_key=True),  # Unix seconds
    Column("payments", Integer, nullable=False),
    Column("energy_wh", Integer, nullable=False),
    Column("amount_ntok", Integer, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("transaction_id", String, primary_key=True),
    Column("document", Text, nullable=False),
    Column("purpose", String, nullable=False),
    Column("channel_id", String(24)),
    Column("nonce", Integer),
    Column("is_settled", Boolean, nullable=False),
)

forced = Table(
    "forced",
    metadata,
    Column("want", String, primary_key=True),  # channels.forced: a want's key
    Column("transaction_hash", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("signed_at", Integer, nullable=False),
    Column("op_number", Integer),
    Column("is_void", Boolean, nullable=False, default=False),
)

handed = Table(
    "handed",
    metadata,
    Column("tower", String, primary_key=True),  # its URL
    Column("channel_id", String(24), primary_key=True),
    Column("lane_value", String(24), nullable=False),
)

TO_3 = (
    "ALTER TABLE identity ADD COLUMN contract VARCHAR",
    "ALTER TABLE channels ADD COLUMN wished_at INTEGER NOT NULL DEFAULT 0",
)
"""What makes a store of version 1 or 2 one of version 3, besides the tables that it lacks."""

TO_4 = (
    "ALTER TABLE identity ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE identity ADD COLUMN may_rise BOOLEAN NOT NULL DEFAULT 0",
    "ALTER TABLE identity ADD COLUMN stopped TEXT",
    "ALTER TABLE channels ADD COLUMN is_restored BOOLEAN NOT NULL DEFAULT 0",
    "ALTER TABLE channels ADD COLUMN quiet_until INTEGER NOT NULL DEFAULT 0",
)
"""What makes a store of version 3 one of version 4, besides the table that it lacks."""


def migration(version: int) -> tuple[str, ...]:
    """What a store of this version lacks, besides tables; nothing where it is new (0)."""
    steps = {2: TO_3, 3: TO_4}
    return tuple(one for at, step in steps.items() if 0 < version <= at for one in step)


ADDED = {
    "identity": {3: ("contract",), 4: ("epoch", "may_rise", "stopped")},
    "channels": {3: ("wished_at",), 4: ("is_restored", "quiet_until")},
}
"""The columns by which a version has widened a table."""


def columns_of(table: Table, version: int) -> list[Column[Any]]:
    """The columns that a table has in a store of this version."""
    later = {name for at, names in ADDED[table.name].items() if at > version for name in names}
    return [column for column in table.c if column.name not in later]


def wide(number: int) -> str:
    """A lane value or channel id (96 bits) as 24 hex digits."""
    return f"{number:024x}"


def narrow(text: str) -> int:
    """The number that `wide` wrote."""
    return int(text, 16)


def dump(document: object) -> str:
    """Compact JSON."""
    return json.dumps(document, separators=(",", ":"))


def voucher_text(voucher: Voucher) -> str:
    """A voucher as stored: dump(voucher_to_json(voucher)), written out because each payment has
    one."""
    signature = voucher.signature
    key, r = signature.key, signature.r
    return (
        f'{{"channel_id":"{voucher.channel_id}","lane":"{voucher.lane:d}",'
        f'"lane_value":"{voucher.lane_value}","signature":{{"key":["{key.x}","{key.y}"],'
        f'"r":["{r.x}","{r.y}"],"s":"{signature.s}"}}}}'
    )


def leaf_text(verified: VerifiedLeaf) -> str:
    """A verified leaf as stored."""
    return dump(
        {
            "slot": verified.slot,
            "channel": channel_to_json(verified.leaf),
            "root": str(verified.state_root),
            "l1_time": verified.l1_time,
        }
    )


def close_text(close: SignedClose) -> str:
    """A signed CLOSE as stored; the peer's signature may be missing."""
    own, peer = close.own_signature, close.peer_signature
    return dump(
        {
            "body": transaction_to_json(Transaction(close.body, (own, peer or own)))["body"],
            "own": signature_to_json(own),
            "peer": None if peer is None else signature_to_json(peer),
            "locked_until": close.locked_until,
        }
    )


def transaction_text(transaction: Transaction) -> str:
    """A transaction as stored."""
    return dump(transaction_to_json(transaction))


class Reader:
    """Reads what was stored; what cannot be read is StoreCorrupt, naming the file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def _document(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StoreCorrupt(self._path, f"a field is not JSON: {error}") from error

    def voucher(self, text: str | None) -> Voucher | None:
        """A voucher or None."""
        if text is None:
            return None
        try:
            return voucher_from_json(self._document(text))
        except ProtocolError as error:
            raise StoreCorrupt(self._path, f"voucher: {error}") from error

    def leaf(self, text: str | None) -> VerifiedLeaf | None:
        """A verified leaf or None."""
        if text is None:
            return None
        document = self._document(text)
        try:
            leaf = channel_from_json(document["channel"])
            root, l1_time = int(document["root"]), int(document["l1_time"])
            return VerifiedLeaf(int(document["slot"]), leaf, root, l1_time)
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            raise StoreCorrupt(self._path, f"leaf: {error}") from error

    def close(self, text: str | None) -> SignedClose | None:
        """A signed CLOSE or None."""
        if text is None:
            return None
        document = self._document(text)
        try:
            own, peer = document["own"], document["peer"]
            transaction = transaction_from_json(
                {"type": "close", "body": document["body"], "signatures": [own, peer or own]}
            )
            body = transaction.body
            if not isinstance(body, Close):
                raise StoreCorrupt(self._path, "close: not a CLOSE")
            peer_signature = None if peer is None else signature_from_json(peer)
            locked_until = int(document["locked_until"])
            return SignedClose(body, transaction.signatures[0], peer_signature, locked_until)
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            raise StoreCorrupt(self._path, f"close: {error}") from error

    def transaction(self, text: str) -> Transaction:
        """A transaction."""
        try:
            return transaction_from_json(self._document(text))
        except ProtocolError as error:
            raise StoreCorrupt(self._path, f"transaction: {error}") from error
