"""A state followed up to the newest final block, or an error that says what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.rebuilding import RecordIncomplete
from contracts.replaying import L1Replay, ReplayFails
from protocol.state import State
from tests.wattlane import records
from tests.wattlane.record_reader import HEAD, RecordReader
from wattlane.l1_record import rebuild_state


def test_follows_the_final_block_and_not_the_newest() -> None:
    reader = RecordReader(final=25)
    replay = L1Replay(reader)
    early = replay.follow()
    second = records.record().batches[1]
    assert (early.root, second.block_number) == (second.submission.new_root, 20)
    reader.final = HEAD
    assert replay.follow().root == rebuild_state(records.record()).root
    assert early.root == second.submission.new_root, "who holds the older state keeps it"


def test_what_was_final_is_not_asked_for_again() -> None:
    reader = RecordReader(final=25)
    replay = L1Replay(reader)
    replay.follow()
    asked = len(reader.asked)
    assert replay.follow().root == records.record().batches[1].submission.new_root
    assert len(reader.asked) == asked
    reader.final = HEAD
    replay.follow()
    assert min(first for first, _ in reader.asked[asked:]) == 26


def test_what_does_not_lead_to_the_contracts_root_is_not_taken() -> None:
    whole = records.record()
    reader = RecordReader(replace(whole, state_root=5))
    with pytest.raises(ReplayFails, match="the contract holds"):
        L1Replay(reader).follow()
    with pytest.raises(RecordIncomplete):
        L1Replay(RecordReader(replace(whole, ops=whole.ops[:-1]))).follow()


def test_reorg_of_a_final_block_is_refused() -> None:
    reader = RecordReader(final=25)
    replay = L1Replay(reader)
    replay.follow()
    reader.final, reader.fork = HEAD, 1
    with pytest.raises(ReplayFails, match="another one now"):
        replay.follow()


def test_a_failed_look_keeps_what_was_final() -> None:
    reader = RecordReader(final=25)
    replay = L1Replay(reader)
    early: State = replay.follow()
    whole, reader.record = reader.record, replace(reader.record, state_root=5)
    reader.final = HEAD
    with pytest.raises(ReplayFails):
        replay.follow()
    reader.record, reader.final = whole, 25
    assert replay.follow().root == early.root
