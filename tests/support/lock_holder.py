"""Holds the batcher's lock of a database in a process of its own, until it is killed."""

from __future__ import annotations

from multiprocessing.connection import Connection

from sequencer.storage.batcher_lock import batcher_lock
from sequencer.storage.database import Database

WAIT_S = 60.0


def hold(url: str, answer: Connection) -> None:
    """Take the lock, say whether it worked, and keep it until the end."""
    database = Database.open(url)
    lock = batcher_lock(database)
    answer.send(lock.take())
    answer.poll(WAIT_S)
