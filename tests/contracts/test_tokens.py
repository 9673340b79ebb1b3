"""Tokens that take fees, lie, stay silent or call back: what is credited is what has arrived."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import Contract, contract_from
from contracts.build import compile_contract
from contracts.chain import Chain
from contracts.deploy import deploy_contract
from contracts.rpc import Rpc
from contracts.transactions import Sender
from protocol.queue import Deposit
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated, payout

SOURCES = Path(__file__).parent / "sources"
FEE, ANSWER_FALSE, REENTER_DEPOSIT, REENTER_WITHDRAW, REENTER_NEW_ACCOUNT = 1, 2, 3, 4, 5
MOVE_NOTHING, SEND_TWICE = 6, 7


@pytest.fixture(scope="module")
def hostile_source() -> Contract:
    """The hostile token, compiled once."""
    return contract_from(compile_contract(SOURCES / "hostile.vy"))


@pytest.fixture(scope="module")
def silent_source() -> Contract:
    """The silent token, compiled once."""
    return contract_from(compile_contract(SOURCES / "silent.vy"))


class Hostile:
    """A rollup over the hostile token, with one account funded while it still behaved."""

    def __init__(self, chain: Chain, source: Contract) -> None:
        self.operator = chain.accounts[0]
        self._sender = Sender(Rpc(chain.url), self.operator)
        self._source = source
        self.token = deploy_contract(self._sender, source)
        self.rollup: SimulatedRollup = deploy_simulated(
            chain, self.operator, token=self.token, decimals=9
        )
        self._send("mint", self.operator.address, 10**9)
        self.rollup.client.new_account(1, self.operator.address, 1_000)

    def misbehave(self, mode: int) -> None:
        self._send("set", mode, self.rollup.client.address)

    def give_the_token(self, amount: int) -> None:
        self._send("mint", self.token, amount)

    def balance(self, owner: str) -> int:
        return self.rollup.client.token().balance_of(owner)

    def _send(self, function: str, *arguments: object) -> None:
        self._sender.send(self.token, self._source.functions[function].encode_call(*arguments))


@pytest.fixture
def hostile(chain: Chain, hostile_source: Contract) -> Hostile:
    """Fresh for each test."""
    return Hostile(chain, hostile_source)


def test_a_fee_on_transfer_is_not_credited(hostile: Hostile) -> None:
    client = hostile.rollup.client
    hostile.misbehave(FEE)
    client.deposit(0, hostile.operator.address, 500)
    (op,) = client.queue_ops_by_number(2, 2)
    assert isinstance(op, Deposit)
    assert op.amount_ntok == 450
    assert client.held_ntok() == 1_450 == hostile.balance(client.address)


def test_a_token_that_sends_more_than_asked_is_credited_as_measured(hostile: Hostile) -> None:
    client = hostile.rollup.client
    hostile.misbehave(SEND_TWICE)
    client.deposit(0, hostile.operator.address, 500)
    assert client.held_ntok() == 2_000 == hostile.balance(client.address)


def test_a_false_answer_is_a_refusal(hostile: Hostile) -> None:
    hostile.misbehave(ANSWER_FALSE)
    with pytest.raises(errors.TokenRefused):
        hostile.rollup.client.deposit(0, hostile.operator.address, 500)


def test_a_false_answer_leaves_a_withdrawal_pending(hostile: Hostile) -> None:
    client = hostile.rollup.client
    owner = hostile.operator.address
    ops = hostile.rollup.queue(1, 1)
    client.submit_batch(hostile.rollup.honest(1, ops, (payout(0, owner, 300),)))
    hostile.misbehave(ANSWER_FALSE)
    with pytest.raises(errors.TokenRefused):
        client.withdraw()
    assert client.pending_ntok(owner) == 300
    hostile.misbehave(0)
    assert client.withdraw()[0] == 300


def test_a_token_that_moves_nothing_credits_nothing(hostile: Hostile) -> None:
    hostile.misbehave(MOVE_NOTHING)
    with pytest.raises(errors.AmountZero):
        hostile.rollup.client.deposit(0, hostile.operator.address, 500)


@pytest.mark.parametrize("mode", [REENTER_DEPOSIT, REENTER_NEW_ACCOUNT, REENTER_WITHDRAW])
def test_a_token_cannot_call_back_into_the_rollup(hostile: Hostile, mode: int) -> None:
    """The token has tokens, ether for the fee and a pending withdrawal of its own: only the lock
    stops the call."""
    client = hostile.rollup.client
    hostile.give_the_token(10_000)
    client.sender.send(hostile.token, b"", 10**18)
    ops = hostile.rollup.queue(1, 1)
    client.submit_batch(hostile.rollup.honest(1, ops, (payout(0, hostile.token, 100),)))
    hostile.misbehave(mode)
    with pytest.raises(errors.Reverted):
        client.deposit(0, hostile.operator.address, 500)
    assert (client.held_ntok(), client.pending_ntok(hostile.token)) == (1_000, 100)
    assert client.enqueued() == 1
    hostile.misbehave(0)
    client.deposit(0, hostile.operator.address, 500)


def test_a_token_cannot_withdraw_again_while_it_pays(
    chain: Chain, hostile_source: Contract
) -> None:
    """The token is itself the recipient's callee: a second withdraw inside the first reverts."""
    hostile = Hostile(chain, hostile_source)
    client, owner = hostile.rollup.client, hostile.operator.address
    ops = hostile.rollup.queue(1, 1)
    token_and_owner = (payout(0, hostile.token, 100), payout(1, owner, 200))
    client.submit_batch(hostile.rollup.honest(1, ops, token_and_owner))
    hostile.misbehave(REENTER_WITHDRAW)
    with pytest.raises(errors.Reverted):
        client.withdraw()
    assert client.pending_ntok(owner) == 200


def test_a_token_that_answers_nothing_works(chain: Chain, silent_source: Contract) -> None:
    operator = chain.accounts[0]
    sender = Sender(Rpc(chain.url), operator)
    token = deploy_contract(sender, silent_source)
    mint = silent_source.functions["mint"].encode_call(operator.address, 10**9)
    sender.send(token, mint)
    rollup = deploy_simulated(chain, operator, token=token)
    client = rollup.client
    client.new_account(1, operator.address, 5_000)
    assert client.held_ntok() == 5_000
    assert client.token().balance_of(client.address) == 5
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), (payout(0, operator.address, 5_000),)))
    assert client.withdraw()[0] == 5
