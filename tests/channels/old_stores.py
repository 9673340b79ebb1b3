"""Stores as older versions left them."""

from __future__ import annotations

import sqlite3

from channels.schema import ADDED


def undo_version_3(connection: sqlite3.Connection) -> None:
    """Take away what versions 3 and 4 have added."""
    undo_version_4(connection)
    connection.execute("DROP TABLE forced")
    connection.execute("DROP TABLE handed")
    connection.execute("ALTER TABLE channels DROP COLUMN wished_at")
    connection.execute("ALTER TABLE identity DROP COLUMN contract")


def undo_version_4(connection: sqlite3.Connection) -> None:
    """Take away what version 4 has added."""
    connection.execute("DROP TABLE totals")
    for table, columns in ADDED.items():
        for column in columns[4]:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
