"""What a bill or a recomputation loads: compiled checks for a long journal, and L1's side never."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from energy.errors import JournalUnusable
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from wattlane import long_journal
from wattlane.long_journal import LONG, make_haste


@pytest.mark.parametrize(("entries", "is_compiled"), [(LONG - 1, False), (LONG, True)])
def test_a_long_journal_is_computed_with_compiled_checks(
    entries: int, is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short one is done before they are loaded."""
    called: list[bool] = []

    def install() -> bool:
        called.append(True)
        raise KernelCacheUnwritable(Path("cache"))  # goes on without

    monkeypatch.setattr(long_journal, "newest_of", lambda _folder: entries)
    monkeypatch.setattr(compiled, "install", install)
    make_haste(Path("journal"))
    assert bool(called) is is_compiled


def test_a_file_that_is_no_journal_is_left_to_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose error says more."""
    make_haste(tmp_path)

    def fail(_folder: Path) -> int:
        raise JournalUnusable("a file", "no database")

    monkeypatch.setattr(long_journal, "newest_of", fail)
    make_haste(tmp_path)


def test_a_bill_without_l1_loads_nothing_of_it() -> None:
    """It would take longer than to follow the bill."""
    heavy = "{'web3', 'eth_account', 'py_ecc', 'prover', 'numba', 'contracts.reader'}"
    script = f"import sys, wattlane.billing; print(*{heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, [])
