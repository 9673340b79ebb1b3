"""C8 over many transactions and queue ops, garbage included, and that a difference is found."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import OpType, QueueOp
from protocol.state import State
from protocol.trace import Context, QueueTrace, UserTrace
from protocol.transactions import Transaction, TxType
from prover.circuits.user_slot import user_slot
from tests.differential import episode
from tests.differential.episode import Disagreement, Episode
from tests.differential.run import done_in, run
from tests.differential.slot import is_definition, slot_of, steps_by_wire

DEEP = os.environ.get("WATTLANE_DEEP_TESTS")
TRANSACTIONS = 200_000 if DEEP else 20_000
OPS = {kind.name for kind in OpType if kind is not OpType.NONE}


@pytest.mark.timeout(1_800 if not DEEP else 18_000)
def test_c8_executor_and_circuit_agree_on_thousands_of_transactions(tmp_path: Path) -> None:
    seen = run(TRANSACTIONS, tmp_path / "state.jsonl")
    drawn = sum(seen.values()) - seen["refusals tried on the circuit"]
    assert drawn == TRANSACTIONS
    assert {kind.name for kind in TxType} - {"NOOP"} <= set(seen)
    assert {f"{name} {done}" for name in OPS for done in ("applied", "as a no-op")} <= set(seen)
    refusals = [name for name in seen if " " not in name and not name.isupper()]
    assert len(refusals) >= 14, seen
    assert seen["refusals tried on the circuit"] > TRANSACTIONS / 100


def test_what_is_done_is_not_done_again_and_what_was_cut_off_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = []

    def play(self: Episode, length: int) -> Counter[str]:
        played.append(self.seed)
        return Counter({"TRANSFER": length})

    monkeypatch.setattr(Episode, "play", play)
    path = tmp_path / "state.jsonl"
    assert run(30, path, length=10) == {"TRANSFER": 30}
    assert sorted(played) == [0, 1, 2]
    path.write_text(path.read_text()[:-20])
    assert len(done_in(path, 10)) == 2
    played.clear()
    assert run(40, path, length=10) == {"TRANSFER": 40}
    assert len(played) == 2
    assert 3 in played
    assert run(40, path, length=10) == {"TRANSFER": 40}
    assert len(played) == 2
    assert done_in(path, 11) == {}


def test_an_executor_that_pays_out_less_than_the_circuit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stingy(state: State, context: Context, op: QueueOp) -> QueueTrace:
        trace = execute_queue_op(state, context, op)
        out = trace.withdrawal
        if out and out.amount_ntok:
            return replace(trace, withdrawal=replace(out, amount_ntok=out.amount_ntok - 1))
        return trace

    monkeypatch.setattr(episode, "execute_queue_op", stingy)
    monkeypatch.setattr(episode, "OPS", 1.0)
    with pytest.raises(Disagreement, match="ForcedExit"):
        Episode(1).play(60)


def test_an_executor_that_takes_another_fee_than_the_circuit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def generous(
        state: State, context: Context, transaction: Transaction, slot: int | None
    ) -> UserTrace:
        trace = execute(state, context, transaction, slot)
        return replace(trace, fee_ntok=trace.fee_ntok + 1)

    monkeypatch.setattr(episode, "execute", generous)
    with pytest.raises(Disagreement, match="exports"):
        Episode(1).play(60)


def test_rows_that_define_a_wire_are_left_out_and_every_other_is_looked_at() -> None:
    one = slot_of(user_slot())
    template, steps = one.compiled.template, steps_by_wire(user_slot())
    left_out = set(one.all_rows.tolist()) - set(one.assertions.tolist())
    assert 0.8 < len(left_out) / len(template.rows) < 0.9
    assert all(is_definition(template.rows[number], steps) for number in left_out)
    assert not any(is_definition(template.rows[number], steps) for number in one.assertions)
    values = one.compiled.run(dict.fromkeys(template.given, 0))
    failing = one.failing(values, whole=False)
    assert failing is not None
    assert one.failing(values, whole=True) == failing  # no definition fails
