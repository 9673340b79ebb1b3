"""A stranger drains the queue of a rollup whose operator is gone, with real proofs.

The circuit is the shipped one with a single slot of each kind; the command runs in this process,
which has recorded it already, and proves in one of its own.
"""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import deploy_rollup, deploy_token
from contracts.finality import LATEST
from contracts.rebuilding import rebuild
from protocol.batch import Shape
from protocol.units import DAY_S
from prover.jobs import BatchProver
from sequencer.proving import contract_key
from tests.e2e.sequencer_process import start_l1
from tests.support.simulated_prover import simulated_exit_key
from wattlane.cli.app import app
from wattlane.rescuing import NotYetDue

SMALL = Shape(queue_slots=1, user_slots=1)
ACCOUNTS = 2


def abandoned(chain: Chain) -> RollupClient:
    """A rollup with two new accounts in its queue, and nobody who looks after it."""
    prover = BatchProver(SMALL)
    prover.setup()
    operator = chain.accounts[0]
    token = deploy_token(chain.url, operator)
    client = deploy_rollup(
        chain.url,
        operator,
        token=token.address,
        operator=operator.address,
        shape=SMALL,
        key=contract_key(prover.verifying_key),
        exit_key=contract_key(simulated_exit_key()),
        finality=LATEST,
    )
    token.mint(operator.address, 10**18)
    client.approve(10**6)
    for number in range(ACCOUNTS):
        client.new_account(number + 1, operator.address, 100 + number)
    return client


def test_a_stranger_drains_the_queue_after_three_days(tmp_path: Path) -> None:
    with start_l1() as chain:
        client = abandoned(chain)
        command = ["sequencer", "rescue", "--l1", chain.url, "--contract", client.address]
        command += ["--confirmations", "0", "--checkpoints", str(tmp_path)]
        key = {"WATTLANE_L1_KEY": bytes(chain.accounts[7].key).hex()}
        early = CliRunner().invoke(app, command, env=key)
        assert isinstance(early.exception, NotYetDue)
        chain.advance_time(3 * DAY_S + 1)
        done = CliRunner().invoke(app, command, env=key)
        assert done.exit_code == 0, done.output
        assert "batch 1: 2 ops in 2 proofs" in done.stdout
        assert done.stdout.endswith("the queue is empty\n")
        assert client.progress().processed == ACCOUNTS
        state = rebuild(client).state
        assert state.root == client.state_root()
        assert [one.balance_ntok for one in state.accounts.values()] == [100, 101]
