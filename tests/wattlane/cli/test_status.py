"""`wattlane status` shows what L1 holds, and the domain that a community's file needs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from contracts import reader
from wattlane.cli.app import app
from wattlane.sequencer_view import SequencerView, Standing

DOMAIN = 0x6D3F52B20E2F4C17A1A0F6A4F0E1C9D2


class Reader:
    """L1 after seven batches."""

    def __init__(self, *_: object) -> None:
        self.root = 0xABC

    def latest_block(self) -> SimpleNamespace:
        return SimpleNamespace(number=90, timestamp=1_780_000_000)

    def progress(self, _block: int) -> SimpleNamespace:
        return SimpleNamespace(batches=7, l1_time=1_779_999_000, processed=3)

    def state_root(self, _block: int) -> int:
        return self.root

    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(domain=DOMAIN, shape=SimpleNamespace(queue_slots=2, user_slots=9))

    def enqueued(self, _block: int) -> int:
        return 4

    def account_count(self, _block: int) -> int:
        return 3

    def batch(self, number: int) -> SimpleNamespace | None:
        roots = {6: 0xDEF, 7: self.root}
        if number not in roots:
            return None
        return SimpleNamespace(submission=SimpleNamespace(new_root=roots[number]))

    def held_ntok(self, _block: int) -> int:
        return 12_500_000_000


def test_status_shows_root_queue_money_and_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RollupReader", Reader)
    where = ["--l1", "http://127.0.0.1:9", "--contract", "0x" + "5f" * 20]
    done = CliRunner().invoke(app, ["status", *where], catch_exceptions=False)
    assert done.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in done.output.splitlines())
    assert lines["domain"].startswith(f"{DOMAIN:#034x},")
    assert lines["batches"].startswith("7, ")
    assert lines["queue"] == "3 of 4 ops processed"
    assert "12.500000000" in done.output


@pytest.mark.parametrize(
    ("batch", "root", "words"),
    [
        (7, 0xABC, "batch 7, its root is the same as L1's"),
        (6, 0xDEF, "batch 6, its root is the same as L1's"),  # the newest batch is not final yet
        (6, 0xABC, f"batch 6, its root is NOT what L1 accepted, {0xDEF:#066x}"),
        (8, 0xABC, "batch 8, its root is not to be compared: L1 has no such batch"),
        (0, 0x123, "batch 0, its root is the one it began with"),
    ],
)
def test_the_sequencers_final_root_is_held_against_that_batch_on_l1(
    batch: int, root: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = Standing(
        l1_time=1,
        mempool=0,
        sealed_batch=batch,
        final_batch=batch,
        final_root=root,
        ops_seen=0,
        ops_final=0,
    )
    monkeypatch.setattr(reader, "RollupReader", Reader)
    monkeypatch.setattr(SequencerView, "standing", lambda _self: standing)
    where = ["--l1", "http://127.0.0.1:9", "--contract", "0x" + "5f" * 20]
    where += ["--sequencer", "http://127.0.0.1:9"]
    done = CliRunner().invoke(app, ["status", *where], catch_exceptions=False)
    assert words in done.output
