"""A watchtower's durable memory: the latest record a lane and client, on disk before any answer.

SQLite, WAL, full sync, as the home's own store. A lane's row is at most 256 bytes; a record that
is not higher than the one that is there changes nothing, so repeating a request is safe.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError

from channels.forced import ForcedRecord, SignedL1
from channels.handover import ID_BYTES, VALUE_BYTES, Handover, LaneName
from channels.store import connect
from contracts.process_lock import LockHeld, take_lock
from protocol.channels import Lane
from watchtower.errors import FolderInUse, StorageFailed, TooManyLanes, UnknownClient

FILE_NAME = "tower.db"
LOCK_NAME = "tower.lock"
SCHEMA_VERSION = 1
DEFAULT_LANES = 1_000
"""Lanes a token, where the operator says nothing."""

_metadata = MetaData()
_clients = Table(
    "clients",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("most_lanes", Integer, nullable=False),
)
_lanes = Table(
    "lanes",
    _metadata,
    Column("channel_id", LargeBinary, primary_key=True),
    Column("lane", Integer, primary_key=True),
    Column("client", Integer, primary_key=True),
    Column("number", LargeBinary, nullable=False),
    Column("record", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
_held = Table(
    "held",
    _metadata,
    Column("client", Integer, primary_key=True),
    Column("lanes", Integer, nullable=False),
)
_forced = Table(
    "forced",
    _metadata,
    Column("want", String, primary_key=True),
    Column("transaction_hash", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("signed_at", Integer, nullable=False),
    Column("op_number", Integer),
    Column("is_void", Boolean, nullable=False),
)

# Plain SQL: these run for every lane of every request.
_FIND = "SELECT number FROM lanes WHERE channel_id = ? AND lane = ? AND client = ?"
_INSERT = "INSERT INTO lanes (channel_id, lane, client, number, record) VALUES (?, ?, ?, ?, ?)"
_REPLACE = (
    "UPDATE lanes SET number = ?, record = ? WHERE channel_id = ? AND lane = ? AND client = ?"
)
_ONE_MORE = (
    "INSERT INTO held (client, lanes) VALUES (?, 1) "
    "ON CONFLICT (client) DO UPDATE SET lanes = lanes + 1 RETURNING lanes"
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who holds a token."""

    id: int
    name: str
    most_lanes: int
    lanes: int


class TowerStore:
    """An open store. Thread-safe; every write is on disk when it returns."""

    def __init__(self, folder: Path | str) -> None:
        """Open or create. Raises FolderInUse, StorageFailed."""
        self.path = Path(folder) / FILE_NAME
        self._writing = threading.Lock()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = take_lock(self.path.with_name(LOCK_NAME))
        except LockHeld as held:
            raise FolderInUse(str(self.path.parent), str(held)) from None
        except OSError as error:
            raise StorageFailed(str(self.path), error.strerror or "no folder") from error
        self._engine = connect(self.path)
        with self._write() as connection:
            version = int(connection.scalar(text("PRAGMA user_version")) or 0)
            if version > SCHEMA_VERSION:
                raise StorageFailed(str(self.path), f"schema {version} is of a newer version")
            _metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._lock >= 0:
            self._engine.dispose()
            os.close(self._lock)
            self._lock = -1

    # --- clients --------------------------------------------------------------------------------

    def add_client(self, name: str, most_lanes: int = DEFAULT_LANES) -> str:
        """A new token for a client; an existing client's old token ends. Raises StorageFailed."""
        token = secrets.token_urlsafe(32)
        fields = {"token_hash": _hash(token), "most_lanes": most_lanes}
        with self._write() as connection:
            connection.execute(
                upsert(_clients)
                .values(name=name, **fields)
                .on_conflict_do_update(index_elements=["name"], set_=fields)
            )
        return token

    def client_of(self, token: str) -> Client:
        """Whose token it is. Raises UnknownClient, StorageFailed."""
        with self._read() as connection:
            row = connection.execute(
                select(_clients, _held.c.lanes)
                .join_from(_clients, _held, _held.c.client == _clients.c.id, isouter=True)
                .where(_clients.c.token_hash == _hash(token))
            ).first()
        if row is None:
            raise UnknownClient
        return Client(row.id, row.name, row.most_lanes, row.lanes or 0)

    # --- lanes ----------------------------------------------------------------------------------

    def keep(self, client: Client, given: Sequence[Handover]) -> list[int]:
        """Keep each record unless a higher one is there; the numbers that are there then.

        All or none of them. Raises TooManyLanes, StorageFailed.
        """
        with self._write() as connection:
            return [self._keep_one(connection, client, one) for one in given]

    def _keep_one(self, connection: Connection, client: Client, given: Handover) -> int:
        at = given.name.channel_id.to_bytes(ID_BYTES, "big"), int(given.name.lane), client.id
        number = given.number.to_bytes(VALUE_BYTES, "big")
        found = connection.exec_driver_sql(_FIND, at).first()
        if found is None:
            self._count(connection, client)
            connection.exec_driver_sql(_INSERT, (*at, number, given.record))
        elif bytes(found[0]) < number:  # big-endian, of one length: the order of the numbers
            connection.exec_driver_sql(_REPLACE, (number, given.record, *at))
        else:
            return int.from_bytes(found[0], "big")
        return given.number

    def _count(self, connection: Connection, client: Client) -> None:
        count = connection.exec_driver_sql(_ONE_MORE, (client.id,)).scalar_one()
        if count > client.most_lanes:
            raise TooManyLanes(client.most_lanes)

    def of_channels(self, channel_ids: Iterable[int]) -> list[Handover]:
        """All records of these channels. Raises StorageFailed."""
        found = []
        with self._read() as connection:
            for channel_id in channel_ids:
                at = _lanes.c.channel_id == channel_id.to_bytes(ID_BYTES, "big")
                for row in connection.execute(select(_lanes).where(at)):
                    name = LaneName(channel_id, Lane(row.lane))
                    number = int.from_bytes(row.number, "big")
                    found.append(Handover(name, number, bytes(row.record)))
        return found

    def channel_ids(self) -> set[int]:
        """Every channel that something is kept of. Raises StorageFailed."""
        with self._read() as connection:
            rows = connection.execute(select(_lanes.c.channel_id).distinct())
            return {int.from_bytes(row.channel_id, "big") for row in rows}

    def count(self) -> int:
        """How many lanes are kept. Raises StorageFailed."""
        with self._read() as connection:
            return int(connection.scalar(select(func.count()).select_from(_lanes)) or 0)

    def forget(self, channel_ids: Iterable[int]) -> None:
        """Channels that are no more. Raises StorageFailed."""
        with self._write() as connection:
            for channel_id in channel_ids:
                at = _lanes.c.channel_id == channel_id.to_bytes(ID_BYTES, "big")
                rows = connection.execute(
                    select(_lanes.c.client, func.count()).where(at).group_by(_lanes.c.client)
                ).all()
                for client_id, count in rows:
                    less = _held.c.lanes - count
                    own = _held.c.client == client_id
                    connection.execute(update(_held).where(own).values(lanes=less))
                connection.execute(delete(_lanes).where(at))
                of_channel = _forced.c.want.startswith(f"claim:{channel_id:x}:")
                connection.execute(delete(_forced).where(of_channel))

    # --- forced ops -----------------------------------------------------------------------------

    def load_forced(self) -> list[ForcedRecord]:
        """See channels.forcing.ForcedRecords."""
        with self._read() as connection:
            return [
                ForcedRecord(
                    row.want,
                    SignedL1(row.transaction_hash, bytes(row.raw), row.nonce),
                    row.signed_at,
                    row.op_number,
                    row.is_void,
                )
                for row in connection.execute(select(_forced))
            ]

    async def save_forced(self, record: ForcedRecord) -> None:
        """See channels.forcing.ForcedRecords."""
        signed = record.signed
        fields = {
            "transaction_hash": signed.transaction_hash,
            "raw": signed.raw,
            "nonce": signed.nonce,
            "signed_at": record.signed_at,
            "op_number": record.op_number,
            "is_void": record.is_void,
        }
        with self._write() as connection:
            connection.execute(
                upsert(_forced)
                .values(want=record.key, **fields)
                .on_conflict_do_update(index_elements=["want"], set_=fields)
            )

    async def drop_forced(self, key: str) -> None:
        """See channels.forcing.ForcedRecords."""
        with self._write() as connection:
            connection.execute(delete(_forced).where(_forced.c.want == key))

    # --- inside ---------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._writing:
            try:
                with self._engine.connect() as connection, connection.begin():
                    yield connection
            except DBAPIError as error:
                raise StorageFailed(str(self.path), str(error.orig)) from error

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageFailed(str(self.path), str(error.orig)) from error


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
