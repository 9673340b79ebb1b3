"""The market's tests hand in the same signed documents again and again: each is verified once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest

from protocol.crypto import schnorr


@pytest.fixture(scope="package", autouse=True)
def remembered_signatures() -> Iterator[None]:
    """What verifies as it did before verifies so again: no signature is taken for true unseen."""
    before = schnorr._engine
    remembering = schnorr.Engine(before.commit, lru_cache(maxsize=4096)(before.verify))
    schnorr.use_engine(remembering)
    yield
    schnorr.use_engine(before)
