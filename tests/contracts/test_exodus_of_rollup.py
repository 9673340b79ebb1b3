"""A rollup and its exodus: who may credit, what is frozen, and what a hostile token can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import contract_from, load
from contracts.addresses import address_number, address_of
from contracts.build import compile_contract
from contracts.chain import Chain
from contracts.deploy import deploy_blueprint, deploy_contract, deploy_rollup
from contracts.exodus import ExodusClient, exit_account_call, refund_call
from contracts.transactions import Sender
from protocol.exits import AccountExit
from protocol.queue import NewAccount
from tests.support.simulated_exodus import ExitProver
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, deploy_simulated

SOURCES = Path(__file__).parent / "sources"
SEVEN_DAYS_S = 7 * 86_400
ROOT = 2**250 + 1
EIP_170_BYTES = 24_576
CALL = 8
"""The hostile token's mode that calls back whatever its test has chosen."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A rollup with two batches, two ops left in its queue (3 and 4), and what it takes to exit."""

    rollup: SimulatedRollup
    exodus: ExodusClient
    prover: ExitProver

    def start(self) -> None:
        self.rollup.chain.advance_time(SEVEN_DAYS_S + 1)
        self.rollup.client.start_exodus()


@pytest.fixture(scope="module")
def shared_leaving(chain: Chain) -> Leaving:
    """One whose exodus has started, for all tests that take a leaf of their own."""
    leaving = _leaving(deploy_simulated(chain, chain.accounts[0]))
    leaving.start()
    return leaving


def _leaving(rollup: SimulatedRollup) -> Leaving:
    client = rollup.client
    owner = client.account.address
    for number in range(4):
        client.new_account(number, owner, 1_000)
    client.submit_batch(rollup.honest(ROOT, rollup.queue(1, 2)))
    return Leaving(
        rollup, client.exodus_client(), ExitProver(EXIT_KEY, ROOT, client.settings().domain)
    )


def test_the_rollup_and_its_exodus_name_each_other(shared_leaving: Leaving) -> None:
    client, exodus = shared_leaving.rollup.client, shared_leaving.exodus
    assert exodus.rollup_address() == client.address
    assert client.exodus().address == exodus.address == client.settings().exodus
    assert exodus.domain() == client.settings().domain
    assert exodus.verifying_key() == EXIT_KEY.key != client.verifying_key()
    start = exodus.start_time()
    assert start is not None
    assert start <= client.latest_block().timestamp


def test_exits_begin_with_the_start(chain: Chain) -> None:
    leaving = _leaving(deploy_simulated(chain, chain.accounts[0]))
    leaf = AccountExit(0, 0xA, 5)
    assert leaving.exodus.start_time() is None
    with pytest.raises(errors.ExodusNotStarted):
        leaving.exodus.exit_account(leaf, leaving.prover.prove(leaf))
    leaving.start()
    leaving.exodus.exit_account(leaf, leaving.prover.prove(leaf))
    assert leaving.rollup.client.pending_ntok(address_of(0xA)) == 5


def test_its_code_comes_from_a_blueprint_and_fits(shared_leaving: Leaving) -> None:
    """Ref: ERC-5202, EIP-170. A blueprint cannot be called, nor a rollup be made without one."""
    client = shared_leaving.rollup.client
    blueprint = deploy_blueprint(client.sender, load("exodus"))
    code = client.rpc.data("eth_getCode", blueprint, "latest")
    assert code == bytes.fromhex("fe7100") + load("exodus").bytecode
    with pytest.raises(errors.RpcError):
        client.rpc.call("eth_call", {"to": blueprint, "data": "0x"}, "latest")
    for address in (client.address, shared_leaving.exodus.address):
        assert 0 < len(client.rpc.data("eth_getCode", address, "latest")) <= EIP_170_BYTES
    with pytest.raises((errors.Reverted, errors.RpcError)):
        deploy_simulated(
            shared_leaving.rollup.chain, client.account, exodus_blueprint=client.account.address
        )


def test_a_rollup_with_a_degenerate_exit_key_cannot_be_deployed(shared_leaving: Leaving) -> None:
    client = shared_leaving.rollup.client
    with pytest.raises(errors.KeyInfinity):
        deploy_rollup(
            shared_leaving.rollup.chain.url,
            client.account,
            token=client.settings().token,
            operator=client.account.address,
            shape=SHAPE,
            key=EXIT_KEY.key,
            exit_key=replace(EXIT_KEY.key, beta_g2=bytes(256)),
        )


def test_another_exodus_of_the_same_code_credits_nothing(shared_leaving: Leaving) -> None:
    """Anyone may deploy the code under a key of their own: it belongs to whoever made it."""
    client = shared_leaving.rollup.client
    own = EXIT_KEY.key.for_contract()
    copy = deploy_contract(client.sender, load("exodus"), own, client.settings().domain)
    false_one = ExodusClient(client.sender, copy)
    assert false_one.rollup_address() == client.account.address
    with pytest.raises(errors.Reverted):
        false_one.exit_account(
            AccountExit(9, 0xA, 5), shared_leaving.prover.prove(AccountExit(9, 0xA, 5))
        )


def test_a_leaf_of_an_older_root_is_worth_nothing(shared_leaving: Leaving) -> None:
    older = replace(shared_leaving.prover, root=1)
    leaf = AccountExit(11, 0xB, 77)
    with pytest.raises(errors.ProofRejected):
        shared_leaving.exodus.exit_account(leaf, older.prove(leaf))


def test_an_owner_that_cannot_collect_harms_nobody(shared_leaving: Leaving) -> None:
    """A contract that reverts on every call is credited as others are: nothing is sent to it."""
    rollup = shared_leaving.rollup
    deaf, other = AccountExit(21, int(rollup.token.address, 16), 5), AccountExit(22, 0xC22, 6)
    for leaf in (deaf, other):
        shared_leaving.exodus.exit_account(leaf, shared_leaving.prover.prove(leaf))
        assert rollup.client.pending_ntok(address_of(leaf.l1_address)) == leaf.balance_ntok


def test_an_op_is_refunded_from_the_rollups_own_record(shared_leaving: Leaving) -> None:
    rollup = shared_leaving.rollup
    client, payer = rollup.client, rollup.client.account.address
    taken, third, fourth = (rollup.queue(n, n)[0] for n in (2, 3, 4))
    assert isinstance(fourth, NewAccount)
    with pytest.raises(errors.OpProcessed):
        shared_leaving.exodus.refund(taken)
    for forged in (replace(fourth, amount_ntok=1_001), replace(fourth, number=5)):
        with pytest.raises(errors.QueueMismatch):
            shared_leaving.exodus.refund(forged)
    before = client.pending_ntok(payer)
    for op in (fourth, third):  # in any order
        shared_leaving.exodus.refund(op)
        with pytest.raises(errors.AlreadyRefunded):
            shared_leaving.exodus.refund(op)
    assert client.pending_ntok(payer) - before == 2_000


def test_a_token_that_calls_back_while_it_pays_gains_nothing(chain: Chain) -> None:
    """Exits, refunds and withdrawals from within a transfer: all is credited and paid once."""
    source = contract_from(compile_contract(SOURCES / "hostile.vy"))
    operator = chain.accounts[0]
    sender = Sender(chain.rpc, operator)
    token = deploy_contract(sender, source)

    def tell(function: str, *arguments: object) -> None:
        sender.send(token, source.functions[function].encode_call(*arguments))

    tell("mint", operator.address, 10**9)
    rollup = deploy_simulated(chain, operator, token=token, decimals=9)
    leaving = _leaving(rollup)
    leaving.start()
    client, owner = rollup.client, operator.address
    first = AccountExit(0, address_number(owner), 1_500)
    second = AccountExit(1, address_number(owner), 500)
    leaving.exodus.exit_account(first, leaving.prover.prove(first))
    withdraw = load("rollup").functions["withdraw"].encode_call()
    (op,) = rollup.queue(3, 3)
    for target, payload in (
        (client.address, withdraw),
        (leaving.exodus.address, exit_account_call(second, leaving.prover.prove(second))),
        (leaving.exodus.address, refund_call(op)),
    ):
        tell("call_back", target, payload)
        tell("set", CALL, client.address)
        with pytest.raises(errors.Reverted):
            client.withdraw()
        assert client.pending_ntok(owner) == 1_500
    tell("set", 0, client.address)
    assert client.withdraw()[0] == 1_500
    leaving.exodus.exit_account(second, leaving.prover.prove(second))
    for left in rollup.queue(3, 4):
        leaving.exodus.refund(left)
    assert client.withdraw()[0] == 2_500
    assert client.held_ntok() == 0 == client.token().balance_of(client.address)
