"""A look into a node's store from outside, while it runs or not: nothing is changed or locked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from channels.copy_rows import stopped_of
from channels.errors import StoreCorrupt
from channels.preparing import check_pages
from channels.reading import load_channels, load_identity
from channels.records import Identity, StoredChannel
from channels.schema import SCHEMA_VERSION
from channels.store import FILE_NAME, connect

__all__ = ["Inspected", "inspect"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """Whose store it is and what it holds. `stopped`: why this copy signs nothing, or None."""

    identity: Identity
    channels: tuple[StoredChannel, ...]
    stopped: str | None


def inspect(folder: Path | str) -> Inspected | None:
    """The store of a folder with all its pages checked; None where there is none yet.

    One that a newer version has still to migrate counts as none. Raises StoreCorrupt, StoreTooNew.
    """
    path = Path(folder) / FILE_NAME
    if not path.exists():
        return None
    engine = connect(path, read_only=True)
    try:
        with engine.connect() as connection:
            if check_pages(connection, path) != SCHEMA_VERSION:
                return None
            return Inspected(
                load_identity(connection),
                tuple(load_channels(connection, str(path))),
                stopped_of(connection),
            )
    except DBAPIError as error:
        raise StoreCorrupt(str(path), str(error.orig)) from error
    finally:
        engine.dispose()
