"""What a home holds in a root, and the steps that are left: each goes once L1 shows it done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.witnesses import WitnessSet
from protocol.channels import Lane, lane_paid_ntok, pack_lane
from protocol.exits import AccountExitWitness, ChannelExitWitness, LaneRaiseWitness
from protocol.inclusion import prove_account, prove_channel
from protocol.queue import Deposit, ForcedExit, NewAccount
from protocol.state import State
from protocol.units import DAY_S
from protocol.vouchers import Voucher
from tests.protocol.street import ANNA, BERT, CARL, DOMAIN, NOW, STRANGER, Home
from tests.prover.circuits.exit_cases import (
    LANE_AB,
    LANE_BA,
    OTHER_SLOT,
    RAISED,
    SLOT,
    channel_at,
    left_state,
    voucher,
)
from wattlane.holdings import (
    Holdings,
    WitnessesOfAnotherRoot,
    held_in_state,
    held_in_witnesses,
)
from wattlane.leaving import (
    RAISE_TIME_S,
    ChannelOnL1,
    Collect,
    ForceExit,
    Later,
    Plan,
    Prove,
    Refund,
    Settle,
    Standing,
    StartExodus,
    describe,
    foreseen,
    plan,
)

STATE = left_state()
MORE_BA = LANE_BA + pack_lane(10, 500)
VOUCHERS = [
    voucher(STATE, Lane.AB, RAISED - pack_lane(1, 30), ANNA),
    voucher(STATE, Lane.AB, RAISED, ANNA),
    voucher(STATE, Lane.BA, MORE_BA, BERT),
]
OPS = (
    Deposit(5, NOW, ANNA.index, 70, ANNA.l1_address),
    Deposit(6, NOW, ANNA.index, 80, BERT.l1_address),
    NewAccount(7, NOW, 9, 1, ANNA.l1_address, 90, ANNA.l1_address),
    ForcedExit(8, NOW, ANNA.index, ANNA.l1_address),
)


def held(owner: Home = ANNA, state: State = STATE) -> Holdings:
    return held_in_state(state, owner.l1_address, DOMAIN, VOUCHERS, OPS)


def witnesses(state: State = STATE) -> WitnessSet:
    accounts = tuple(prove_account(state, one.index) for one in (ANNA, BERT))
    channels = tuple(prove_channel(state, slot) for slot in (SLOT, OTHER_SLOT))
    return WitnessSet(state.root, NOW, True, accounts, channels)


def test_everything_of_an_address_is_found() -> None:
    holdings = held()
    assert holdings.root == STATE.root
    assert [one.inclusion.index for one in holdings.accounts] == [ANNA.index]
    assert [one.inclusion.slot for one in holdings.channels] == [SLOT, OTHER_SLOT]
    raised = [(one.voucher.lane, one.voucher.lane_value) for one in holdings.raises]
    assert raised == [(Lane.AB, RAISED), (Lane.BA, MORE_BA)]
    assert [op.number for op in holdings.deposits] == [5, 7]
    carl = held(CARL)
    assert ([one.inclusion.index for one in carl.accounts], carl.channels) == ([2], ())
    assert held(STRANGER) == Holdings(STATE.root, (), (), (), ())


def test_witnesses_tell_the_same_as_the_whole_state() -> None:
    older = replace(witnesses(), state_root=5)
    found = held_in_witnesses(
        [older, witnesses()], STATE.root, ANNA.l1_address, DOMAIN, VOUCHERS, OPS
    )
    assert found == held()


def test_witnesses_of_another_root_are_refused_and_incomplete_ones_used_as_far_as_they_go() -> None:
    with pytest.raises(WitnessesOfAnotherRoot, match="are not of the contract's root"):
        held_in_witnesses([witnesses()], 7, ANNA.l1_address, DOMAIN, (), ())
    with pytest.raises(WitnessesOfAnotherRoot, match=r"\(none"):
        held_in_witnesses([], 7, ANNA.l1_address, DOMAIN, (), ())
    whole = witnesses()
    partial = replace(whole, is_complete=False, accounts=whole.accounts[:1])
    found = held_in_witnesses([partial], STATE.root, ANNA.l1_address, DOMAIN, VOUCHERS, ())
    assert (len(found.accounts), len(found.channels), len(found.raises)) == (1, 0, 2)


@pytest.mark.parametrize(
    "useless",
    [
        voucher(STATE, Lane.AB, LANE_AB, ANNA),
        voucher(STATE, Lane.AB, LANE_AB + 1, ANNA),  # more energy, no more money
        voucher(STATE, Lane.AB, RAISED, BERT),
        voucher(STATE, Lane.AB, RAISED, ANNA, domain=DOMAIN + 1),
        voucher(STATE, Lane.AB, RAISED, ANNA, more_id=9 << 64),
    ],
    ids=["not higher", "only energy", "another's", "another rollup's", "another channel's"],
)
def test_vouchers_that_prove_nothing_more_are_left_out(useless: Voucher) -> None:
    found = held_in_state(STATE, ANNA.l1_address, DOMAIN, [useless], ())
    assert found.raises == ()


BEFORE = Standing(now=NOW, root=STATE.root, started_at=None, may_start_at=NOW + 100)
AFTER = replace(BEFORE, started_at=NOW - 50)
END = NOW - 50 + RAISE_TIME_S


def steps(made: Plan) -> list[str]:
    return [describe(one) for one in made.steps]


def test_before_the_exodus_is_due_nothing_is_done_but_collecting() -> None:
    assert plan(held(), BEFORE) == Plan((), (Later("the exodus can be started", NOW + 100),))
    waiting = plan(held(), replace(BEFORE, collectable_ntok=5))
    assert waiting.steps == (Collect(5),)


def test_with_an_empty_queue_an_op_of_ones_own_starts_the_clock() -> None:
    empty = replace(BEFORE, may_start_at=None, is_idle=True)
    assert plan(held(), empty) == Plan((ForceExit(ANNA.index),))
    assert plan(held(STRANGER), empty) == Plan(())
    poor = left_state()
    poor.write_account(CARL.index, replace(poor.account(CARL.index), balance_ntok=0))
    assert plan(held(CARL, poor), empty) == Plan(())
    poor.write_account(ANNA.index, replace(poor.account(ANNA.index), balance_ntok=0))
    assert plan(held(ANNA, poor), empty).steps == (ForceExit(ANNA.index),)  # for the channels


def test_an_announced_end_is_waited_for_or_overtaken_by_an_op_of_ones_own() -> None:
    sunset = replace(BEFORE, is_idle=True)
    later = (Later("the exodus can be started", NOW + 100),)
    assert plan(held(), sunset) == Plan((ForceExit(ANNA.index),), later)
    assert plan(held(), replace(sunset, now=NOW + 100)).steps == (StartExodus(),)


def test_it_is_started_in_the_first_second_that_allows_it() -> None:
    assert plan(held(), replace(BEFORE, now=NOW + 99)).steps == ()
    assert plan(held(), replace(BEFORE, now=NOW + 100)).steps == (StartExodus(),)


def test_after_the_start_vouchers_come_first_and_settling_last() -> None:
    made = plan(held(), AFTER)
    assert steps(made) == [
        f"channel 5, voucher of lane ab: 0.{lane_paid_ntok(RAISED):09} tokens",
        f"channel 5, voucher of lane ba: 0.{lane_paid_ntok(MORE_BA):09} tokens",
        "account 0: 0.001000000 tokens",
        "deposit in op 5: 0.000000070 tokens back",
        "deposit in op 7: 0.000000090 tokens back",
        "channel 5: deposits of 0.000140000 tokens",
        f"channel {OTHER_SLOT}: deposits of 0.000100000 tokens",
    ]
    kinds = [type(one.witness) for one in made.steps if isinstance(one, Prove)]
    assert kinds[0] is LaneRaiseWitness
    assert kinds[2:4] == [AccountExitWitness, ChannelExitWitness]
    assert made.later == tuple(
        Later(f"channel {slot} can be settled", END) for slot in (SLOT, OTHER_SLOT)
    )
    assert foreseen(held(), BEFORE).steps == made.steps


def test_what_l1_shows_is_not_done_again() -> None:
    done = replace(
        AFTER,
        exited_accounts=frozenset({ANNA.index}),
        channels={
            SLOT: ChannelOnL1(True, False, (lane_paid_ntok(RAISED), 0)),
            OTHER_SLOT: ChannelOnL1(True, False, (0, 0)),
        },
        refunded=frozenset({5}),
        collectable_ntok=9,
    )
    made = plan(held(), done)
    assert steps(made) == [
        f"channel 5, voucher of lane ba: 0.{lane_paid_ntok(MORE_BA):09} tokens",
        "deposit in op 7: 0.000000090 tokens back",
        "collect 0.000000009 tokens",
    ]
    late = replace(done, now=END - 1)
    assert len(plan(held(), late).later) == 2
    made = plan(held(), replace(done, now=END))
    assert made.steps == (Refund(OPS[2]), Settle(SLOT), Settle(OTHER_SLOT), Collect(9))
    assert made.later == ()
    settled = {slot: ChannelOnL1(True, True, (0, 0)) for slot in (SLOT, OTHER_SLOT)}
    over = replace(done, now=END, channels=settled, refunded=frozenset({5, 7}), collectable_ntok=0)
    assert plan(held(), over) == Plan(())


def test_a_channel_is_proved_and_settled_even_where_nobody_came_in_time() -> None:
    made = plan(held(BERT), replace(AFTER, now=END + 30 * DAY_S))
    kinds = [type(one).__name__ for one in made.steps]
    assert kinds == ["Prove", "Refund", "Prove", "Settle", "Prove", "Settle"]
    assert channel_at(STATE).id == VOUCHERS[0].channel_id
