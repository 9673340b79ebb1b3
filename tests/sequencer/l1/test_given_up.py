"""A transaction that was given up does not hold up those after it: an account without ether, a pool
that forgot, a cap that was reached once are waited out, and the batch lands.

anvil without auto-mining; the real ledger, watcher and submitter; only proofs are simulated.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.chain import Chain
from contracts.chain.chain import DEV_BALANCE_WEI
from contracts.errors import InsufficientFunds, RpcRefused
from contracts.fees import GWEI, Fees
from contracts.transactions import PreparedTransaction
from protocol.units import L1_TIME_SLACK_S
from sequencer.storage.schema import L1Status
from tests.sequencer.l1.sending import MOST, Sending

DEAR_WEI, CHEAP_WEI = 60 * GWEI, 5 * GWEI
BALANCE_WEI = 10**7 * 3 * CHEAP_WEI // 10
"""Pays for a batch where L1 is cheap and not where it is dear."""


@pytest.fixture
def poor(sending: Sending, anvil: Chain) -> Iterator[Sending]:
    """The operator has little ether, and a batch's transaction was signed when L1 was dear."""
    address = sending.rollout.client.sender.address
    anvil.rpc.call("anvil_setBalance", address, hex(BALANCE_WEI))
    sending.mine(DEAR_WEI)
    with pytest.raises(InsufficientFunds):
        sending.submitter.step()
    assert sending.statuses == [L1Status.INTENDED]
    yield sending
    anvil.rpc.call("anvil_setBalance", address, hex(DEV_BALANCE_WEI))


def test_what_the_account_cannot_pay_is_signed_anew_once_l1_is_cheaper(poor: Sending) -> None:
    (first,) = poor.rows
    assert first.fees.max_fee_wei == MOST.max_fee_wei
    with pytest.raises(InsufficientFunds):
        poor.submitter.step()
    assert poor.rows == [first], "nothing has changed: kept for an account that is filled up"
    poor.mine(CHEAP_WEI)
    assert poor.restarted().step()
    given_up, second = poor.rows
    assert (given_up.hash, given_up.status) == (first.hash, L1Status.DROPPED)
    assert (second.nonce, second.status) == (first.nonce, L1Status.SENT)
    assert second.fees.max_fee_wei < MOST.max_fee_wei // 2
    poor.lands(second.hash)


def test_an_account_that_is_filled_up_sends_the_same_bytes(poor: Sending, anvil: Chain) -> None:
    (first,) = poor.rows
    address = poor.rollout.client.sender.address
    anvil.rpc.call("anvil_setBalance", address, hex(DEV_BALANCE_WEI))
    assert poor.submitter.step()
    assert [row.hash for row in poor.rows] == [first.hash]
    poor.lands(first.hash)


def test_bytes_given_up_that_another_node_had_may_land_and_the_batch_is_accepted_once(
    poor: Sending, anvil: Chain
) -> None:
    (first,) = poor.rows
    poor.mine(CHEAP_WEI)
    assert poor.submitter.step()
    _, second = poor.rows
    poor.drop(bytes.fromhex(second.hash[2:]))
    address = poor.rollout.client.sender.address
    anvil.rpc.call("anvil_setBalance", address, hex(DEV_BALANCE_WEI))
    anvil.rpc.call("eth_sendRawTransaction", "0x" + first.raw.hex())
    poor.lands(first.hash)


def test_a_cap_reached_once_does_not_bind_what_the_node_has_forgotten(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.mine(DEAR_WEI)
    assert sending.submitter.step()
    (first,) = sending.rows
    assert first.fees.max_fee_wei == MOST.max_fee_wei
    sending.drop(bytes.fromhex(first.hash[2:]))
    sending.mine(CHEAP_WEI)
    sender = sending.rollout.client.sender
    send = sender.broadcast

    def refuses_the_first(prepared: PreparedTransaction) -> None:
        if prepared.raw_bytes == first.raw:
            raise RpcRefused("", "eth_sendRawTransaction", "transaction underpriced", -32_000)
        send(prepared)

    monkeypatch.setattr(sender, "broadcast", refuses_the_first)
    assert sending.submitter.step()
    _, second = sending.rows
    assert second.nonce == first.nonce
    assert second.fees.max_fee_wei < MOST.max_fee_wei // 2
    sending.lands(second.hash)


def test_what_was_given_up_and_the_node_still_has_is_replaced_under_its_nonce(
    sending: Sending,
) -> None:
    assert sending.submitter.step()
    (first,) = sending.rows
    sending.rollout.ledger.record_sent(first, L1Status.DROPPED)
    assert sending.submitter.step()
    _, second = sending.rows
    assert second.nonce == first.nonce
    assert second.fees.tip_wei == first.fees.tip_wei * 9 // 8
    sending.lands(second.hash)


def test_what_another_node_has_is_outbid_though_this_one_does_not_show_it(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sending.submitter.step()
    (first,) = sending.rows
    sending.rollout.ledger.record_sent(first, L1Status.DROPPED)
    sender = sending.rollout.client.sender
    monkeypatch.setattr(sender, "is_known", lambda _hash: False)
    monkeypatch.setattr(sender, "pending_nonce", sender.next_nonce)
    assert sending.submitter.step()
    given_up, second = sending.rows
    assert (given_up.hash, given_up.status) == (first.hash, L1Status.DROPPED)
    assert (second.nonce, second.status) == (first.nonce, L1Status.SENT)
    assert second.fees.tip_wei == first.fees.tip_wei * 9 // 8
    sending.lands(second.hash)


def test_a_node_that_refuses_everything_is_asked_again_with_the_same_bytes(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = sending.rollout.client.sender
    send = sender.broadcast

    def refuses(prepared: PreparedTransaction) -> None:
        raise RpcRefused("", "eth_sendRawTransaction", "txpool is full", -32_000)

    monkeypatch.setattr(sender, "broadcast", refuses)
    sending.mine(DEAR_WEI)
    for _ in range(3):
        assert not sending.submitter.step(), "nothing was done: the loop takes its time"
    (row,) = sending.rows
    assert row.status is L1Status.DROPPED
    monkeypatch.setattr(sender, "broadcast", send)
    assert sending.submitter.step()
    assert [one.hash for one in sending.rows] == [row.hash]
    sending.lands(row.hash)


def test_offers_below_the_cap_that_were_never_payable_do_not_bind_either(
    sending: Sending, anvil: Chain
) -> None:
    address = sending.rollout.client.sender.address
    try:
        anvil.rpc.call("anvil_setBalance", address, hex(BALANCE_WEI))
        sending.mine(MOST.max_fee_wei * 2 // 5)
        with pytest.raises(InsufficientFunds):
            sending.submitter.step()
        (first,) = sending.rows
        assert first.fees.max_fee_wei * 9 // 8 < MOST.max_fee_wei
        sending.mine(CHEAP_WEI)
        assert sending.submitter.step()
        assert sending.statuses == [L1Status.DROPPED, L1Status.DROPPED, L1Status.SENT]
        last = sending.rows[-1]
        assert last.fees.max_fee_wei < first.fees.max_fee_wei // 2
        sending.lands(last.hash)
    finally:
        anvil.rpc.call("anvil_setBalance", address, hex(DEV_BALANCE_WEI))


def test_a_batch_sealed_anew_is_signed_at_the_price_of_its_day(poor: Sending, anvil: Chain) -> None:
    (first,) = poor.rows
    anvil.advance_time(L1_TIME_SLACK_S + 60)
    poor.rollout.watch()
    assert poor.submitter.step()
    assert poor.statuses == [L1Status.DROPPED]
    assert len(poor.rollout.seal()) == 1
    poor.mine(CHEAP_WEI)
    assert poor.submitter.step()
    _, second = poor.rows
    assert second.seal_id != first.seal_id
    assert second.fees.max_fee_wei < MOST.max_fee_wei // 2
    poor.lands(second.hash)


@pytest.mark.parametrize(
    ("today", "signed", "is_well_below"),
    [
        (Fees(874, 1), Fees(1_000, 1), True),
        (Fees(875, 1), Fees(1_000, 1), False),
        (Fees(1_000, 1, 5), Fees(1_000, 1, 8), True),
        (Fees(1_001, 1, 5), Fees(1_000, 1, 8), False),
        (Fees(1, 1, 9), Fees(1_000, 1, 8), False),
        (Fees(1_000, 1), Fees(1_000, 1), False),
        (Fees(1, 1), Fees(0, 0), False),
    ],
)
def test_an_eighth_is_worth_signing_anew_for(
    today: Fees, signed: Fees, is_well_below: bool
) -> None:
    assert today.is_well_below(signed) is is_well_below
