"""Memory is looked at before work that needs much of it."""

from __future__ import annotations

import psutil  # type: ignore[import-untyped]
import pytest

from prover.memory import NotEnoughMemory, available_bytes, require_memory


def test_what_is_available_is_plausible() -> None:
    assert 0 < available_bytes() <= psutil.virtual_memory().total


def test_need_and_have_are_named() -> None:
    require_memory("nothing much", 1)
    with pytest.raises(NotEnoughMemory, match="the step needs 1048576") as caught:
        require_memory("the step", 2**50)
    assert caught.value.need_bytes == 2**50
    assert 0 < caught.value.have_bytes < 2**50
