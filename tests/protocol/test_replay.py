"""test_c6: L1's data rebuilds the root bit for bit, and data that breaks a rule is noticed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from protocol import data
from protocol.channels import Lane, Status, pack_lane
from protocol.errors import ReplayMismatch
from protocol.queue import Deposit
from protocol.replay import replay_proof
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import TxType
from tests.protocol.street import (
    CONTEXT,
    FUNDS_NTOK,
    NOW,
    WINDOW_S,
    at,
    closing_street,
    open_street,
    street,
)
from tests.vectors import generate


def refuse(
    state: State, words: str, elements: Sequence[int], context: Context = CONTEXT
) -> ReplayMismatch:
    with pytest.raises(ReplayMismatch, match=words) as caught:
        replay_proof(state.copy(), context, [], [0, *elements])
    return caught.value


def test_c6_replaying_every_batch_gives_the_same_root_state_and_withdrawals() -> None:
    replica, ops = State(), list(generate.queue_ops())
    for proofs in generate.executed_batches():
        for proof in proofs:
            assert replica.root == proof.old_root
            out = replay_proof(replica, proof.context, ops, proof.data).users
            del ops[: len(proof.queue)]
            assert replica.root == proof.new_root
            paid = [trace.withdrawal for trace in proof.users]
            assert list(out) == paid + [None] * (len(out) - len(paid))


def element(kind: TxType, **values: int) -> int:
    zeros = {name: 0 for name, _ in data.FIELDS[kind]}
    return data.pack(kind, {**zeros, **values})


def test_a_proof_without_a_header_or_with_more_ops_than_l1_has_is_refused() -> None:
    with pytest.raises(ReplayMismatch, match="header"):
        replay_proof(street(), CONTEXT, [], [])
    with pytest.raises(ReplayMismatch, match="2 queue ops were consumed, but L1 has 1"):
        replay_proof(street(), CONTEXT, [Deposit(1, NOW, 0, 5, 6)], [data.header(0, 2)])
    with pytest.raises(ReplayMismatch):
        replay_proof(street(), CONTEXT, [], [1 << 60])


def test_only_the_consumed_ops_are_applied() -> None:
    state = street()
    ops = [Deposit(n, NOW, 0, 5, 6) for n in (1, 2, 3)]
    replay_proof(state, CONTEXT, ops, [data.header(0, 2)])
    assert state.account(0).balance_ntok == FUNDS_NTOK + 10


def test_an_operator_named_without_fees_is_refused() -> None:
    with pytest.raises(ReplayMismatch, match="operator 1"):
        replay_proof(street(), CONTEXT, [], [data.header(1, 0), 0])


def test_elements_that_no_body_packs_are_refused() -> None:
    refuse(street(), "unknown type", [9])
    refuse(street(), "longer", [1 << 254])


def test_transfers_that_break_a_rule_are_refused() -> None:
    state = street()
    refuse(state, "both sides", [element(TxType.TRANSFER, amount_ntok=1)])
    poor = element(TxType.TRANSFER, to_index=1, amount_ntok=FUNDS_NTOK + 1)
    refuse(state, "needs", [poor])
    refuse(state, "does not exist", [element(TxType.TRANSFER, to_index=9)])
    refuse(state, "needs", [element(TxType.WITHDRAW, amount_ntok=FUNDS_NTOK + 1)])


def test_fees_for_an_operator_who_does_not_exist_are_refused() -> None:
    paid = element(TxType.WITHDRAW, fee_ntok=1)
    with pytest.raises(ReplayMismatch, match="operator account 9"):
        replay_proof(street(), CONTEXT, [], [data.header(9, 0), paid])


def test_opens_that_break_a_rule_are_refused() -> None:
    state, _ = open_street()
    good = {"b_index": 1, "slot": 1, "window_s": WINDOW_S}
    replay_proof(state.copy(), CONTEXT, [], [0, element(TxType.OPEN, **good)])
    refuse(state, "taken", [element(TxType.OPEN, **{**good, "slot": 0})])
    refuse(state, "both sides", [element(TxType.OPEN, **{**good, "b_index": 0})])
    refuse(state, "window", [element(TxType.OPEN, **{**good, "window_s": 5})])
    refuse(state, "does not exist", [element(TxType.OPEN, **{**good, "b_index": 9})])


def test_channel_transactions_that_break_a_rule_are_refused() -> None:
    state, _ = open_street()
    lane = pack_lane(1, 1)
    for kind in (TxType.TOP_UP, TxType.CLAIM, TxType.START_CLOSE, TxType.CLOSE, TxType.FINALIZE):
        refuse(state, "slot 5", [element(kind, slot=5)])
    refuse(state, "is open", [element(TxType.FINALIZE)], at(2**40 - 1))
    refuse(state, "not higher", [element(TxType.CLAIM)])
    twice = [element(TxType.CLAIM, lane_value=lane)] * 2
    refuse(state, "not higher", twice)
    lower = [element(TxType.CLAIM, lane=1, lane_value=lane), element(TxType.CLOSE)]
    refuse(state, "not higher", lower)
    refuse(state, "needs", [element(TxType.TOP_UP, amount_ntok=FUNDS_NTOK)])


def test_a_closing_channel_takes_no_top_up_and_no_early_end() -> None:
    state, channel = closing_street()
    refuse(state, "closing", [element(TxType.TOP_UP)])
    refuse(state, "closing", [element(TxType.START_CLOSE)])
    refuse(state, "deadline", [element(TxType.FINALIZE)], at(channel.deadline - 1))
    state_after = state.copy()
    replay_proof(state_after, at(channel.deadline), [], [0, element(TxType.FINALIZE)])
    assert state_after.find_channel(0) is None


def test_replay_sets_the_same_deadline_as_execution() -> None:
    state, channel = open_street()
    executed, closing = closing_street()
    replay_proof(state, CONTEXT, [], [0, element(TxType.START_CLOSE)])
    assert state.find_channel(0) == closing
    assert closing.status is Status.CLOSING
    assert state.root == executed.root
    assert channel.lane(Lane.AB) == 0
