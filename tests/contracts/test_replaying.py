"""A state replayed up to the newest final block, or an error that says what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from contracts import replaying
from contracts.reader import Progress, QueueRecord
from contracts.replaying import L1Replay, ReplayFails
from protocol.queue import NewAccount
from protocol.state import genesis_root
from tests.wattlane import records
from tests.wattlane.record_reader import HEAD, RecordReader
from wattlane.l1_record import L1Record, rebuild_state


@pytest.fixture(autouse=True)
def _first_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "first_block_at", lambda _rpc, _time: 0)


class Final(RecordReader):
    """What the contract held in the block that is asked for, not only at its end."""

    def progress(self, block: int | None = None) -> Progress:
        done = [one for one in self.record.batches if one.block_number <= (block or 0)]
        return Progress(0, done[-1].processed, done[-1].number) if done else Progress(0, 0, 0)

    def state_root(self, block: int | None = None) -> int:
        done = [one for one in self.record.batches if one.block_number <= (block or 0)]
        return done[-1].submission.new_root if done else genesis_root()

    def enqueued(self, block: int | None = None) -> int:
        return len([op for op in self.record.ops if self._block_of(op) <= (block or 0)])


def test_follows_the_final_block_to_the_contracts_root() -> None:
    reader = Final(final=25)
    replay = L1Replay(reader)
    early = replay.follow()
    assert early.root == reader.state_root(25)
    reader.final = HEAD
    assert replay.follow().root == rebuild_state(records.record()).root
    assert early.root == reader.state_root(25), "who holds the older state keeps it"
    asked = len(reader.asked)
    replay.follow()
    assert len(reader.asked) == asked, "nothing new is asked for nothing new"


def test_c6_reads_every_block_once() -> None:
    reader = Final(final=25)
    replay = L1Replay(reader)
    replay.follow()
    reader.final = HEAD
    replay.follow()
    assert reader.asked == [(0, 25), (26, HEAD)]


def damaged(change: Callable[[L1Record], L1Record]) -> Final:
    """The contract's word is true, what its node lists is not."""
    honest = Final()
    reader = Final(change(records.record()))
    for name in ("progress", "state_root", "enqueued"):
        setattr(reader, name, getattr(honest, name))
    return reader


DAMAGES: dict[str, Callable[[L1Record], L1Record]] = {
    "queue op 3 is missing": lambda one: replace(one, ops=one.ops[:2] + one.ops[3:]),
    "are missing": lambda one: replace(one, ops=one.ops[:-1]),
    "batch 2 is missing": lambda one: replace(one, batches=one.batches[:1] + one.batches[2:]),
    "L1 has 6 batches": lambda one: replace(one, batches=one.batches[:-1]),
    "are not those of L1": lambda one: replace(
        one, ops=(replace(cast(NewAccount, one.ops[0]), payer=1), *one.ops[1:])
    ),
    "batch 3": lambda one: replace(
        one,
        batches=(
            *one.batches[:2],
            replace(
                one.batches[2],
                submission=replace(one.batches[2].submission, data=one.batches[1].submission.data),
            ),
            *one.batches[3:],
        ),
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_the_node_leaves_out_or_alters_is_noticed(what: str) -> None:
    with pytest.raises(ReplayFails, match=what):
        L1Replay(damaged(DAMAGES[what])).follow()


def test_reorg_of_a_final_block_is_refused() -> None:
    reader = Final(final=25)
    replay = L1Replay(reader)
    replay.follow()
    reader.final, reader.fork = HEAD, 1
    with pytest.raises(ReplayFails, match="another one now"):
        replay.follow()


def test_a_queue_that_never_had_an_op_is_the_genesis() -> None:
    reader = Final(final=5)
    reader.queue_record = lambda number, block=None: QueueRecord(bytes(32), 0)  # type: ignore[method-assign]
    reader.record = replace(reader.record, ops=(), batches=())
    assert L1Replay(reader).follow().accounts == {}
