"""The client: sends once whatever happens, pages, follows finality, names what failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from contracts import contract_reader, errors
from contracts.abi import load
from contracts.batches import WrongShape
from contracts.client import RollupClient, RollupReader
from contracts.finality import LATEST, Finality
from contracts.reader import ABI, RollupSettings
from contracts.transactions import Sender
from contracts.verifying_key import MalformedKey
from protocol.batch import Shape
from tests.support.simulated_proofs import SimulatedKey
from tests.support.simulated_rollup import SimulatedRollup, payout, with_proof


def test_a_prepared_transaction_may_be_sent_again_and_takes_effect_once(
    rollup: SimulatedRollup,
) -> None:
    client = rollup.client
    prepared = client.prepare_batch(rollup.honest(9))
    client.sender.broadcast(prepared)
    client.sender.broadcast(prepared)
    receipt = client.sender.wait(prepared.transaction_hash)
    client.sender.broadcast(prepared)
    assert client.sender.wait(prepared.transaction_hash) == receipt
    assert client.progress().batches == 1


def test_a_taken_nonce_is_an_error(rollup: SimulatedRollup) -> None:
    client = rollup.client
    used = client.rpc.quantity("eth_getTransactionCount", client.account.address, "latest") - 1
    prepared = client.sender.prepare(client.address, b"", nonce=used, gas_limit=50_000)
    with pytest.raises(errors.RpcRefused, match="nonce"):
        client.sender.broadcast(prepared)


def test_a_revert_in_a_block_is_named_too(rollup: SimulatedRollup) -> None:
    """Not only the estimate's: a batch may become stale between sending and mining."""
    client = rollup.client
    stale = with_proof(rollup.honest(1), old_root=5)
    prepared = client.sender.prepare(client.address, stale.calldata(), gas_limit=1_000_000)
    client.sender.broadcast(prepared)
    with pytest.raises(errors.StaleRoot):
        client.sender.wait(prepared.transaction_hash)


def test_a_transaction_out_of_gas_failed(rollup: SimulatedRollup) -> None:
    client = rollup.client
    calldata = rollup.honest(1).calldata()
    prepared = client.sender.prepare(client.address, calldata, gas_limit=200_000)
    client.sender.broadcast(prepared)
    with pytest.raises((errors.TransactionFailed, errors.PrecompileRefused)):
        client.sender.wait(prepared.transaction_hash)


def test_a_transaction_that_is_in_no_block_times_out(shared: SimulatedRollup) -> None:
    with pytest.raises(errors.ReceiptTimeout, match="0x4242"):
        shared.client.sender.wait(b"\x42" * 32, timeout_s=0.1)


def test_an_account_without_ether_is_told_so(shared: SimulatedRollup) -> None:
    poor = Account.from_key(b"\x17" * 32)
    sender = Sender(shared.client.rpc, poor)
    prepared = sender.prepare(shared.client.address, b"", gas_limit=50_000)
    with pytest.raises(errors.InsufficientFunds, match=poor.address):
        sender.broadcast(prepared)


def test_an_address_may_be_typed_in_any_case(rollup: SimulatedRollup) -> None:
    owner = rollup.client.account
    for spelt in (rollup.client.address.lower(), "0x" + rollup.client.address[2:].upper()):
        client = RollupClient(rollup.chain.url, spelt, owner, finality=LATEST)
        before = client.account_count()
        index, _ = client.new_account(5, owner.address.lower(), 1_000)
        assert index == before
        assert client.address == rollup.client.address
    rollup.client.sender.send("0x" + "5a" * 20, b"", 7)
    assert client.rpc.quantity("eth_getBalance", "0x" + "5a" * 20, "latest") == 7


def test_an_address_without_a_rollup_is_named(shared: SimulatedRollup) -> None:
    nowhere = RollupReader(shared.chain.url, "0x" + 40 * "7")
    for read in (nowhere.settings, nowhere.state_root, nowhere.verifying_key):
        with pytest.raises(errors.NoContract, match="7777"):
            read()
    token = RollupReader(shared.chain.url, shared.token.address)
    with pytest.raises((errors.Reverted, errors.NoContract, errors.RpcError)):
        token.settings()


def test_logs_are_read_page_by_page(
    rollup: SimulatedRollup, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = rollup.client
    first_block = client.latest_block().number
    for i in range(5):
        client.new_account(i, client.account.address, 1)
        rollup.chain.mine()
    whole = list(client.queue_ops())
    assert [op.number for op in whole] == [1, 2, 3, 4, 5]
    for page in (1, 2, 3, 1_000):
        monkeypatch.setattr(contract_reader, "LOG_PAGE_BLOCKS", page)
        assert list(client.queue_ops(first_block)) == whole
    second = next(iter(client.logs("OpEnqueued", indexed=[[(2).to_bytes(32, "big")]])))
    assert list(client.queue_ops(second.block_number, second.block_number)) == whole[1:2]
    assert list(client.queue_ops(second.block_number + 1)) == whole[2:]
    assert list(client.queue_ops(10**6)) == []
    assert client.queue_ops_by_number(4, 3) == ()


def test_finality_is_a_policy(rollup: SimulatedRollup) -> None:
    client = rollup.client
    newest = client.latest_block()
    url, address = rollup.chain.url, client.address
    assert client.finality == LATEST
    assert client.final_block() == newest
    deep = RollupReader(url, address, finality=Finality(confirmations=3)).final_block()
    assert deep.number == newest.number - 3
    assert client.block(deep.number) == deep
    assert client.block(newest.number + 5) is None
    with pytest.raises(errors.NotFinalYet):
        RollupReader(url, address, finality=Finality(confirmations=10**6)).final_block()
    by_tag = RollupReader(url, address).final_block()
    assert by_tag.number <= newest.number


def test_state_is_read_at_a_block(rollup: SimulatedRollup) -> None:
    client = rollup.client
    before = client.latest_block().number
    index, receipt = client.new_account(1, client.account.address, 77)
    client.submit_batch(rollup.honest(8, rollup.queue(1, 1)))
    assert client.account_count(block=before) == 0
    assert client.account_count(block=receipt.block_number) == 1
    assert client.held_ntok(block=receipt.block_number) == 77
    assert client.account_owner(index, block=before) is None
    assert client.state_root(block=receipt.block_number) != 8 == client.state_root()
    assert client.progress(block=receipt.block_number).batches == 0
    assert client.token().balance_of(client.address, block=before) == 0


def test_withdrawals_are_found_by_recipient(rollup: SimulatedRollup) -> None:
    client, homes = rollup.client, rollup.chain.accounts
    client.new_account(1, client.account.address, 100)
    payouts = (payout(0, homes[1].address, 5), payout(1, homes[2].address, 6))
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), payouts))
    (found,) = client.pending_withdrawals(recipient=homes[2].address)
    assert (found.amount_ntok, found.position, found.batch_number) == (6, 17, 1)
    RollupClient(rollup.chain.url, client.address, homes[2]).withdraw()
    assert [w.recipient for w in client.paid_withdrawals()] == [homes[2].address]


def test_a_batch_is_asked_for_in_its_own_shape(rollup: SimulatedRollup) -> None:
    rollup.client.submit_batch(rollup.honest(1))
    (batch,) = rollup.client.batches()
    with pytest.raises(WrongShape):
        batch.statements(Shape(2, 9), 0)


def test_points_of_a_wrong_length_are_refused_before_sending(shared: SimulatedRollup) -> None:
    key = SimulatedKey().key
    for bad in (b"", bytes(127), bytes(129)):
        with pytest.raises(MalformedKey):
            replace(key, alpha_g1=bad)
        with pytest.raises(MalformedKey):
            replace(key, beta_g2=bad)
    with pytest.raises(MalformedKey):
        replace(key, ic_g1=key.ic_g1[:-1])
    with pytest.raises(MalformedKey):
        with_proof(shared.honest(1), proof_bytes=bytes(511))


def test_amounts_that_are_no_whole_base_units_are_refused() -> None:
    six = RollupSettings("", Shape(1, 1), 0, 1, 1_000, "")
    assert six.base_units(3_000) == 3
    assert six.ntok(3) == 3_000
    with pytest.raises(ValueError, match="no whole number"):
        six.base_units(3_001)
    eighteen = RollupSettings("", Shape(1, 1), 0, 10**9, 1, "")
    assert eighteen.base_units(3) == 3 * 10**9
    assert eighteen.ntok(3 * 10**9 + 1) == 3


def test_calls_encode_as_the_abi_says() -> None:
    assert set(ABI.functions) >= {"new_account", "deposit", "submit_batch", "withdraw"}
    transfer = load("token").functions["transfer"]
    assert transfer.selector.hex() == "a9059cbb"  # EIP-20's, known everywhere
    assert transfer.decode_call(transfer.encode_call("0x" + 40 * "1", 5)) == ("0x" + 40 * "1", 5)
    assert transfer.decode_call(b"\0\0\0\0") is None
    assert transfer.decode_call(transfer.selector + b"\1") is None
