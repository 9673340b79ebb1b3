"""The exodus: who may start it and when, and that nothing but exits happens afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import contract_from
from contracts.build import compile_contract
from contracts.client import RollupClient
from contracts.deploy import deploy_blueprint
from contracts.reader import ABI
from protocol.channels import Lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated, payout

SOURCES = Path(__file__).parent / "sources"
DAY_S = 86_400


def _stranger(rollup: SimulatedRollup) -> RollupClient:
    return RollupClient(rollup.chain.url, rollup.client.address, rollup.chain.accounts[6])


def test_anyone_starts_the_exodus_once_an_op_has_waited_for_seven_days(
    rollup: SimulatedRollup,
) -> None:
    stranger = _stranger(rollup)
    assert stranger.exodus_start() == 0
    with pytest.raises(errors.TooEarlyForExodus):
        stranger.start_exodus()
    rollup.chain.advance_time(30 * DAY_S)  # an empty queue waits for nothing
    with pytest.raises(errors.TooEarlyForExodus):
        stranger.start_exodus()
    rollup.fill_queue(1)
    rollup.chain.advance_time(7 * DAY_S - 60)
    with pytest.raises(errors.TooEarlyForExodus):
        stranger.start_exodus()
    rollup.chain.advance_time(120)
    receipt = stranger.start_exodus()
    block = stranger.block(receipt.block_number)
    assert block is not None
    assert stranger.exodus_start() == block.timestamp
    with pytest.raises(errors.ExodusStarted):
        stranger.start_exodus()


def test_a_consumed_op_does_not_wait(rollup: SimulatedRollup) -> None:
    rollup.fill_queue(1)
    rollup.chain.advance_time(8 * DAY_S)
    rollup.fill_queue(1)
    rollup.client.submit_batch(rollup.honest(1, rollup.queue(1, 2)))
    with pytest.raises(errors.TooEarlyForExodus):
        rollup.client.start_exodus()


def test_after_its_start_nothing_but_exits_happens(rollup: SimulatedRollup) -> None:
    client, owner = rollup.client, rollup.client.account.address
    rollup.fill_queue(1)
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), (payout(0, owner, 4),)))
    rollup.fill_queue(1)
    rollup.chain.advance_time(8 * DAY_S)
    rollup.try_submit(rollup.honest(2, rollup.queue(2, 2)))
    client.start_exodus()
    before = client.state_root(), client.progress(), client.enqueued(), client.held_ntok()
    with pytest.raises(errors.ExodusStarted):
        rollup.try_submit(rollup.honest(2, rollup.queue(2, 2)))
    signature = Signature(Point(1, 2), Point(3, 4), 5)
    for ask in (
        lambda: client.new_account(5, owner, 10),
        lambda: client.deposit(0, owner, 10),
        lambda: client.change_key(0, 5),
        lambda: client.force_exit(0),
        lambda: client.force_start_close(0, 0, Lane.AB),
        lambda: client.force_claim(0, 0, Lane.AB, 1, signature),
        lambda: client.force_finalize(0, 0),
    ):
        with pytest.raises(errors.ExodusStarted):
            ask()
    now = client.state_root(), client.progress(), client.enqueued(), client.held_ntok()
    assert now == before
    assert client.withdraw()[0] == 4 * 10**9


def _credit(client: RollupClient, recipient: str, amount_ntok: int) -> None:
    data = ABI.functions["credit_exit"].encode_call(recipient, amount_ntok)
    client.sender.send(client.address, data)


def test_only_the_exodus_contract_credits_and_only_after_the_start(
    rollup: SimulatedRollup,
) -> None:
    source = contract_from(compile_contract(SOURCES / "creditor.vy"))
    blueprint = deploy_blueprint(rollup.client.sender, source)
    home = rollup.chain.accounts[4]
    ending = deploy_simulated(rollup.chain, rollup.client.account, exodus_blueprint=blueprint)
    sender, exodus = ending.client.sender, ending.client.settings().exodus

    def credit(amount_ntok: int) -> None:
        sender.send(exodus, source.functions["credit"].encode_call(home.address, amount_ntok))

    ending.fill_queue(1)
    with pytest.raises(errors.ExodusNotStarted):
        credit(3)
    ending.chain.advance_time(8 * DAY_S)
    ending.client.start_exodus()
    for other in (ending.client, _stranger(ending)):
        with pytest.raises(errors.NotExodus):
            _credit(other, home.address, 3)
    credit(3)
    credit(4)
    from_home = RollupClient(ending.chain.url, ending.client.address, home)
    assert from_home.pending_ntok(home.address) == 7
    assert from_home.withdraw()[0] == 7 * 10**9
    assert from_home.held_ntok() == 3
