"""What anyone may ask the queue for, at its bounds; what it costs; what an odd payer can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import Contract, contract_from
from contracts.addresses import address_number
from contracts.artifacts import FOLDER
from contracts.batches import Payout
from contracts.build import compile_contract
from contracts.client import RollupClient
from contracts.deploy import QUEUE_FEE_WEI, deploy_contract
from contracts.reader import ABI
from contracts.transactions import Receipt
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.queue import (
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    QueueOp,
    rolling_hash,
)
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated

NOBODY = "0x" + 40 * "0"
GARBAGE = Signature(Point(R - 1, 0), Point(7, R - 1), R - 1)
"""Its points are on no curve and its s is above the group's order: a no-op's business, not L1's."""

Ask = Callable[[RollupClient], Receipt]
ASKED: dict[str, Ask] = {
    "change_key": lambda client: client.change_key(0, R - 1),
    "force_exit": lambda client: client.force_exit(0),
    "force_start_close": lambda c: c.force_start_close(2**24 - 1, 2**32 - 1, Lane.BA),
    "force_claim": lambda c: c.force_claim(2**24 - 1, 2**32 - 1, Lane.BA, 2**96 - 1, GARBAGE),
    "force_finalize": lambda client: client.force_finalize(2**24 - 1, 2**32 - 1),
}
"""Every field that is not fixed by the state is at its largest."""


def _expected(name: str, number: int, time: int, sender: int) -> QueueOp:
    slot, epoch = 2**24 - 1, 2**32 - 1
    match name:
        case "change_key":
            return KeyChange(number, time, 0, R - 1, sender)
        case "force_exit":
            return ForcedExit(number, time, 0, sender)
        case "force_start_close":
            return ForcedStartClose(number, time, slot, epoch, Lane.BA, sender)
        case "force_claim":
            return ForcedClaim(number, time, slot, epoch, Lane.BA, 2**96 - 1, GARBAGE, sender)
    return ForcedFinalize(number, time, slot, epoch, sender)


@pytest.fixture(scope="module")
def asked(shared: SimulatedRollup) -> SimulatedRollup:
    """The shared rollup with an account."""
    shared.fill_queue(1)
    return shared


@pytest.mark.parametrize("name", ASKED)
def test_anyone_enqueues_each_op_as_the_protocol_lays_it_out(
    asked: SimulatedRollup, name: str
) -> None:
    stranger = asked.chain.accounts[3]
    client = RollupClient(asked.chain.url, asked.client.address, stranger)
    before = client.enqueued()
    receipt = ASKED[name](client)
    (op,) = client.enqueued_in(receipt)
    record = client.queue_record(before + 1)
    sender = address_number(stranger.address)
    assert op == _expected(name, before + 1, record.enqueue_time, sender)
    assert record.rolling_hash == rolling_hash(client.queue_record(before).rolling_hash, op)
    assert client.enqueued() == before + 1
    assert client.queue_ops_by_number(before + 1, before + 1) == (op,)


def test_every_op_is_consumed_once_and_in_order(rollup: SimulatedRollup) -> None:
    client = rollup.client
    rollup.fill_queue(1)
    for ask in ASKED.values():
        ask(client)
    ops = rollup.queue(1, 6)
    assert [int(op.TYPE) for op in ops] == [1, 3, 4, 5, 6, 7]
    batch = rollup.honest_batch([1, 2, 3], ops)
    client.submit_batch(batch)
    assert client.progress().processed == 6
    assert next(client.batches()).submission == batch
    rollup.chain.advance_time(60)  # two ops alike of one second would be the same op
    client.force_exit(0)
    (again,) = rollup.queue(7, 7)
    for replayed in (ops[2:3], ops[:1], (again, ops[2])):
        with pytest.raises(errors.QueueMismatch):
            rollup.try_submit(rollup.honest(4, replayed))
    client.submit_batch(rollup.honest(4, (again,)))
    assert client.progress().processed == 7


def test_a_forced_exit_pays_out_where_its_slot_says(rollup: SimulatedRollup) -> None:
    """At element 8j + 7 of a slot that an op fills, and nowhere else in a queue slot."""
    client, home = rollup.client, rollup.chain.accounts[4].address
    rollup.fill_queue(1)
    client.force_exit(0)
    client.force_exit(0)
    ops = rollup.queue(1, 3)
    width = rollup.client.settings().shape.message_length
    good = (Payout(15, address_number(home), 10), Payout(width + 7, address_number(home), 3))
    for position in (*range(7), *range(8, 15), width + 15, *range(width, width + 7)):
        wrong = (Payout(position, address_number(home), 10),)
        with pytest.raises(errors.BadWithdrawalPosition):
            rollup.try_submit(rollup.honest_batch([1, 2], ops, wrong))
    batch = rollup.honest_batch([1, 2], ops, good)
    for missing in range(2):
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(
                rollup.batch(rollup.statements([1, 2], ops, good), ops, (good[missing],))
            )
    client.submit_batch(batch)
    assert client.pending_ntok(home) == 13
    assert [w.position for w in client.pending_withdrawals()] == [15, width + 7]


SIGNATURE = [1, 2, 3, 4, 5]
REFUSED: list[tuple[str, tuple[object, ...], type[errors.Reverted]]] = [
    ("change_key", (10**6, 5), errors.UnknownAccount),
    ("change_key", (0, R), errors.KeyHashTooLarge),
    ("change_key", (0, 2**256 - 1), errors.KeyHashTooLarge),
    ("force_exit", (2**256 - 1,), errors.UnknownAccount),
    ("force_start_close", (2**24, 0, 0), errors.IndexTooLarge),
    ("force_start_close", (0, 2**32, 0), errors.EpochTooLarge),
    ("force_start_close", (0, 0, 2), errors.LaneTooLarge),
    ("force_start_close", (0, 0, 2**256 - 1), errors.LaneTooLarge),
    ("force_claim", (2**24, 0, 0, 1, SIGNATURE), errors.IndexTooLarge),
    ("force_claim", (0, 2**32, 0, 1, SIGNATURE), errors.EpochTooLarge),
    ("force_claim", (0, 0, 2, 1, SIGNATURE), errors.LaneTooLarge),
    ("force_claim", (0, 0, 0, 2**96, SIGNATURE), errors.LaneValueTooLarge),
    *(
        (
            "force_claim",
            (0, 0, 0, 1, [*SIGNATURE[:i], R, *SIGNATURE[i + 1 :]]),
            errors.ElementTooLarge,
        )
        for i in range(5)
    ),
    ("force_finalize", (2**24, 0), errors.IndexTooLarge),
    ("force_finalize", (0, 2**32), errors.EpochTooLarge),
]


@pytest.mark.parametrize(("function", "arguments", "error"), REFUSED)
def test_what_the_circuit_could_not_hold_is_refused(
    asked: SimulatedRollup,
    function: str,
    arguments: tuple[object, ...],
    error: type[errors.Reverted],
) -> None:
    with pytest.raises(error):
        _call(asked, function, arguments, QUEUE_FEE_WEI)


def _call(rollup: SimulatedRollup, function: str, given: tuple[object, ...], wei: int) -> None:
    data = ABI.functions[function].encode_call(*given)
    call = {"from": rollup.client.account.address, "to": rollup.client.address}
    rollup.chain.rpc.call("eth_call", {**call, "data": "0x" + data.hex(), "value": hex(wei)})


# --- the fee -------------------------------------------------------------------------------------

PAID: dict[str, tuple[object, ...]] = {
    "new_account": (5, "0x" + 40 * "1", 10**9),
    "deposit": (0, "", 10**9),
    "change_key": (0, 5),
    "force_exit": (0,),
    "force_start_close": (0, 0, 0),
    "force_claim": (0, 0, 0, 1, SIGNATURE),
    "force_finalize": (0, 0),
}


def test_every_payable_function_is_one_that_costs_the_fee() -> None:
    entries = json.loads((FOLDER / "rollup.json").read_text())["abi"]
    payable = {entry["name"] for entry in entries if entry.get("stateMutability") == "payable"}
    assert payable == set(PAID)


@pytest.mark.parametrize("function", PAID)
def test_no_op_is_enqueued_for_less_than_the_fee(asked: SimulatedRollup, function: str) -> None:
    client = asked.client
    arguments = PAID[function]
    if function == "deposit":
        arguments = (0, client.account_owner(0), 10**9)
    fee_wei = client.queue_fee_wei()
    assert fee_wei == QUEUE_FEE_WEI
    for wei in (0, 1, fee_wei - 1):
        with pytest.raises(errors.FeeTooLow):
            _call(asked, function, arguments, wei)
    _call(asked, function, arguments, fee_wei)


def _ether(rollup: SimulatedRollup, address: str) -> int:
    return rollup.chain.rpc.quantity("eth_getBalance", address, "latest")


def test_ether_cannot_get_stuck(asked: SimulatedRollup) -> None:
    """Nothing but the ops takes any: not a plain transfer, not a withdrawal."""
    for data in (b"", ABI.functions["withdraw"].encode_call()):
        call = {"from": asked.client.account.address, "to": asked.client.address}
        with pytest.raises(errors.Reverted):
            asked.chain.rpc.call("eth_call", {**call, "data": "0x" + data.hex(), "value": "0x1"})


@pytest.fixture(scope="module")
def payer_source() -> Contract:
    """Compiled once."""
    source = Path(__file__).parent / "sources" / "payer.vy"
    return contract_from(compile_contract(source))


class Payer:
    """A contract with ether that asks the rollup for ops."""

    REFUSE, REENTER = 1, 2

    def __init__(self, rollup: SimulatedRollup, source: Contract) -> None:
        self._client, self._source = rollup.client, source
        self.address = deploy_contract(rollup.client.sender, source)
        rollup.client.sender.send(self.address, b"", 10**18)

    def will(self, mode: int, inner: bytes = b"", inner_wei: int = 0) -> None:
        self._send("set", mode, inner, inner_wei)

    def ask(self, calldata: bytes, wei: int) -> Receipt:
        return self._send("ask", self._client.address, calldata, wei)

    def _send(self, function: str, *arguments: object) -> Receipt:
        data = self._source.functions[function].encode_call(*arguments)
        return self._client.sender.send(self.address, data)


def test_the_fee_is_burned_and_the_rest_comes_back(
    asked: SimulatedRollup, payer_source: Contract
) -> None:
    payer, client = Payer(asked, payer_source), asked.client
    data = ABI.functions["force_exit"].encode_call(0)
    for extra in (0, 1, 10**17):
        burned, before = _ether(asked, NOBODY), _ether(asked, payer.address)
        payer.ask(data, QUEUE_FEE_WEI + extra)
        assert before - _ether(asked, payer.address) == QUEUE_FEE_WEI
        assert _ether(asked, client.address) == 0
        # Development chains mine for nobody, who gets the tips too.
        assert _ether(asked, NOBODY) - burned >= QUEUE_FEE_WEI


def test_a_contract_that_takes_no_change_pays_exactly(
    asked: SimulatedRollup, payer_source: Contract
) -> None:
    payer, client = Payer(asked, payer_source), asked.client
    data = ABI.functions["force_exit"].encode_call(0)
    payer.will(Payer.REFUSE)
    before = client.enqueued()
    with pytest.raises(errors.ChangeRefused):
        payer.ask(data, QUEUE_FEE_WEI + 1)
    assert client.enqueued() == before
    (op,) = client.enqueued_in(payer.ask(data, QUEUE_FEE_WEI))
    assert op.payer == address_number(payer.address)


@pytest.mark.parametrize("inner", ["force_exit", "withdraw"])
def test_change_is_no_way_back_in(
    rollup: SimulatedRollup, payer_source: Contract, inner: str
) -> None:
    """The contract has all that the inner call needs: only the lock stops it."""
    payer, client = Payer(rollup, payer_source), rollup.client
    rollup.fill_queue(1)
    out = Payout(16, address_number(payer.address), 10)
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), (out,)))
    data = ABI.functions["force_exit"].encode_call(0)
    inner_data, inner_wei = data, QUEUE_FEE_WEI
    if inner == "withdraw":
        inner_data, inner_wei = ABI.functions["withdraw"].encode_call(), 0
    payer.will(Payer.REENTER, inner_data, inner_wei)
    with pytest.raises(errors.ChangeRefused):
        payer.ask(data, QUEUE_FEE_WEI + 1)
    assert (client.enqueued(), client.pending_ntok(payer.address)) == (1, 10)
    payer.will(0)
    payer.ask(inner_data, inner_wei)


def test_a_rollup_whose_ops_nobody_could_pay_is_not_deployed(asked: SimulatedRollup) -> None:
    for wei, refused in ((10**16 + 1, True), (10**16, False), (0, False)):
        if refused:
            with pytest.raises(errors.BadQueueFee):
                deploy_simulated(asked.chain, asked.client.account, queue_fee_wei=wei)
        else:
            fresh = deploy_simulated(asked.chain, asked.client.account, queue_fee_wei=wei)
            assert fresh.client.queue_fee_wei() == wei
            fresh.fill_queue(1)
