"""Accounts, deposits and the queue: who may do what, and that the hash binds every op in order."""

from __future__ import annotations

import pytest

from contracts import errors
from contracts.addresses import address_number
from contracts.batches import Payout
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.reader import ABI
from protocol.batch import Shape, domain_of
from protocol.crypto.field import R
from protocol.queue import NO_OPS_HASH, Deposit, NewAccount, rolling_hash
from protocol.state import genesis_root
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, deploy_simulated

KEY_HASH = 0x1234


def test_deployment_fixes_root_shape_and_domain(shared: SimulatedRollup) -> None:
    client = shared.client
    settings = client.settings()
    assert client.state_root(block=None) == genesis_root()
    assert settings.shape == SHAPE
    assert settings.domain == domain_of(31_337, address_number(client.address))
    assert client.powers().operator == client.account.address
    assert settings.token == shared.token.address
    assert client.verifying_key() == shared.key.key


def test_new_accounts_get_consecutive_indices_and_their_owner(rollup: SimulatedRollup) -> None:
    client, other = rollup.client, rollup.chain.accounts[1].address
    for index, owner in enumerate((client.account.address, other, other)):
        assert client.new_account(KEY_HASH + index, owner, 10**9)[0] == index
        assert client.account_owner(index) == owner
    assert client.account_count() == 3
    assert client.account_owner(3) is None


def test_each_op_is_an_event_and_extends_the_hash_as_the_protocol_says(
    rollup: SimulatedRollup,
) -> None:
    client, owner = rollup.client, rollup.chain.accounts[1].address
    payer = address_number(client.account.address)
    client.new_account(R - 1, owner, 5)
    client.deposit(0, owner, 7)
    client.new_account(0, owner, 1)
    ops = tuple(client.queue_ops())
    expected_hash = NO_OPS_HASH
    for number, op in enumerate(ops, 1):
        expected_hash = rolling_hash(expected_hash, op)
        record = client.queue_record(number)
        assert (record.rolling_hash, record.enqueue_time) == (expected_hash, op.enqueue_time)
    times = [op.enqueue_time for op in ops]
    assert ops == (
        NewAccount(1, times[0], 0, R - 1, address_number(owner), 5, payer),
        Deposit(2, times[1], 0, 7, payer),
        NewAccount(3, times[2], 1, 0, address_number(owner), 1, payer),
    )
    assert client.queue_ops_by_number(2, 3) == ops[1:]
    assert client.enqueued() == 3
    assert client.queue_record(4).enqueue_time == 0


def test_anyone_deposits_for_an_owner_who_is_named(rollup: SimulatedRollup) -> None:
    client = rollup.client
    client.new_account(KEY_HASH, client.account.address, 1)
    stranger = rollup.chain.accounts[2]
    rollup.token.transfer(stranger.address, 10**18)
    from_stranger = RollupClient(rollup.chain.url, client.address, stranger)
    from_stranger.approve(10**9)
    from_stranger.deposit(0, client.account.address, 10**9)
    (op,) = client.queue_ops_by_number(2, 2)
    assert isinstance(op, Deposit)
    assert op.payer == address_number(stranger.address)


def _new_account(rollup: SimulatedRollup, key_hash: int, owner: str, base_units: int) -> None:
    data = ABI.functions["new_account"].encode_call(key_hash, owner, base_units)
    rollup.client.call(data, rollup.client.account.address)


def _deposit(rollup: SimulatedRollup, index: int, owner: str, base_units: int) -> None:
    data = ABI.functions["deposit"].encode_call(index, owner, base_units)
    rollup.client.call(data, rollup.client.account.address)


def test_bad_new_accounts_are_refused(shared: SimulatedRollup) -> None:
    owner = shared.client.account.address
    with pytest.raises(errors.KeyHashTooLarge):
        _new_account(shared, R, owner, 10**9)
    with pytest.raises(errors.KeyHashTooLarge):
        _new_account(shared, 2**256 - 1, owner, 10**9)
    with pytest.raises(errors.OwnerZero):
        _new_account(shared, KEY_HASH, "0x" + 40 * "0", 10**9)
    with pytest.raises(errors.AmountZero):
        _new_account(shared, KEY_HASH, owner, 0)
    with pytest.raises(errors.NotWholeNtok):
        _new_account(shared, KEY_HASH, owner, 10**9 + 1)
    with pytest.raises(errors.OtherRevert, match="insufficient"):
        _new_account(shared, KEY_HASH, owner, 10**41)


def test_bad_deposits_are_refused(shared: SimulatedRollup) -> None:
    client = shared.client
    client.new_account(KEY_HASH, client.account.address, 1)
    last = client.account_count() - 1
    with pytest.raises(errors.UnknownAccount):
        _deposit(shared, last + 1, client.account.address, 10**9)
    with pytest.raises(errors.UnknownAccount):
        _deposit(shared, last + 1, "0x" + 40 * "0", 10**9)
    with pytest.raises(errors.OwnerMismatch):
        _deposit(shared, last, shared.chain.accounts[1].address, 10**9)
    with pytest.raises(errors.AmountZero):
        _deposit(shared, last, client.account.address, 0)
    with pytest.raises(errors.NotWholeNtok):
        _deposit(shared, last, client.account.address, 1)


def test_what_is_held_stays_below_2_to_the_64_ntok(rollup: SimulatedRollup) -> None:
    client, owner = rollup.client, rollup.client.account.address
    rollup.token.mint(owner, 2**65 * 10**9)
    rollup.token.approve(client.address, 2**66 * 10**9)
    client.new_account(KEY_HASH, owner, 2**64 - 3)
    client.deposit(0, owner, 2)
    assert client.held_ntok() == 2**64 - 1
    for amount_ntok in (1, 2**64 - 1, 2**64):
        with pytest.raises(errors.TooMuchDeposited):
            client.deposit(0, owner, amount_ntok)


@pytest.mark.parametrize("decimals", [0, 6, 8, 9, 10, 18, 36])
def test_the_scale_is_exact_for_any_decimals(chain: Chain, decimals: int) -> None:
    rollup = deploy_simulated(chain, chain.accounts[0], decimals=decimals)
    client, owner = rollup.client, rollup.client.account.address
    settings = client.settings()
    assert settings.base_units_per_ntok == 10 ** max(decimals - 9, 0)
    assert settings.ntok_per_base_unit == 10 ** max(9 - decimals, 0)
    amount_ntok = 3 * settings.ntok_per_base_unit
    before = rollup.token.balance_of(owner)
    client.new_account(KEY_HASH, owner, amount_ntok)
    (op,) = client.queue_ops()
    assert isinstance(op, NewAccount)
    assert op.amount_ntok == amount_ntok == client.held_ntok()
    assert before - rollup.token.balance_of(owner) == 3 * settings.base_units_per_ntok


@pytest.mark.parametrize("shape", [Shape(0, 3), Shape(9, 3), Shape(2, 0), Shape(2, 33)])
def test_slot_counts_without_room_are_refused(chain: Chain, shape: Shape) -> None:
    with pytest.raises(errors.BadSlotCount):
        deploy_simulated(chain, chain.accounts[0], shape=shape)


@pytest.mark.parametrize("shape", [Shape(1, 1), Shape(8, 32)])
def test_the_smallest_and_the_largest_shape_work(chain: Chain, shape: Shape) -> None:
    rollup = deploy_simulated(chain, chain.accounts[0], shape=shape)
    client, owner = rollup.client, rollup.client.account.address
    for number in range(shape.queue_slots + 1):
        client.new_account(number, owner, 10)
    ops = rollup.queue(1, shape.queue_slots)
    last = Payout(shape.message_length - 1, address_number(owner), 7)
    data = tuple(range(1, shape.data_length + 1))
    statement = rollup.statement(3, ops, (last,), data=data)
    receipt = client.submit_batch(rollup.submission(statement, ops, (last,)))
    assert client.pending_ntok(owner) == 7
    assert client.progress().processed == shape.queue_slots
    assert receipt.gas_used < 1_000_000


def test_a_token_with_too_many_decimals_is_refused(chain: Chain) -> None:
    with pytest.raises(errors.BadDecimals):
        deploy_simulated(chain, chain.accounts[0], decimals=37)


def test_the_account_counter_stops_at_2_to_the_24(
    rollup: SimulatedRollup, request: pytest.FixtureRequest
) -> None:
    if rollup.chain.kind != "anvil":
        pytest.skip("only anvil lets a test write the counter's storage slot")
    client, owner = rollup.client, rollup.client.account.address
    slot = _slot_of_account_count(rollup)
    client.rpc.call("anvil_setStorageAt", client.address, hex(slot), _word(2**24 - 1))
    assert client.new_account(KEY_HASH, owner, 1)[0] == 2**24 - 1
    assert client.account_count() == 2**24
    with pytest.raises(errors.AccountsFull):
        client.new_account(KEY_HASH, owner, 1)


def _slot_of_account_count(rollup: SimulatedRollup) -> int:
    """Find it: the slot that changes what `account_count` returns."""
    client = rollup.client
    for slot in range(16):
        before = client.rpc.call("eth_getStorageAt", client.address, hex(slot), "latest")
        client.rpc.call("anvil_setStorageAt", client.address, hex(slot), _word(77))
        found = client.account_count() == 77
        client.rpc.call("anvil_setStorageAt", client.address, hex(slot), before)
        if found:
            return slot
    raise AssertionError("no slot holds the counter")


def _word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()
