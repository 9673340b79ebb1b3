"""Money and keys of the wrong account: who is account 1 and 2, whose key, lane and share it is.

The prover names the accounts, so each lie is a slot in which they, the leaves and the signatures
fit together, and one rule alone is against it. Beside them: what a word that types share says to
the types that do not read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from protocol.channels import Channel, Lane, pack_lane
from protocol.state import AccountUpdate, ChannelUpdate, State
from protocol.trace import Context, UserTrace
from protocol.transactions import Body, Claim, Finalize, Open, StartClose, TopUp, Transaction
from protocol.units import DAY_S
from prover.circuits.shared_bits import shared_inputs
from prover.circuits.user_slot import user_slot
from prover.r1cs.engine import solve
from tests.protocol.street import ANNA, BERT, CARL, CONTEXT, DOMAIN, LATER, Home, at, close, signed
from tests.prover.circuits.cases import (
    LANE_AB,
    LANE_BA,
    SLOT,
    USER_CASES,
    channel_of,
    seasoned_street,
    street_with_channel,
)
from tests.prover.circuits.lone import Inputs, failing, user_case
from tests.soundness.lenient import change_account, lenient_trace, unchecked

FIRST, SECOND = "parties/account 1 is the side's", "parties/account 2 is B's"
THEN = at(channel_of(street_with_channel(closing=True)).deadline)


@dataclass(frozen=True, slots=True)
class Lie:
    """All inputs of a slot, and the only rules that are broken."""

    inputs: Inputs
    says_no: set[str]


def trace_of(
    transaction: Transaction, accounts: list[AccountUpdate], channel: ChannelUpdate | None
) -> UserTrace:
    first, second = (*accounts, None)[:2]
    return UserTrace(transaction, SLOT, first, second, channel, 0, 0, None)


def paid_to(first: Home, second: Home, says_no: set[str], **inputs: int) -> Lie:
    """A FINALIZE that pays A's share to `first` and B's to `second`."""
    state = street_with_channel(closing=True)
    channel = channel_of(state)
    transaction = Transaction(Finalize(channel.id))
    lie = paid(state, transaction, first, second, channel.lane_ab, channel.lane_ba, THEN)
    return Lie(lie | inputs, says_no)


def paid(
    state: State,
    transaction: Transaction,
    first: Home,
    second: Home,
    lane_ab: int,
    lane_ba: int,
    context: Context,
    energy_wh: tuple[int, int] = (0, 0),
) -> Inputs:
    after, channel = state.copy(), channel_of(state)
    shares, (ab, ba) = channel.payout(lane_ab, lane_ba), energy_wh
    accounts = [
        change_account(after, first.index, 0, shares.a_ntok, sold_wh=ba, bought_wh=ab),
        change_account(after, second.index, 0, shares.b_ntok, sold_wh=ab, bought_wh=ba),
    ]
    ended = ChannelUpdate(SLOT, channel, None, state.channel_siblings(SLOT))
    return user_case(trace_of(transaction, accounts, ended), state, context)


def paid_by(lane_ab: int, lane_ba: int, says_no: set[str]) -> Lie:
    """A FINALIZE that pays by lanes which nobody has claimed."""
    state = street_with_channel(closing=True)
    transaction = Transaction(Finalize(channel_of(state).id))
    lie = paid(state, transaction, ANNA, BERT, lane_ab, lane_ba, THEN)
    return Lie(lie | shared_inputs(lane_ab + (lane_ba << 96), lane_ab - LANE_AB), says_no)


def claimed_too(lane: Lane, signer: Home, says_no: set[str]) -> Lie:
    """A CLAIM of one lane that raises the other as well."""
    state = street_with_channel()
    ab, ba = LANE_AB + 1, LANE_BA + 1
    claim = signed(Claim(channel_of(state).id, lane, ab if lane is Lane.AB else ba), signer)
    inputs = user_case(lenient_trace(state, CONTEXT, claim), state, CONTEXT)
    return Lie(inputs | shared_inputs(ab + (ba << 96), 1), says_no)


def closed_by_b_alone() -> Lie:
    """As side 1, whose key is asked for twice and whose account is both accounts."""
    state = street_with_channel()
    body = close(channel_of(state), LANE_AB, LANE_BA)
    said = signed_as_side_1(body, BERT)
    energy = LANE_AB & (2**40 - 1), LANE_BA & (2**40 - 1)
    inputs = paid(state, said, BERT, BERT, LANE_AB, LANE_BA, CONTEXT, energy)
    return Lie(inputs | {"signed/side": 1}, {"signed/no side"})


def signed_as_side_1(body: Body, signer: Home) -> Transaction:
    """The message that the circuit makes of a CLOSE whose side is 1."""
    elsewhere = unchecked_id(body, 1 << 96)
    signature = signer.sign(elsewhere.message(DOMAIN))  # type: ignore[union-attr]
    return Transaction(body, (signature, signature))


def unchecked_id(body: Body, more: int) -> Body:
    changed = replace(body)
    object.__setattr__(changed, "channel_id", body.channel_id + more)  # type: ignore[union-attr]
    return changed


def by_a_stranger(make: Callable[[Channel], TopUp | StartClose]) -> Lie:
    """Carl's account, nonce, key and money, in a channel of Anna's and Bert's."""
    state = street_with_channel()
    channel = channel_of(state)
    body = make(channel)
    usual = lenient_trace(state, CONTEXT, signed(body, CARL))
    spent = body.amount_ntok + body.fee_ntok if isinstance(body, TopUp) else 0
    carl = change_account(state.copy(), CARL.index, 1, -spent)
    return Lie(
        user_case(trace_of(usual.transaction, [carl], usual.channel), state, CONTEXT), {FIRST}
    )


def opened_with(says_no: set[str], **changes: int) -> Lie:
    """An OPEN of Anna's whose new leaf has these fields changed."""
    state = seasoned_street()
    honest = lenient_trace(state, CONTEXT, signed(Open(0, 1, 0, 600, 9, DAY_S, LATER), ANNA), SLOT)
    assert honest.channel is not None
    leaf = honest.channel.after
    assert leaf is not None
    changed = replace(honest.channel, after=unchecked(leaf, **changes))
    return Lie(user_case(replace(honest, channel=changed), state, CONTEXT), says_no)


LIES: dict[str, Callable[[], Lie]] = {
    "B's share is paid to A, and A's to B": lambda: paid_to(BERT, ANNA, {FIRST, SECOND}),
    "A's share is paid to a stranger": lambda: paid_to(CARL, BERT, {FIRST}),
    "B's share is paid to a stranger": lambda: paid_to(ANNA, CARL, {SECOND}),
    "B's share is paid to A": lambda: paid_to(ANNA, ANNA, {SECOND}),
    "both shares are B's, as side 1": lambda: paid_to(
        BERT, BERT, {"signed/no side"}, **{"signed/side": 1}
    ),
    "lane ab has grown when it is paid out": lambda: paid_by(
        LANE_AB + pack_lane(0, 5), LANE_BA, {"channel/lanes/ab is kept"}
    ),
    "lane ba has grown when it is paid out": lambda: paid_by(
        LANE_AB, LANE_BA + pack_lane(0, 5), {"channel/lanes/ba is kept"}
    ),
    "a claim of ab raises ba": lambda: claimed_too(Lane.AB, ANNA, {"channel/lanes/ba is kept"}),
    "a claim of ba raises ab": lambda: claimed_too(Lane.BA, BERT, {"channel/lanes/ab is kept"}),
    "a time of expiry where none is signed": lambda: paid_to(
        ANNA, BERT, {"signed/no expiry"}, **{"signed/valid_until/value": LATER}
    ),
    "B alone closes, as side 1": closed_by_b_alone,
    "a stranger starts a close": lambda: by_a_stranger(
        lambda c: StartClose(c.id, Lane.AB, CARL.index, LATER)
    ),
    "a stranger tops up": lambda: by_a_stranger(
        lambda c: TopUp(c.id, Lane.BA, CARL.index, 50, 3, LATER)
    ),
    "a key is pinned that is not B's": lambda: opened_with(
        {"parties/B's key is pinned"}, key_hash_b=CARL.key_hash
    ),
    "a key is pinned that is not A's": lambda: opened_with(
        {"parties/A's key is pinned"}, key_hash_a=CARL.key_hash
    ),
    "an epoch that was or will be": lambda: opened_with({"parties/epoch is the nonce"}, epoch=7),
    "A is someone else": lambda: opened_with({FIRST}, a_index=CARL.index),
    "B is someone else": lambda: opened_with({SECOND}, b_index=CARL.index),
    "it has lanes from the start": lambda: opened_with({"channel/fresh 2"}, lane_ab=1 << 40),
    "it is closing from the start": lambda: opened_with({"channel/fresh 0"}, deadline=5),
}


@pytest.mark.parametrize("name", LIES)
def test_only_its_own_rule_stops_a_lie(name: str) -> None:
    lie = LIES[name]()
    assert failing(user_slot(), lie.inputs) == lie.says_no


@pytest.mark.parametrize("name", USER_CASES)
def test_fees_and_withdrawals_come_from_types_that_have_them(name: str) -> None:
    """Others read the words that hold amount, fee and address elsewhere as something else."""
    assert_outputs(name, USER_CASES[name]().inputs)


def assert_outputs(name: str, inputs: Inputs) -> None:
    values = solve(user_slot(), inputs)
    out = {each: values[user_slot().exports[each]] for each in ("fee", "message")}
    spends = name.startswith(("transfer", "withdraw", "open", "top up"))
    assert bool(out["fee"]) == (spends and name != "withdraw nothing")
    assert bool(out["message"]) == (name == "withdraw")


def test_the_growth_of_a_lane_is_no_fee() -> None:
    """A growth of more than 2^64, whose upper bits stand where a fee does."""
    inputs = USER_CASES["close, all to b"]().inputs
    growth = pack_lane(9_999, 2**56 - 1) - LANE_AB
    assert inputs["money_or_growth/value"] == growth
    assert growth >> 64
    assert_outputs("close, all to b", inputs)
