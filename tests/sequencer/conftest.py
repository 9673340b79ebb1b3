"""These tests execute and sign a lot: they run on the compiled primitives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.crypto import compiled
from tests.sequencer.world import World

compiled.install()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger with Anna (0), Bert (1) and the operator Carl (2) credited in final batch 1."""
    world = World(tmp_path / "sequencer.db")
    world.open_street()
    yield world
    world.close()
