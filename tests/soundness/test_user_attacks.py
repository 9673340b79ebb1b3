"""What a cheating prover would like a user slot to do, each stopped by the rule made for it.

Every attack is as good as it gets: leaves, paths, roots and all computed values fit together, and
only the named constraints fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import pytest

from protocol.channels import Channel, Lane, pack_lane
from protocol.crypto.jubjub import SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature, sign
from protocol.errors import ProtocolError
from protocol.execute import execute
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S, INDEX_BITS, LANE_WH_BITS, NONCE_BITS, TOTAL_WH_BITS
from prover.circuits.user_slot import user_slot
from tests.protocol.street import ANNA, BERT, CARL, CONTEXT, DOMAIN, LATER, NOW, at, signed
from tests.prover.circuits.cases import (
    LANE_AB,
    LANE_BA,
    SLOT,
    channel_of,
    seasoned_street,
    street_with_channel,
)
from tests.prover.circuits.lone import failing, user_case
from tests.soundness.lenient import lenient_trace, unchecked

WRONG_MESSAGE_1 = {f"signature1/signature/sG = R + eA in {x}" for x in "xy"}
WRONG_MESSAGE_2 = {f"signature2/signature/sG = R + eA in {x}" for x in "xy"}
BIT0 = "bit0 is a bit"


@dataclass(frozen=True, slots=True)
class Attack:
    """A transaction that the executor refuses, and what has to say no in the circuit."""

    state: State
    transaction: Transaction
    says_no: set[str]
    context: Context = CONTEXT
    slot: int | None = None


def on_channel(
    make: Callable[[Channel], Transaction],
    says_no: set[str],
    *,
    closing: bool = False,
    context: Context = CONTEXT,
    **changes: object,
) -> Attack:
    """On the street with a channel, whose leaf has these fields changed."""
    state = street_with_channel(closing=closing)
    channel = unchecked(channel_of(state), **changes)
    state.write_channel(SLOT, channel)
    return Attack(state, make(channel), says_no, context)


def on_street(transaction: Transaction, says_no: set[str], **changes: object) -> Attack:
    """On the street, where account 0 has these fields changed."""
    state = seasoned_street()
    state.write_account(0, unchecked(state.account(0), **changes))
    return Attack(state, transaction, says_no)


def with_recipient(says_no: set[str], **changes: int) -> Attack:
    state = seasoned_street()
    state.write_account(77, replace(state.account(77), **changes))
    return Attack(state, signed(transfer(), ANNA), says_no)


def transfer(**changes: int) -> Transfer:
    return replace(Transfer(0, 77, 0, 900, 7, LATER), **changes)


def open_(**changes: int) -> Open:
    return replace(Open(0, 1, 0, 600, 9, DAY_S, LATER), **changes)


def close_of(channel: Channel, **changes: int) -> Close:
    deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
    return replace(Close(channel.id, LANE_AB, LANE_BA, *deposits, LATER), **changes)


def both(body: Close) -> Transaction:
    return signed(body, ANNA, BERT)


def off_curve() -> Transaction:
    honest = signed(transfer(), ANNA)
    key = honest.signatures[0].key
    forged = replace(honest.signatures[0], key=Point(key.x, key.y + 1))
    return Transaction(honest.body, (forged,))


def with_large_s() -> Transaction:
    """s + l in place of s, for a signature with s so small that 252 bits hold it."""
    body = transfer()
    message = body.message(DOMAIN)
    tries = (sign(ANNA.secret, message, i.to_bytes(32, "big")) for i in count())
    honest = next(one for one in tries if one.s + SUBGROUP_ORDER < 1 << 252)
    return Transaction(body, (replace(honest, s=honest.s + SUBGROUP_ORDER),))


def with_signature(honest: Transaction, *signatures: Signature) -> Transaction:
    return Transaction(honest.body, signatures)


ATTACKS: dict[str, Callable[[], Attack]] = {
    "double spend: the same slot again": lambda: on_street(
        signed(transfer(), ANNA), WRONG_MESSAGE_1, nonce=1
    ),
    "a nonce from the future": lambda: on_street(signed(transfer(nonce=1), ANNA), WRONG_MESSAGE_1),
    "the last nonce once more": lambda: on_street(
        signed(transfer(nonce=2**32 - 1), ANNA), {"parties/nonce has room"}, nonce=2**32 - 1
    ),
    "more than the balance": lambda: on_street(
        signed(transfer(amount_ntok=10**6 - 6), ANNA), {f"account1/new balance/{BIT0}"}
    ),
    "the fee is more than what is left": lambda: on_street(
        signed(transfer(amount_ntok=10**6), ANNA), {f"account1/new balance/{BIT0}"}
    ),
    "withdraw more than the balance": lambda: on_street(
        signed(Withdraw(0, 0, 10**6 + 1, 0, LATER), ANNA), {f"account1/new balance/{BIT0}"}
    ),
    "a balance that overflows": lambda: with_recipient(
        {f"account2/new balance/{BIT0}"}, balance_ntok=2**64 - 900
    ),
    "to oneself": lambda: on_street(
        signed(transfer(to_index=0), ANNA), {"parties/two different accounts"}
    ),
    "to nobody": lambda: on_street(
        signed(transfer(to_index=78), ANNA), {"account2/old leaf is in the tree"}
    ),
    "from nobody": lambda: Attack(
        seasoned_street(),
        signed(transfer(from_index=78), ANNA),
        {
            "account1/old leaf is in the tree",
            "signature1/the signer's key",
            f"account1/new balance/{BIT0}",
        },
    ),
    "signed by someone else": lambda: on_street(
        signed(transfer(), BERT), {"signature1/the signer's key"}
    ),
    "an amount that was not signed": lambda: on_street(
        with_signature(
            signed(transfer(amount_ntok=901), ANNA), *signed(transfer(), ANNA).signatures
        ),
        WRONG_MESSAGE_1,
    ),
    "a fee that was not signed": lambda: on_street(
        with_signature(signed(transfer(fee_ntok=8), ANNA), *signed(transfer(), ANNA).signatures),
        WRONG_MESSAGE_1,
    ),
    "a transfer turned into a withdrawal": lambda: on_street(
        with_signature(
            signed(Withdraw(0, 0, 900, 7, LATER), ANNA), *signed(transfer(), ANNA).signatures
        ),
        WRONG_MESSAGE_1,
    ),
    "signed for another rollup": lambda: on_street(
        signed(transfer(), ANNA, domain=DOMAIN ^ 1), WRONG_MESSAGE_1
    ),
    "expired a second ago": lambda: on_street(
        signed(transfer(valid_until=NOW - 1), ANNA), {f"times/in time/{BIT0}"}
    ),
    "a longer life than was signed": lambda: on_street(
        with_signature(
            signed(transfer(valid_until=NOW), ANNA),
            *signed(transfer(valid_until=NOW - 1), ANNA).signatures,
        ),
        WRONG_MESSAGE_1,
    ),
    "a key off the curve": lambda: on_street(
        off_curve(),
        {"signature1/signature/A on curve", "signature1/the signer's key", *WRONG_MESSAGE_1},
    ),
    "a response past the group's order": lambda: on_street(
        with_large_s(), {f"signature1/signature/s/below l/first difference/{BIT0}"}
    ),
    "open with oneself": lambda: on_street(
        signed(open_(b_index=0), ANNA), {"parties/two different accounts"}
    ),
    "open with nobody": lambda: on_street(
        signed(open_(b_index=78), ANNA), {"account2/old leaf is in the tree"}
    ),
    "open over another channel": lambda: Attack(
        street_with_channel(),
        signed(open_(nonce=1), ANNA),
        {"channel/old leaf is in the tree"},
        slot=SLOT,
    ),
    "a window below a day": lambda: on_street(
        signed(open_(window_s=DAY_S - 1), ANNA), {f"channel/window/{BIT0}"}
    ),
    "a window above 30 days": lambda: on_street(
        signed(open_(window_s=30 * DAY_S + 1), ANNA), {f"channel/window is short enough/{BIT0}"}
    ),
    "a window that A did not sign": lambda: on_street(
        with_signature(signed(open_(window_s=2 * DAY_S), ANNA), *signed(open_(), ANNA).signatures),
        WRONG_MESSAGE_1,
    ),
    "a deposit that A does not have": lambda: on_street(
        signed(open_(deposit_ntok=10**6), ANNA), {f"account1/new balance/{BIT0}"}
    ),
    "top up as the wrong side": lambda: on_channel(
        lambda c: signed(TopUp(c.id, Lane.AB, 1, 50, 3, LATER), BERT),
        {"signature1/the signer's key"},
    ),
    "top up the other side than was signed": lambda: on_channel(
        lambda c: with_signature(
            signed(TopUp(c.id, Lane.AB, 1, 50, 3, LATER), ANNA),
            *signed(TopUp(c.id, Lane.BA, 1, 50, 3, LATER), ANNA).signatures,
        ),
        WRONG_MESSAGE_1,
    ),
    "top up while closing": lambda: on_channel(
        lambda c: signed(TopUp(c.id, Lane.AB, 2, 50, 3, LATER), ANNA),
        {"parties/channel is open"},
        closing=True,
    ),
    "a deposit that overflows": lambda: on_channel(
        lambda c: signed(TopUp(c.id, Lane.BA, 2, 50, 0, LATER), BERT),
        {f"channel/new deposit b/{BIT0}"},
        deposit_b_ntok=2**64 - 50,
    ),
    "A's deposit overflows into B's": lambda: on_channel(
        lambda c: signed(TopUp(c.id, Lane.AB, 1, 50, 0, LATER), ANNA),
        {f"channel/new deposit a/{BIT0}"},
        deposit_a_ntok=2**64 - 50,
    ),
    "claim a lower lane": lambda: on_channel(
        lambda c: signed(Claim(c.id, Lane.AB, LANE_AB - 1), ANNA),
        {"money_or_growth/bits add up"},
    ),
    "claim more energy for less money": lambda: on_channel(
        lambda c: signed(Claim(c.id, Lane.AB, pack_lane(9_000, 89_999)), ANNA),
        {"money_or_growth/bits add up"},
    ),
    "claim the same lane again": lambda: on_channel(
        lambda c: signed(Claim(c.id, Lane.BA, LANE_BA), BERT),
        {"channel/lanes/claimed lane is higher"},
    ),
    "claim with the payee's own signature": lambda: on_channel(
        lambda c: signed(Claim(c.id, Lane.AB, LANE_AB + 1), BERT),
        {"signature1/the signer's key"},
    ),
    "claim for the other lane": lambda: on_channel(
        lambda c: with_signature(
            signed(Claim(c.id, Lane.AB, LANE_AB + 1), ANNA),
            *signed(Claim(c.id, Lane.BA, LANE_AB + 1), ANNA).signatures,
        ),
        WRONG_MESSAGE_1,
    ),
    "a voucher of an earlier channel": lambda: on_channel(
        lambda c: with_signature(
            signed(Claim(c.id, Lane.AB, LANE_AB + 1), ANNA),
            *signed(Claim(c.id - (1 << 64), Lane.AB, LANE_AB + 1), ANNA).signatures,
        ),
        WRONG_MESSAGE_1,
        epoch=1,
    ),
    "start a close twice": lambda: on_channel(
        lambda c: signed(StartClose(c.id, Lane.AB, 2, LATER), ANNA),
        {"parties/channel is open"},
        closing=True,
    ),
    "start a close as a stranger": lambda: on_channel(
        lambda c: signed(StartClose(c.id, Lane.AB, 1, LATER), CARL),
        {"signature1/the signer's key"},
    ),
    "a deadline that overflows": lambda: on_channel(
        lambda c: signed(StartClose(c.id, Lane.AB, 1, 2**40 - 1), ANNA),
        {f"channel/new deadline/{BIT0}"},
        context=at(2**40 - 7_200 - DAY_S),
    ),
    "close with a lower lane": lambda: on_channel(
        lambda c: both(close_of(c, lane_ba=LANE_BA - 1)),
        {f"channel/lanes/ba does not fall/{BIT0}"},
    ),
    "close with other deposits than signed": lambda: on_channel(
        lambda c: both(close_of(c, deposit_a_ntok=c.deposit_a_ntok + 1)),
        WRONG_MESSAGE_1 | WRONG_MESSAGE_2,
    ),
    "close signed by A alone": lambda: on_channel(
        lambda c: signed(close_of(c), ANNA, ANNA), {"signature2/B's key"}
    ),
    "close signed the wrong way round": lambda: on_channel(
        lambda c: signed(close_of(c), BERT, ANNA),
        {"signature1/the signer's key", "signature2/B's key"},
    ),
    "close with B's signature of other lanes": lambda: on_channel(
        lambda c: with_signature(
            both(close_of(c)),
            signed(close_of(c), ANNA, BERT).signatures[0],
            both(close_of(c, lane_ab=LANE_AB + 1)).signatures[1],
        ),
        WRONG_MESSAGE_2,
    ),
    "close after it expired": lambda: on_channel(
        lambda c: both(close_of(c)), {f"times/in time/{BIT0}"}, context=at(LATER + 1)
    ),
    "finalize a second too early": lambda: on_channel(
        lambda c: Transaction(Finalize(c.id)),
        {f"times/in time/{BIT0}"},
        closing=True,
        context=at(NOW + 7_200 + DAY_S - 1),
    ),
    "finalize past a challenge in the queue": lambda: on_channel(
        lambda c: Transaction(Finalize(c.id)),
        {f"times/in time/{BIT0}"},
        closing=True,
        context=at(NOW + 9 * DAY_S, queue_covered=NOW + DAY_S),
    ),
    "finalize an open channel": lambda: on_channel(
        lambda c: Transaction(Finalize(c.id)),
        {"parties/channel is closing"},
        context=at(NOW + 9 * DAY_S),
    ),
    "a channel that does not exist": lambda: Attack(
        seasoned_street(),
        signed(Claim(1 << 32, Lane.AB, 5), ANNA),
        {"channel/old leaf is in the tree"},
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_only_its_own_rule_stops_an_attack(name: str) -> None:
    attack = ATTACKS[name]()
    trace = lenient_trace(attack.state, attack.context, attack.transaction, attack.slot)
    inputs = user_case(trace, attack.state, attack.context)
    assert failing(user_slot(), inputs) == attack.says_no
    with pytest.raises(ProtocolError):
        execute(attack.state, attack.context, attack.transaction, attack.slot)


def test_energy_totals_cannot_overflow() -> None:
    """No range is needed: all channels that there can ever be do not fill a total."""
    opens = (1 << INDEX_BITS) * ((1 << NONCE_BITS) - 1)
    assert opens * ((1 << LANE_WH_BITS) - 1) < 1 << TOTAL_WH_BITS
