"""Stores as older versions left them."""

from __future__ import annotations

import sqlite3


def undo_version_3(connection: sqlite3.Connection) -> None:
    """Take away what version 3 has added."""
    connection.execute("DROP TABLE forced")
    connection.execute("DROP TABLE handed")
    connection.execute("ALTER TABLE channels DROP COLUMN wished_at")
    connection.execute("ALTER TABLE identity DROP COLUMN contract")
