"""A node's books read from its files, by anyone who may read them, running or not.

Only what is on disk counts: nothing here asks a node, the sequencer or L1.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from channels.errors import StoreCorrupt, StoreTooNew
from channels.reading import load_bills, load_channels, load_identity
from channels.records import Bill, Identity, StoredChannel
from channels.schema import SCHEMA_VERSION
from channels.store import FILE_NAME, connect
from channels.witness_rows import HAS_WITNESSES, load_witnesses
from channels.witnesses import WitnessSet


@dataclass(frozen=True, slots=True)
class Books:
    """Whose they are, every channel as this side knows it, every payment, and Merkle witnesses."""

    owner: Identity
    channels: tuple[StoredChannel, ...]
    bills: tuple[Bill, ...]
    witnesses: tuple[WitnessSet, ...] = ()


def find_books(folder: Path | str) -> Books | None:
    """The books in `folder`, None where no node has ever kept any. Raises as `read_books`."""
    return read_books(folder) if (Path(folder) / FILE_NAME).exists() else None


def read_books(folder: Path | str) -> Books:
    """The books in `folder`. Raises StoreTooNew, StoreCorrupt (also where there is no store)."""
    path = Path(folder) / FILE_NAME
    engine = connect(path, read_only=True)
    try:
        with engine.connect() as connection:
            version = int(connection.scalar(text("PRAGMA user_version")) or 0)
            if version > SCHEMA_VERSION:
                raise StoreTooNew(str(path), version, SCHEMA_VERSION)
            return Books(
                load_identity(connection, version),
                tuple(load_channels(connection, str(path), version)),
                tuple(bill for _, bill in load_bills(connection)),
                tuple(load_witnesses(connection, str(path))) if version >= HAS_WITNESSES else (),
            )
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreCorrupt(str(path), str(error.args[0])) from error
    finally:
        engine.dispose()
