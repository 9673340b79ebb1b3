"""Withdrawals: whole base units are paid, the rest stays, and nothing is paid that was not held."""

from __future__ import annotations

import random

import pytest

from contracts import errors
from contracts.batches import Payout
from contracts.chain import Chain
from contracts.client import RollupClient
from protocol.queue import Deposit, NewAccount, QueueOp
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, deploy_simulated, payout


def test_withdraw_pays_once_what_is_pending(rollup: SimulatedRollup) -> None:
    client, home = rollup.client, rollup.chain.accounts[3]
    client.new_account(1, home.address, 100)
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), (payout(0, home.address, 60),)))
    client.submit_batch(rollup.honest(2, (), (payout(2, home.address, 40),)))
    from_home = RollupClient(rollup.chain.url, client.address, home)
    paid, receipt = from_home.withdraw()
    assert paid == 100 * 10**9 == rollup.token.balance_of(home.address)
    assert client.pending_ntok(home.address) == 0 == client.held_ntok()
    (event,) = client.paid_withdrawals(recipient=home.address)
    assert (event.amount_ntok, event.block_number) == (100, receipt.block_number)
    with pytest.raises(errors.NothingToWithdraw):
        from_home.withdraw()


def test_a_stranger_withdraws_nothing(rollup: SimulatedRollup) -> None:
    client = rollup.client
    client.new_account(1, client.account.address, 100)
    client.submit_batch(
        rollup.honest(1, rollup.queue(1, 1), (payout(0, client.account.address, 60),))
    )
    stranger = RollupClient(rollup.chain.url, client.address, rollup.chain.accounts[4])
    with pytest.raises(errors.NothingToWithdraw):
        stranger.withdraw()


def test_what_is_less_than_a_base_unit_stays_pending(chain: Chain) -> None:
    rollup = deploy_simulated(chain, chain.accounts[0], decimals=6)  # 1 unit = 1,000 ntok
    client, owner = rollup.client, rollup.client.account.address
    client.new_account(1, owner, 10_000)
    client.submit_batch(rollup.honest(1, rollup.queue(1, 1), (payout(0, owner, 999),)))
    with pytest.raises(errors.NothingToWithdraw):
        client.withdraw()
    client.submit_batch(rollup.honest(2, (), (payout(0, owner, 2_500),)))
    assert client.withdraw()[0] == 3
    assert client.pending_ntok(owner) == 499
    assert client.held_ntok() == 7_000
    client.submit_batch(rollup.honest(3, (), (payout(0, owner, 501),)))
    assert client.withdraw()[0] == 1
    assert client.pending_ntok(owner) == 0


@pytest.mark.parametrize("decimals", [6, 18])
def test_c1_the_balance_covers_all_that_is_owed(chain: Chain, decimals: int) -> None:
    """Random deposits, batches and withdrawals: tokens = in the rollup + pending, to the ntok."""
    rng = random.Random(decimals)
    rollup = deploy_simulated(chain, chain.accounts[0], decimals=decimals)
    client, settings = rollup.client, rollup.client.settings()
    homes = [RollupClient(chain.url, client.address, chain.accounts[6 + i]) for i in range(3)]
    client.new_account(1, client.account.address, 1_000_000)
    inside, root = 0, 1  # ntok of processed deposits not yet paid out
    for _ in range(25):
        match rng.randrange(4):
            case 0:
                amount_ntok = rng.randrange(1, 1_000) * settings.ntok_per_base_unit
                client.deposit(0, client.account.address, amount_ntok)
            case 1 | 2:
                first = client.progress().processed + 1
                last = min(client.enqueued(), first + SHAPE.queue_slots - 1)
                ops = rollup.queue(first, last)
                inside += sum(_paid_in(op) for op in ops)
                payouts: list[Payout] = []
                for slot in range(SHAPE.user_slots):
                    if inside > 10_000 and rng.random() < 0.5:
                        payouts.append(
                            payout(slot, homes[slot].account.address, rng.randrange(1, 3_000))
                        )
                        inside -= payouts[-1].amount_ntok
                root += 1
                client.submit_batch(rollup.honest(root, ops, payouts))
            case _:
                home = rng.choice(homes)
                try:
                    home.withdraw()
                except errors.NothingToWithdraw:
                    assert client.pending_ntok(home.account.address) < settings.ntok_per_base_unit
        pending = sum(client.pending_ntok(home.account.address) for home in homes)
        processed = client.progress().processed
        waiting = sum(_paid_in(op) for op in client.queue_ops() if op.number > processed)
        held = settings.ntok(rollup.token.balance_of(client.address))
        assert held == inside + pending + waiting == client.held_ntok()


def _paid_in(op: QueueOp) -> int:
    assert isinstance(op, NewAccount | Deposit)
    return op.amount_ntok
