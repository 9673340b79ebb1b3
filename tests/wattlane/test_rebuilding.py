"""Rebuilding from L1 alone: the contract's own root, or an error that says what does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.batches import AcceptedBatch, submission_of
from contracts.finality import BlockRef
from contracts.reader import Progress
from contracts.rebuilding import (
    STAGE,
    OtherChain,
    Rebuilt,
    RecordIncomplete,
    Reorganised,
    rebuild,
)
from protocol.batch import challenge, public_inputs
from protocol.errors import ReplayMismatch
from protocol.proof_builder import execute_proof
from protocol.queue import Deposit
from protocol.state import State
from protocol.trace import Context
from tests.wattlane import records
from tests.wattlane.record_reader import HEAD, RecordReader
from wattlane.errors import WattlaneError
from wattlane.l1_record import L1Record, rebuild_state
from wattlane.state_file import (
    StateFileDamaged,
    load_state,
    rebuild_from_checkpoint,
    save_state,
)


def test_the_end_is_the_contracts_root_with_what_waits_in_the_queue() -> None:
    steps: list[tuple[str, int, int]] = []
    rebuilt = rebuild(RecordReader(), progress=lambda *step: steps.append(step))
    whole = records.record()
    assert rebuilt.state.root == whole.state_root == rebuild_state(whole).root
    assert (rebuilt.batches, rebuilt.processed) == (6, 6)
    assert rebuilt.waiting == whole.ops[6:]
    assert rebuilt.queue_hash == whole.queue_hashes[5]
    assert rebuilt.l1_time == whole.batches[-1].submission.l1_time
    assert {stage for stage, _, _ in steps} == {STAGE}
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[-1][1] == steps[-1][2]
    assert all(done < total for _, done, total in steps[:-1])


@pytest.mark.parametrize("final", [HEAD, 45, 60, 64, None])
def test_what_is_kept_is_final_and_leads_to_the_same_end(final: int | None) -> None:
    kept: list[Rebuilt] = []
    whole = rebuild(RecordReader(final=final), keep=kept.append)
    if final is None:
        assert not kept
        return
    assert [one.block.number for one in kept] == [final]
    assert kept[0].batches == min(final // 10, 6)
    again = RecordReader()
    resumed = rebuild(again, start=kept[0])
    assert all(first > final for first, _ in again.asked)
    assert (resumed.state.root, resumed.waiting) == (whole.state.root, whole.waiting)
    assert (resumed.queue_hash, resumed.processed) == (whole.queue_hash, whole.processed)


def _data(number: int, more_ntok: int) -> L1Record:
    """The batch's first transaction, a WITHDRAW, of another amount."""
    data = list(records.record().batches[number - 1].submission.data)
    data[1] += more_ntok << 28
    return records.with_batch(number, data=tuple(data))


def _root(number: int, place: int) -> L1Record:
    proof = records.record().batches[number - 1].submission.proofs[place]
    return records.with_proof(number, place, old_root=proof.old_root + 1)


def _without_batch(number: int) -> L1Record:
    whole = records.record()
    batches = (*whole.batches[: number - 1], *whole.batches[number:])
    return replace(whole, batches=batches)


def _forged_queue() -> L1Record:
    """Events and calldata agree on another waiting op; only the contract's hash does not."""
    whole = records.record()
    last = whole.ops[-1]
    assert isinstance(last, Deposit)
    return replace(whole, ops=(*whole.ops[:-1], replace(last, index=1)))


def _other_ops() -> L1Record:
    ops = records.record().batches[0].submission.ops
    return records.with_batch(1, ops=(ops[1], ops[0]))


WHOLE = records.record()


def _after_an_empty_batch(batches: int) -> L1Record:
    """An operator's batch of nothing in block 1, before the first op; then the record's first."""
    kept = tuple(replace(one, number=one.number + 1) for one in WHOLE.batches[:batches])
    ops = WHOLE.ops if batches else ()
    root, shape = State().root, WHOLE.settings.shape
    context = Context(records.DOMAIN, records.START - 100, records.START - 100)
    proof = execute_proof(State(), shape, context, 0, (), ())
    inputs = public_inputs(proof, challenge([proof]))
    submission = submission_of([proof], [inputs], [records.KEY.prove(inputs.values())])
    empty = AcceptedBatch(1, submission, context.queue_covered, 0, 1, bytes(32), bytes(32))
    return replace(
        WHOLE,
        batches=(empty, *kept),
        ops=ops,
        queue_hashes=WHOLE.queue_hashes[: len(ops)],
        state_root=kept[-1].submission.new_root if kept else root,
    )


@pytest.mark.parametrize("batches", [0, 2])
def test_batches_before_the_first_op_make_no_state_unreadable(batches: int) -> None:
    """Else an operator could keep everyone from rebuilding, so from leaving, with one of them."""
    record = _after_an_empty_batch(batches)
    kept: list[Rebuilt] = []
    rebuilt = rebuild(RecordReader(record), keep=kept.append)
    assert rebuilt.state.root == record.state_root
    assert (rebuilt.batches, rebuilt.l1_time) == (
        batches + 1,
        record.batches[-1].submission.l1_time,
    )
    assert rebuild(RecordReader(record), start=kept[-1]).batches == batches + 1
    assert rebuild(RecordReader(record), start=rebuilt).batches == batches + 1


FIRST = 9
"""The block of the first op."""
LIES: list[tuple[L1Record, type[Exception], str]] = [
    (_data(6, 1), ReplayMismatch, "replaying proof 1 of batch 6 gives 0x"),
    (_data(6, 10**9), ReplayMismatch, "proof 1 of batch 6: .*account 0 has"),
    (_root(6, 1), ReplayMismatch, "proof 2 of batch 6 does not start"),
    (_without_batch(1), RecordIncomplete, "batch 2 follows batch 0"),
    (_without_batch(3), RecordIncomplete, "batch 4 follows batch 2"),
    (_without_batch(6), RecordIncomplete, "5 batches, but the contract counts 6"),
    (replace(WHOLE, ops=WHOLE.ops[:-1]), RecordIncomplete, "the queue has 7"),
    (replace(WHOLE, ops=WHOLE.ops[1:]), RecordIncomplete, "ops that batch 1 consumed"),
    (_other_ops(), ReplayMismatch, "batch 1 consumed other ops"),
    (_forged_queue(), ReplayMismatch, "rolling hash"),
    (replace(WHOLE, state_root=5), ReplayMismatch, "the contract holds 0x"),
    (replace(WHOLE, chain_id=1), OtherChain, "not the one"),
]


class _Counting(RecordReader):
    """The contract's counters are the whole record's, whatever the node shows of it."""

    def progress(self, block: int | None = None) -> Progress:
        return RecordReader().progress(block)


@pytest.mark.parametrize("lie", range(len(LIES)))
def test_every_lie_is_noticed(lie: int) -> None:
    record, kind, words = LIES[lie]
    with pytest.raises(kind, match=words):
        rebuild(_Counting(record))


class _Reorganising(RecordReader):
    """L1's newest block is another one each time it is asked for, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def latest_block(self) -> BlockRef:
        head = super().latest_block()
        if self.times:
            self.times -= 1
            self.fork += 1
        return head


def test_a_reorg_while_reading_is_read_again_and_named_where_it_does_not_end() -> None:
    assert rebuild(_Reorganising(2)).state.root == WHOLE.state_root
    with pytest.raises(Reorganised, match="block 65 was replaced"):
        rebuild(_Reorganising(3))


def _checkpoint(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_a_second_time_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    first = rebuild_from_checkpoint(RecordReader(final=45), tmp_path)
    kept = load_state(_checkpoint(tmp_path))
    assert (kept.batches, kept.block.number) == (4, 45)
    said: list[str] = []
    reader = RecordReader(final=60)
    again = rebuild_from_checkpoint(reader, tmp_path, say=said.append)
    assert min(first for first, _ in reader.asked) == 46
    assert said == ["going on from batch 4, block 45"]
    assert again.state.root == first.state.root
    assert load_state(_checkpoint(tmp_path)).block.number == 60


def _change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_checkpoint_that_does_not_hold_is_not_used(tmp_path: Path) -> None:
    def said_with(reader: RecordReader) -> list[str]:
        said: list[str] = []
        rebuilt = rebuild_from_checkpoint(reader, tmp_path, say=said.append)
        assert rebuilt.state.root == WHOLE.state_root
        assert FIRST in {first for first, _ in reader.asked}
        return said

    rebuild_from_checkpoint(RecordReader(), tmp_path)
    path = _checkpoint(tmp_path)
    _change(path, root="5")
    assert "it names 0x" in said_with(RecordReader())[0]
    path.write_text("no JSON")
    assert "it is no JSON" in said_with(RecordReader())[0]
    other = RecordReader()
    other.fork = 1
    assert "L1 has another block 65 now" in said_with(other)[0]
    kept = load_state(path)
    save_state(path, replace(kept, contract=1))
    assert "it is another rollup's" in said_with(RecordReader())[0]


def test_a_checkpoint_that_leads_elsewhere_is_dropped(tmp_path: Path) -> None:
    """Whole and of the right block, but with a leaf of its own making."""
    rebuild_from_checkpoint(RecordReader(final=45), tmp_path)
    path = _checkpoint(tmp_path)
    kept = load_state(path)
    kept.state.write_account(7, kept.state.account(0))
    save_state(path, kept)
    said: list[str] = []
    rebuilt = rebuild_from_checkpoint(RecordReader(final=45), tmp_path, say=said.append)
    assert rebuilt.state.root == WHOLE.state_root
    assert "does not lead to what L1 holds" in said[-1]
    assert load_state(path).state.find_account(7) is None


class _Dying(RecordReader):
    """An RPC that fails in the middle of the last batch's block."""

    def batches(self, from_block: int = 0, to_block: int | None = None) -> Iterator[AcceptedBatch]:
        for batch in super().batches(from_block, to_block):
            if batch.number == 6:
                raise self.rpc.error("eth_getLogs", "no connection")
            yield batch


def test_what_was_kept_before_a_failure_is_there_afterwards(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no connection"):
        rebuild_from_checkpoint(_Dying(final=45), tmp_path)
    reader = RecordReader()
    assert rebuild_from_checkpoint(reader, tmp_path).batches == 6
    assert reader.asked[0][0] == 46


def test_a_state_file_comes_back_whole_and_replaces_no_other_file(tmp_path: Path) -> None:
    rebuilt = rebuild(RecordReader())
    path = tmp_path / "state.json"
    save_state(path, rebuilt)
    found = load_state(path)
    assert found.state.accounts == rebuilt.state.accounts
    assert found.state.channels == rebuilt.state.channels
    assert replace(found, state=rebuilt.state) == rebuilt
    save_state(path, rebuilt)
    path.write_text("{}")
    with pytest.raises(StateFileDamaged, match="not of the format"):
        save_state(path, rebuilt)
    assert path.read_text() == "{}"
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"accounts": {"0": {}}},
        {"accounts": []},
        {"queue": {"processed": "6", "hash": "00", "waiting": []}},
        {"queue": {"processed": "6", "hash": "00" * 32, "waiting": {}}},
        {"queue": {"processed": "6", "hash": "00" * 32, "waiting": [{"number": "1"}]}},
        {"block": None},
        {"batches": "-1"},
    ],
)
def test_a_state_file_that_was_tampered_with_is_named(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "state.json"
    save_state(path, rebuild(RecordReader()))
    _change(path, **change)
    with pytest.raises(WattlaneError, match=r"state\.json holds no rebuilt state"):
        load_state(path)
