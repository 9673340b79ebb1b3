"""A SQLite file in use: whatever the database says against it becomes the file's own error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from channels.store import reason_of

Unusable = Callable[[str], Exception]
"""The error of this file, from a reason."""


@contextmanager
def reading(engine: Engine, unusable: Unusable) -> Iterator[Connection]:
    """A connection to read by. Raises `unusable`."""
    with _named(unusable), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, unusable: Unusable) -> Iterator[Connection]:
    """A transaction, on disk when it ends. Raises `unusable`."""
    with _named(unusable), engine.begin() as connection:
        yield connection


@contextmanager
def _named(unusable: Unusable) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise unusable(reason_of(error)) from error
