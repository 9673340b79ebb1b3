"""The operator's transactions on a chain that stalls, grows dear, loses them or takes them back,
and with a key that somebody uses elsewhere: each batch lands once, and what it waits for is named.

anvil without auto-mining; the real ledger, watcher and submitter; only proofs are simulated.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.chain import Chain
from contracts.errors import FeesAboveLimit, ReceiptTimeout
from contracts.fees import GWEI
from contracts.transactions import PreparedTransaction
from sequencer.errors import NonceBlocked
from sequencer.l1.once import OnceSender
from sequencer.storage.schema import L1Status
from tests.sequencer.l1.sending import MOST, POLICY, Sending

# ------------------------------------------------------------------------------ fees


def test_what_the_market_outbids_is_replaced_by_one_that_offers_an_eighth_more(
    sending: Sending,
) -> None:
    assert sending.submitter.step()
    (first,) = sending.rows
    assert sending.submitter.step()
    assert sending.rows == [first], "nothing has changed: the same bytes again"
    sending.mine(4 * GWEI)  # above what it offers; the next block asks for less again
    assert sending.submitter.step()
    _, second = sending.rows
    assert (second.nonce, second.seal_id) == (first.nonce, first.seal_id)
    assert second.fees.tip_wei == first.fees.tip_wei * 9 // 8
    assert second.fees.max_fee_wei >= 2 * 4 * GWEI
    assert sending.counted("replacements") == 1
    sending.lands(second.hash)


def test_what_waits_too_long_offers_more_though_the_market_does_not_ask_for_it(
    sending: Sending,
) -> None:
    assert sending.submitter.step()
    sending.clock_s += POLICY.bump_after_s
    assert sending.submitter.step()
    assert len(sending.rows) == 1
    sending.clock_s += 1
    assert sending.submitter.step()
    first, second = sending.rows
    assert second.nonce == first.nonce
    assert second.fees.max_fee_wei == -(-first.fees.max_fee_wei * 9 // 8)
    assert second.fees.tip_wei == first.fees.tip_wei * 9 // 8
    assert sending.submitter.step()
    assert len(sending.rows) == 2, "the new one has its time, too"
    sending.lands(second.hash)


def test_a_dear_l1_is_waited_for_and_nothing_is_signed(sending: Sending) -> None:
    sending.mine(MOST.max_fee_wei)  # with the tip it is more than the most
    with pytest.raises(FeesAboveLimit) as caught:
        sending.submitter.step()
    assert (caught.value.what, caught.value.most_wei) == ("gas", MOST.max_fee_wei)
    assert sending.rows == []
    sending.mine(MOST.max_fee_wei - 2 * GWEI)  # less than twice of it is allowed, and enough
    assert sending.submitter.step()
    (row,) = sending.rows
    assert row.fees.max_fee_wei == MOST.max_fee_wei
    sending.lands(row.hash)


def test_replacing_ends_at_the_cap_and_the_last_one_still_counts(sending: Sending) -> None:
    assert sending.submitter.step()
    for _ in range(5):  # tips of 1, 1.125, ... 1.8 gwei; the next would be 2.03
        sending.clock_s += POLICY.bump_after_s + 1
        assert sending.submitter.step()
    rows = sending.rows
    sending.clock_s += POLICY.bump_after_s + 1
    sending.drop(bytes.fromhex(rows[-1].hash[2:]))
    with pytest.raises(FeesAboveLimit, match="tip"):
        sending.submitter.step()
    assert sending.rows == rows
    sending.lands(rows[-1].hash)  # it was sent again before the cap was met


def test_a_replacement_is_stored_before_it_is_sent_and_survives_a_crash_there(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sending.submitter.step()
    sending.clock_s += POLICY.bump_after_s + 1
    sender = sending.rollout.client.sender
    send = sender.broadcast

    def dies_at_the_second(prepared: PreparedTransaction) -> None:
        rows = sending.rows
        if len(rows) == 2:
            assert rows[1].status is L1Status.INTENDED
            assert rows[1].raw == prepared.raw_bytes
            raise KeyboardInterrupt
        send(prepared)

    monkeypatch.setattr(sender, "broadcast", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        sending.submitter.step()
    monkeypatch.undo()
    assert sending.restarted().step()
    assert len(sending.rows) == 2, "the same bytes again"
    sending.lands(sending.rows[1].hash)


# ------------------------------------------------------------------------------ nonces


def test_a_transaction_that_the_node_lost_is_sent_again_as_it_is(sending: Sending) -> None:
    assert sending.submitter.step()
    (row,) = sending.rows
    sending.drop(bytes.fromhex(row.hash[2:]))
    sending.mine()
    assert sending.rollout.client.progress().batches == 0
    assert sending.submitter.step()
    assert sending.rows == [row]
    sending.lands(row.hash)


def test_a_nonce_that_the_key_used_elsewhere_is_given_up_for_the_next(sending: Sending) -> None:
    assert sending.submitter.step()
    (first,) = sending.rows
    sending.elsewhere(first.nonce, 10 * first.fees.max_fee_wei, 10 * GWEI)
    sending.mine()
    assert sending.rollout.client.progress().batches == 0
    assert sending.submitter.step()
    lost, second = sending.rows
    assert lost.status is L1Status.DROPPED
    assert second.nonce == first.nonce + 1
    assert sending.counted("foreign_nonces") == 1
    sending.lands(second.hash)


def test_a_stranger_before_the_batch_is_left_alone_and_named_when_it_blocks(
    sending: Sending,
) -> None:
    used = sending.rollout.client.sender.next_nonce()
    stranger = sending.elsewhere(used, 3 * GWEI)
    assert sending.submitter.step()
    (row,) = sending.rows
    assert row.nonce == used + 1
    sending.clock_s += POLICY.bump_after_s + 1
    with pytest.raises(NonceBlocked) as caught:
        sending.submitter.step()
    assert caught.value.nonce == stranger.nonce
    assert sending.rows == [row], "more money would not help"
    sending.lands(row.hash)


def test_a_missing_nonce_before_the_batch_is_filled_by_the_batch(sending: Sending) -> None:
    used = sending.rollout.client.sender.next_nonce()
    stranger = sending.elsewhere(used, 3 * GWEI)
    assert sending.submitter.step()
    sending.drop(stranger.transaction_hash)
    sending.mine()
    assert sending.rollout.client.progress().batches == 0
    assert sending.submitter.step()
    first, second = sending.rows
    assert (first.nonce, first.status) == (used + 1, L1Status.DROPPED)
    assert second.nonce == used
    sending.drop(bytes.fromhex(first.hash[2:]))
    sending.lands(second.hash)


# ------------------------------------------------------------------------------ reorgs


def test_a_batch_that_l1_takes_back_is_sent_again_as_it_is(sending: Sending) -> None:
    assert sending.submitter.step()
    (row,) = sending.rows
    sending.mine()
    assert sending.submitter.step()
    assert sending.statuses == [L1Status.SUCCEEDED]
    sending.rollout.chain.rpc.call("anvil_reorg", 1, [])
    sending.rollout.chain.rpc.call("anvil_dropAllTransactions")
    assert sending.rollout.client.progress().batches == 0
    assert sending.submitter.step()
    assert [one.hash for one in sending.rows] == [row.hash]
    assert sending.counted("reorgs") == 1
    sending.lands(row.hash)


def test_after_a_reorg_somebody_else_may_have_the_nonce(sending: Sending) -> None:
    assert sending.submitter.step()
    (row,) = sending.rows
    sending.mine()
    assert sending.submitter.step()
    sending.rollout.chain.rpc.call("anvil_reorg", 1, [])
    sending.rollout.chain.rpc.call("anvil_dropAllTransactions")
    sending.elsewhere(row.nonce, 10 * row.fees.max_fee_wei, 10 * GWEI)
    sending.mine()
    assert sending.submitter.step()
    lost, second = sending.rows
    assert (lost.status, second.nonce) == (L1Status.DROPPED, row.nonce + 1)
    sending.lands(second.hash)


# ------------------------------------------------------------------------------ before there is one


def test_what_init_sent_and_the_market_outbid_is_replaced_and_lands_once(
    anvil: Chain, tmp_path: Path
) -> None:
    journal, account, to = tmp_path / "journal", anvil.accounts[5], anvil.accounts[6].address
    anvil.rpc.call("evm_setAutomine", False)
    try:
        anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        anvil.mine()
        for _ in range(2):
            sender = OnceSender(anvil.rpc, account, journal)
            sender.wait_s = 0.0
            with pytest.raises(ReceiptTimeout):
                sender.send(to, b"", 1)
        assert len(journal.read_text().splitlines()) == 1, "the same bytes, as long as they may do"
        anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
        anvil.mine()
        sender = OnceSender(anvil.rpc, account, journal)
        sender.wait_s = 0.0
        with pytest.raises(ReceiptTimeout):
            sender.send(to, b"", 1)
        anvil.mine()
    finally:
        anvil.rpc.call("evm_setAutomine", True)
    receipt = OnceSender(anvil.rpc, account, journal).send(to, b"", 1)
    first, second = (json.loads(line) for line in journal.read_text().splitlines())
    assert (first["nonce"], second["nonce"]) == (0, 0)
    assert receipt.transaction_hash.hex() == second["transaction_hash"]
    assert second["max_fee_wei"] > 50 * GWEI > first["max_fee_wei"]
