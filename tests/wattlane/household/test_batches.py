"""L1's side of a household's bill: read once for each new batch, and never waited for long."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from contracts.errors import L1Error
from contracts.finality import BlockRef
from contracts.reader import Progress, RollupReader
from energy.bills.verify import Looked
from wattlane.household import batches
from wattlane.household.batches import NO_CONTRACT, STILL_READING, Batches, Seen
from wattlane.household.outlook import Household

CONTRACT = "0x" + "11" * 20


class L1:
    """A chain whose final block and batches a test sets; `read` counts how often all is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.block, self.batches, self.read = 1, 2, 0
        self.is_off, self.may_answer = False, threading.Event()
        self.may_answer.set()
        owner = SimpleNamespace(owner=SimpleNamespace(account_index=3))
        monkeypatch.setattr(batches, "read_books", lambda _folder: owner)
        monkeypatch.setattr(batches, "read_l1", self._read)
        monkeypatch.setattr(batches, "looked", lambda one, *_: Looked(one, ()))

    def final_block(self) -> BlockRef:
        self.may_answer.wait(30)
        if self.is_off:
            raise L1Error("no connection")
        return BlockRef(self.block, bytes([self.block]), 0)

    def progress(self, block: int) -> Progress:
        assert block == self.block
        return Progress(0, 0, self.batches)

    def _read(self, _reader: RollupReader) -> int:
        self.read += 1
        return self.batches


def home(folder: Path, contract: str | None = CONTRACT) -> Household:
    return Household(folder, "http://127.0.0.1:1", "http://127.0.0.1:1", contract)


async def test_it_is_read_again_only_where_a_final_block_has_more_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    l1 = L1(monkeypatch)
    on_l1 = Batches(home(tmp_path), lambda _home: l1)  # type: ignore[arg-type, return-value]
    for block, count, read in ((1, 2, 1), (1, 2, 1), (2, 2, 1), (3, 5, 2), (3, 5, 2)):
        l1.block, l1.batches = block, count
        assert await on_l1.seen() == Seen(Looked(count, ()))
        assert l1.read == read
    l1.is_off = True
    assert await on_l1.seen() == Seen(Looked(5, ()), "no connection")


async def test_a_page_does_not_wait_for_a_slow_l1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    l1 = L1(monkeypatch)
    l1.may_answer.clear()
    on_l1 = Batches(home(tmp_path), lambda _home: l1, 0)  # type: ignore[arg-type, return-value]
    assert await on_l1.seen() == Seen(None, STILL_READING)
    assert await on_l1.seen() == Seen(None, STILL_READING)
    l1.may_answer.set()
    reading = on_l1._reading
    assert reading is not None
    assert await reading == ""
    assert l1.read == 1
    assert (await on_l1.seen()).looked == Looked(2, ())


async def test_without_l1_or_a_contract_it_says_so(tmp_path: Path) -> None:
    seen = await Batches(home(tmp_path)).seen()
    assert seen.looked is None
    assert "127.0.0.1:1" in seen.why
    assert await Batches(home(tmp_path, None)).seen() == Seen(None, NO_CONTRACT)
