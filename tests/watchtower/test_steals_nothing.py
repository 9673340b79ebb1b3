"""What a tower holds moves no money but what the payer has signed, and that to the payee."""

from __future__ import annotations

import pytest

from protocol.channels import Lane, Status
from protocol.errors import ProtocolError
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import ForcedClaim, ForcedExit, ForcedStartClose, KeyChange
from protocol.trace import Context
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from tests.channels.street import ANN, BEN, DOMAIN, LEAF, NOW, voucher
from tests.watchtower.street import CLOSING, DEADLINE, SLOT, state_with

HELD = [voucher(value << 40) for value in (100, 700)]
"""Ann's vouchers to Ben, as they came."""
LATER = NOW + 3_600
TOWER = 0x70
"""The tower's own L1 address."""
CONTEXT = Context(DOMAIN, NOW, NOW)

FORBIDDEN: list[Body] = [
    Transfer(ANN.index, BEN.index, 9, 5, 0, LATER),
    Withdraw(ANN.index, 9, 5, 0, LATER),
    Open(ANN.index, BEN.index, 9, 5, 0, LEAF.window_s, LATER),
    TopUp(LEAF.id, Lane.AB, 9, 5, 0, LATER),
    StartClose(LEAF.id, Lane.AB, 9, LATER),
    StartClose(LEAF.id, Lane.BA, 9, LATER),
    Claim(LEAF.id, Lane.AB, 701 << 40),
    Claim(LEAF.id, Lane.BA, 700 << 40),
    Claim(LEAF.id ^ 1 << 70, Lane.AB, 700 << 40),
]


@pytest.mark.parametrize("body", FORBIDDEN, ids=lambda one: type(one).__name__)
def test_no_signature_that_it_holds_authorises_anything_else(body: Body) -> None:
    for held in HELD:
        state = state_with(LEAF)
        before = state.root
        with pytest.raises(ProtocolError):
            execute(state, CONTEXT, Transaction(body, (held.signature,)))
        assert state.root == before


def test_two_of_its_signatures_make_no_close() -> None:
    body = Close(LEAF.id, 700 << 40, 0, LEAF.deposit_a_ntok, 0, LATER)
    for first in HELD:
        for second in HELD:
            state = state_with(LEAF)
            with pytest.raises(ProtocolError):
                execute(state, CONTEXT, Transaction(body, (first.signature, second.signature)))


@pytest.mark.parametrize("status", list(Status))
def test_a_claim_gives_the_payee_what_the_payer_signed_and_takes_nothing_else(
    status: Status,
) -> None:
    leaf = LEAF if status is Status.OPEN else CLOSING
    state, payouts = state_with(leaf), []
    for held in HELD:
        claim = Claim(held.channel_id, held.lane, held.lane_value)
        execute(state, CONTEXT, Transaction(claim, (held.signature,)))
        found = state.find_channel(SLOT)
        assert found is not None
        payouts.append(found.payout(found.lane_ab, found.lane_ba).b_ntok)
        assert (found.status, found.deadline) == (leaf.status, leaf.deadline)
    assert payouts == [100, 700]
    old = HELD[0]
    claim = Claim(old.channel_id, old.lane, old.lane_value)
    with pytest.raises(ProtocolError):  # and an old one takes nothing back
        execute(state, CONTEXT, Transaction(claim, (old.signature,)))
    assert state.accounts == state_with(leaf).accounts


def test_its_own_l1_address_forces_nothing_but_claims() -> None:
    state = state_with(LEAF)
    before = state.root
    for op in (
        KeyChange(1, NOW, BEN.index, 5, TOWER),
        ForcedExit(2, NOW, BEN.index, TOWER),
        ForcedStartClose(3, NOW, SLOT, LEAF.epoch, Lane.AB, TOWER),
        ForcedStartClose(4, NOW, SLOT, LEAF.epoch, Lane.BA, TOWER),
    ):
        assert not execute_queue_op(state, CONTEXT, op).applied
    assert state.root == before
    held = HELD[1]
    value, signature = held.lane_value, held.signature
    claim = ForcedClaim(5, NOW, SLOT, LEAF.epoch, held.lane, value, signature, TOWER)
    assert execute_queue_op(state, Context(DOMAIN, DEADLINE, DEADLINE), claim).applied
