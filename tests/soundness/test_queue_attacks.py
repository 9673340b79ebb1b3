"""What a cheating prover would like a queue slot to do: the rule made for it stops each lie.

An op is what L1 says, and what it does is computed; so a prover may only lie about the state, name
the wrong leaves, split a packed number otherwise, or turn a comparison round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.accounts import Account
from protocol.channels import Lane
from protocol.state import AccountUpdate, State
from protocol.trace import QueueTrace
from prover.circuits.account_leaf import lanes_inputs
from prover.circuits.queue_channel import held_channel_inputs
from prover.circuits.queue_slot import queue_slot
from prover.r1cs.engine import evaluate, first_failure
from tests.protocol.street import ANNA, BERT, CARL, CONTEXT, Home
from tests.prover.circuits.cases import LANE_AB, LANE_BA, SLOT, channel_of
from tests.prover.circuits.lone import Inputs, failing, queue_case
from tests.prover.circuits.queue_cases import (
    APPLIED,
    NO_OPS,
    QUEUE_CASES,
    QueueCase,
    forced_start_close,
    holding,
)

ACCOUNT_1, CHANNEL = "account1/old leaf is in the tree", "channel/old leaf is in the tree"
ACCOUNT_2 = "account2/old leaf is in the tree"
BIT0 = "bit0 is a bit"


def account_inputs(scope: str, account: Account | None) -> Inputs:
    """What a slot is told about an account."""
    return {f"{scope}/exists": int(account is not None), **lanes_inputs(scope, account)}


def told(case: QueueCase, **lies: Account | None) -> Inputs:
    """The slot with lies about accounts 1 or 2, and the shared bits to suit them."""
    inputs = case.inputs
    for scope, account in lies.items():
        inputs |= account_inputs(scope, account)
    if inputs["kind/type"] in (3, 4, 5):
        inputs["owner_or_lanes/value"] = inputs["account1/owner"]
    return inputs


# --- what is there is denied, what is not is made up -----------------------------------------

ON_ACCOUNT = [
    name for name in APPLIED if name.startswith(("deposit", "key", "forced exit", "start close"))
]
ON_CHANNEL = [name for name in APPLIED if name.startswith(("start close", "claim", "finalize"))]


@pytest.mark.parametrize("name", [*ON_ACCOUNT, "new account at a taken index"])
def test_an_account_cannot_be_denied(name: str) -> None:
    assert failing(queue_slot(), told(QUEUE_CASES[name](), account1=None)) == {ACCOUNT_1}


@pytest.mark.parametrize("name", ON_CHANNEL)
def test_a_channel_cannot_be_denied(name: str) -> None:
    """As if its slot were empty: a challenge would be lost, a close never end."""
    case = QUEUE_CASES[name]()
    assert case.trace is not None
    assert case.trace.channel is not None
    empty = replace(case.trace.channel, before=None)
    denied = replace(case.trace, account_1=None, account_2=None, channel=empty)
    inputs = queue_case(denied, case.before, case.context)
    assert failing(queue_slot(), inputs) == {CHANNEL}


@pytest.mark.parametrize(
    "name", ["deposit to nobody", "key change of nobody", "forced exit of nobody"]
)
def test_an_account_cannot_be_made_up(name: str) -> None:
    """Money would come from nowhere."""
    rich = replace(CARL.account(2**63), l1_address=0)
    assert failing(queue_slot(), told(NO_OPS[name](), account1=rich)) == {ACCOUNT_1}


@pytest.mark.parametrize("name", ["start close of nothing", "claim in nothing", "finalize nothing"])
def test_a_channel_cannot_be_made_up(name: str) -> None:
    case = NO_OPS[name]()
    assert case.trace is not None
    assert case.trace.channel is not None
    channel = channel_of(holding(closing=name.startswith("finalize")))
    first, second = (case.before.read_account(index) for index in (0, 1))
    made_up = replace(
        case.trace,
        account_1=None if name.startswith("claim") else first,
        account_2=second if name.startswith("finalize") else None,
        channel=replace(case.trace.channel, before=channel),
    )
    assert failing(queue_slot(), queue_case(made_up, case.before, case.context)) == {CHANNEL}


# --- a field of a leaf is another one --------------------------------------------------------


def about_account(name: str, **changes: int) -> Callable[[], tuple[Inputs, set[str]]]:
    """Account 1 is as it is but for these fields."""

    def lie() -> tuple[Inputs, set[str]]:
        case = QUEUE_CASES[name]()
        assert case.trace is not None
        assert case.trace.account_1 is not None
        before = case.trace.account_1.before
        assert before is not None
        return told(case, account1=replace(before, **changes)), {ACCOUNT_1}

    return lie


def about_account_2(name: str, **changes: int) -> Callable[[], tuple[Inputs, set[str]]]:
    def lie() -> tuple[Inputs, set[str]]:
        case = QUEUE_CASES[name]()
        bert = case.before.account(BERT.index)
        return told(case, account2=replace(bert, **changes)), {ACCOUNT_2}

    return lie


def about_channel(name: str, **changes: int) -> Callable[[], tuple[Inputs, set[str]]]:
    def lie() -> tuple[Inputs, set[str]]:
        case = QUEUE_CASES[name]()
        assert case.trace is not None
        assert case.trace.channel is not None
        assert case.trace.channel.before is not None
        other = replace(case.trace.channel.before, **changes)  # type: ignore[arg-type]
        inputs = case.inputs
        inputs |= held_channel_inputs(replace(case.trace.channel, before=other))
        if inputs["kind/type"] != 5:
            inputs["owner_or_lanes/value"] = other.lane_ab + (other.lane_ba << 96)
        return inputs, {CHANNEL}

    return lie


FULL = 2**64 - 1
LEAF_LIES: dict[str, Callable[[], tuple[Inputs, set[str]]]] = {
    "it has room for the deposit": about_account("deposit past 2^64", balance_ntok=0),
    "it has no room for the deposit": about_account("deposit", balance_ntok=FULL),
    "the key's changer owns it": about_account("key change by another", l1_address=CARL.l1_address),
    "the key's changer does not own it": about_account("key change", l1_address=CARL.l1_address),
    "its last nonce is not used up": about_account("key change at the last nonce", nonce=0),
    "its last nonce is used up": about_account("key change", nonce=2**32 - 1),
    "who leaves owns it": about_account("forced exit by another", l1_address=CARL.l1_address),
    "who leaves does not own it": about_account("forced exit", l1_address=CARL.l1_address),
    "who leaves has more": about_account("forced exit", balance_ntok=FULL),
    "who leaves has nothing": about_account("forced exit", balance_ntok=0),
    "who starts the close is a party": about_account(
        "start close by the other", l1_address=BERT.l1_address
    ),
    "who starts the close is no party": about_account("start close a", l1_address=BERT.l1_address),
    "the channel's window is shorter": about_channel("start close a", window_s=0),
    "the channel's window is too long": about_channel(
        "start close with the last deadline", window_s=2**32 - 1
    ),
    "the close is of this epoch": about_channel("start close in another epoch", epoch=8),
    "the close is of another epoch": about_channel("start close a", epoch=8),
    "the lane is lower": about_channel("claim of the same", lane_ab=LANE_AB - 1),
    "the lane is higher": about_channel("claim ab", lane_ab=2**96 - 1),
    "the other lane is lower": about_channel("claim ab", lane_ba=LANE_BA - 1),
    "the voucher's key is pinned": about_channel("claim by the payee", key_hash_a=BERT.key_hash),
    "the voucher's key is not pinned": about_channel("claim ab", key_hash_a=BERT.key_hash),
    "the keys are exchanged": about_channel(
        "claim ab", key_hash_a=BERT.key_hash, key_hash_b=ANNA.key_hash
    ),
    "the deadline is over": about_channel("finalize too early", deadline=0),
    "the deadline is not over": about_channel("finalize", deadline=2**40 - 1),
    "A is paid more": about_channel("finalize", lane_ba=2**96 - 1),
    "B is paid more": about_channel("finalize", lane_ab=2**96 - 1),
    "both are paid more": about_channel("finalize", deposit_a_ntok=FULL, deposit_b_ntok=FULL),
    "A has room": about_account("finalize past a's 2^64", balance_ntok=0),
    "A has no room": about_account("finalize", balance_ntok=FULL),
    "B has room": about_account_2("finalize past b's 2^64", balance_ntok=0),
    "B has no room": about_account_2("finalize", balance_ntok=FULL),
}


@pytest.mark.parametrize("name", LEAF_LIES)
def test_no_field_of_a_leaf_is_another_one(name: str) -> None:
    inputs, says_no = LEAF_LIES[name]()
    assert says_no <= failing(queue_slot(), inputs) <= {ACCOUNT_1, ACCOUNT_2, CHANNEL}


@pytest.mark.parametrize("name", ["start close while closing", "finalize while open", "claim ab"])
def test_open_and_closing_are_not_exchanged(name: str) -> None:
    inputs = QUEUE_CASES[name]().inputs
    turned = {"channel/closing": 1 - inputs["channel/closing"]}
    assert CHANNEL in failing(queue_slot(), {**inputs, **turned})


# --- the wrong leaf --------------------------------------------------------------------------


def read_with(
    case: QueueCase, first: Home | None = None, second: Home | None = None
) -> tuple[QueueTrace, State]:
    """The slot's trace with other accounts, as good as it gets: what A or B gains is theirs."""
    assert case.trace is not None
    state = case.before.copy()
    updates: list[AccountUpdate | None] = []
    pairs = ((case.trace.account_1, first), (case.trace.account_2, second))
    for update, other in pairs:
        if update is None:
            updates.append(None)
            continue
        assert update.before is not None
        assert update.after is not None
        index = other.index if other else update.index
        gained = update.after.balance_ntok - update.before.balance_ntok
        leaf = state.account(index)
        after = replace(leaf, balance_ntok=leaf.balance_ntok + gained)
        updates.append(state.write_account(index, after))
    return replace(case.trace, account_1=updates[0], account_2=updates[1]), case.before


SIDES, BS = "parties/account 1 is the side's", "parties/account 2 is B's"
WRONG_ACCOUNTS: list[tuple[str, Home | None, Home | None, str]] = [
    ("finalize", CARL, None, SIDES),
    ("finalize", None, CARL, BS),
    ("finalize", None, ANNA, BS),
    ("finalize past a's 2^64", CARL, None, SIDES),
    ("finalize past b's 2^64", None, CARL, BS),
]


@pytest.mark.parametrize(("name", "first", "second", "says_no"), WRONG_ACCOUNTS)
def test_the_shares_go_to_a_and_b(
    name: str, first: Home | None, second: Home | None, says_no: str
) -> None:
    case = QUEUE_CASES[name]()
    trace, before = read_with(case, first, second)
    failed = failing(queue_slot(), queue_case(trace, before, case.context))
    assert failed - {ACCOUNT_2} == {says_no}  # where Carl has room, account 1 is written too


@pytest.mark.parametrize("side", list(Lane))
def test_a_close_is_started_by_the_sides_own_account(side: Lane) -> None:
    """Carl, or the other party, in place of the side's account: it is the sender's indeed."""
    state = holding()
    for other in (CARL, BERT if side is Lane.AB else ANNA):
        op = forced_start_close(side, sender=other)
        trace = QueueTrace(
            op, state.read_account(other.index), None, state.read_channel(SLOT), False, None
        )
        assert failing(queue_slot(), queue_case(trace, state, CONTEXT)) == {SIDES}


def test_accounts_are_not_looked_at_where_no_op_does() -> None:
    """A claim that changes an account as well, an unused slot that reads one."""
    for name in ("claim ab", "unused", "finalize nothing"):
        case = QUEUE_CASES[name]()
        inputs = case.inputs | account_inputs("account1", case.before.account(0))
        assert failing(queue_slot(), inputs) >= {"account1/inactive"}, name
        inputs = case.inputs | account_inputs("account2", case.before.account(0))
        assert failing(queue_slot(), inputs) >= {"account2/inactive"}, name
    case = QUEUE_CASES["deposit"]()
    inputs = case.inputs | {"channel/occupied": 1}
    assert "channel/inactive" in failing(queue_slot(), inputs)


# --- comparisons turned round ----------------------------------------------------------------

IN_VOUCHER = "rules/voucher/signature"
TURNED: list[tuple[str, str, int, str]] = [
    ("claim with a key off the curve", f"{IN_VOUCHER}/A on curve inverse", 0, "A on curve"),
    ("claim with an R off the curve", f"{IN_VOUCHER}/R on curve inverse", 0, "R on curve"),
    ("claim ab", f"{IN_VOUCHER}/A on curve nonzero", 1, "A on curve nonzero"),
    ("claim ab", f"{IN_VOUCHER}/R on curve nonzero", 1, "R on curve nonzero"),
    ("claim with s + l", f"{IN_VOUCHER}/s/below l/bit", 1, f"s/below l/rest/{BIT0}"),
    ("claim ab", f"{IN_VOUCHER}/s/below l/bit", 0, f"s/below l/rest/{BIT0}"),
    ("claim ab", f"{IN_VOUCHER}/sG = R + eA in x nonzero", 1, "sG = R + eA in x nonzero"),
    ("claim of more than was signed", f"{IN_VOUCHER}/sG = R + eA in x inverse", 0, "in x"),
    ("claim of more than was signed", f"{IN_VOUCHER}/sG = R + eA in y inverse", 0, "in y"),
    ("claim by the payee", "rules/voucher/pinned key inverse", 0, "pinned key"),
    ("claim ab", "rules/voucher/pinned key nonzero", 1, "pinned key nonzero"),
    ("claim of the same", "rules/voucher/higher/bit", 1, f"higher/rest/{BIT0}"),
    ("claim ab", "rules/voucher/higher/bit", 0, f"higher/rest/{BIT0}"),
    ("deposit past 2^64", "rules/balance 1 fits/bit64", 0, f"balance 1 fits/rest/{BIT0}"),
    ("deposit", "rules/balance 1 fits/bit64", 1, f"balance 1 fits/rest/{BIT0}"),
    ("deposit", "rules/balance 1 fits/bit65", 1, f"balance 1 fits/rest/{BIT0}"),
    ("finalize", "rules/balance 2 fits/bit65", 1, f"balance 2 fits/rest/{BIT0}"),
    ("finalize past b's 2^64", "rules/balance 2 fits/bit64", 0, f"balance 2 fits/rest/{BIT0}"),
    ("start close past 2^40", "rules/deadline fits/bit", 0, f"deadline fits/rest/{BIT0}"),
    ("start close with the last deadline", "rules/deadline fits/bit", 1, f"fits/rest/{BIT0}"),
    ("finalize too early", "rules/deadline is over/bit", 0, f"deadline is over/rest/{BIT0}"),
    ("finalize", "rules/deadline is over/bit", 1, f"deadline is over/rest/{BIT0}"),
    ("key change by another", "rules/sender is the address inverse", 0, "sender is the address"),
    ("key change", "rules/sender is the address nonzero", 1, "sender is the address nonzero"),
    ("key change at the last nonce", "rules/last nonce nonzero", 1, "last nonce nonzero"),
    ("claim in another epoch", "rules/epoch inverse", 0, "epoch"),
    ("finalize", "rules/epoch nonzero", 1, "epoch nonzero"),
    ("forced exit", "withdrawal/balance is zero inverse", 0, "balance is zero"),
]
"""(case, the wire on which a bit hangs, what it becomes with all that follows, what says no)."""


@pytest.mark.parametrize(("name", "wire", "value", "says_no"), TURNED)
def test_no_comparison_is_turned_round(name: str, wire: str, value: int, says_no: str) -> None:
    template = queue_slot()
    place = template.value_names.index(wire)
    values = evaluate(template, QUEUE_CASES[name]().inputs, {place: value})
    failure = first_failure(template, values)
    assert failure is not None
    assert failure.constraint.endswith(f"/{says_no}") or failure.constraint.endswith(says_no)
