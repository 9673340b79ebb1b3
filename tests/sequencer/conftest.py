"""These tests execute and sign a lot: they run on the compiled primitives.

`database_url` is an empty SQLite file; under `both_databases` a test runs a second time on an
empty database of a real PostgreSQL server.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.crypto import compiled
from sequencer.storage.database import sqlite_url
from tests.sequencer.databases import POSTGRESQL
from tests.sequencer.world import World
from tests.support.services import PostgresServer, RedisServer, serving_or_skip

compiled.install()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of this process."""
    with serving_or_skip(PostgresServer) as server:
        yield server


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A server for one test, which may kill it."""
    with serving_or_skip(RedisServer) as server:
        yield server


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if getattr(request, "param", None) != POSTGRESQL:
        return sqlite_url(tmp_path / "sequencer.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A ledger with Anna (0), Bert (1) and the operator Carl (2) credited in final batch 1."""
    url = None if database_url.startswith("sqlite") else database_url
    world = World(tmp_path / "sequencer.db", url=url)
    world.open_street()
    yield world
    world.close()
