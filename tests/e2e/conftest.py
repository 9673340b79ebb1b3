"""No test of whole processes leaves one behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sequencer_process import kill_all


@pytest.fixture(autouse=True)
def _sequencers_end_with_their_test() -> Iterator[None]:
    """Also where the test failed."""
    yield
    kill_all()
