"""What a failing database says about its file: that it is damaged, or only not to be read now.

Whoever puts a damaged file aside must not do so with a good one that is locked, or forbidden.
Ref: SQLite's result codes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from channels.errors import StoreCorrupt, StoreUnreadable

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def unreadable(path: Path, error: BaseException) -> StoreCorrupt | StoreUnreadable:
    """The error of a store at `path` that could not be read.

    StoreCorrupt where a page is damaged, where it is no database, and where it lacks its tables.
    """
    reason = str(error)
    code = getattr(error, "sqlite_errorcode", None)
    is_empty = code == sqlite3.SQLITE_ERROR and reason.startswith("no such table")
    if is_empty or (code is not None and code & 0xFF in _DAMAGED):
        return StoreCorrupt(str(path), reason)
    return StoreUnreadable(str(path), reason)
