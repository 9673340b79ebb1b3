from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contracts.chain import Chain
from protocol.channels import Lane, channel_id, pack_lane
from protocol.codec import account_inclusion_from_json
from protocol.transactions import Claim, Open, StartClose, Transfer, Withdraw
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.e2e.sequencer_process import (
    FEE_NTOK,
    FUNDS_NTOK,
    SequencerProcess,
    Setting,
    start_l1,
)
from tests.support.simulating_sequencer import EXIT_KEY_FILE


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture
def setting(chain: Chain, tmp_path: Path) -> Setting:
    return Setting.make(chain, tmp_path / "operator")


@pytest.fixture
def sequencer(setting: Setting) -> Iterator[SequencerProcess]:
    process = SequencerProcess(setting.settings.folder).ready()
    yield process
    process.kill()


def transfer(setting: Setting, nonce: int = 0, amount_ntok: int = 7) -> Transfer:
    return Transfer(1, 2, nonce, amount_ntok, FEE_NTOK, setting.valid_until())


def test_from_the_queue_to_tokens_on_l1(setting: Setting, sequencer: SequencerProcess) -> None:
    anna, bert, homes = setting.anna, setting.bert, setting.homes
    sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")

    # The key of the exits that the contract holds is there for everybody.
    assert httpx.get(f"{sequencer.url}/v1/exit-key").content == EXIT_KEY_FILE

    # A transaction is soft at once, then proved, then final.
    id_ = sequencer.submit(setting.signed(transfer(setting), anna))
    sequencer.wait_status(id_, "final")

    # What L1 holds is what the sequencer shows.
    state = sequencer.get("/v1/state")
    assert int(state["final_root"]) == homes.state_root()
    shown = sequencer.get("/v1/accounts/2", root="final")["inclusion"]
    inclusion = account_inclusion_from_json(shown)
    assert inclusion.state_root() == homes.state_root()
    assert inclusion.account is not None
    assert inclusion.account.balance_ntok == FUNDS_NTOK + 7

    # A deposit is credited; a withdrawal arrives as tokens.
    homes.deposit(2, homes.account.address, 5_000)
    sequencer.wait(lambda: sequencer.get("/v1/state")["queue"]["final"] == "4")
    withdraw = Withdraw(2, 0, 1_234, FEE_NTOK, setting.valid_until())
    sequencer.wait_status(sequencer.submit(setting.signed(withdraw, bert)), "final")
    before = homes.token().balance_of(homes.account.address)
    units, _ = homes.withdraw()
    assert units == homes.settings().base_units(1_234)
    assert homes.token().balance_of(homes.account.address) == before + units

    # A channel whose peer went away ends by itself once its window is over.
    open_ = Open(1, 2, 1, 500, FEE_NTOK, DAY_S, setting.valid_until())
    sequencer.wait_status(sequencer.submit(setting.signed(open_, anna)), "final")
    channel = channel_id(1, 2, 1)
    start = StartClose(channel, Lane.BA, 1, setting.valid_until())
    sequencer.submit(setting.signed(start, bert))
    claim = sequencer.submit(setting.signed(Claim(channel, Lane.AB, pack_lane(20, 300)), anna))
    sequencer.wait_status(claim, "final")
    setting.chain.advance_time(DAY_S + L1_TIME_SLACK_S + 60)
    sequencer.wait(lambda: not sequencer.get("/v1/channels", account="1"))
    sequencer.wait(lambda: sequencer.get("/v1/state")["mempool"] == "0")
    sequencer.wait(lambda: sequencer.get("/v1/state")["soft_root"] == str(homes.state_root()))
    final = account_inclusion_from_json(sequencer.get("/v1/accounts/2")["inclusion"]).account
    assert final is not None
    assert final.balance_ntok == FUNDS_NTOK + 7 + 5_000 - 1_234 - FEE_NTOK + 300

    sequencer.wait(lambda: sequencer.get("/v1/batches")[-1]["status"] == "final")
    for batch in sequencer.get("/v1/batches"):
        assert batch["status"] == "final"
        assert batch["gas_used"] > 200_000
        assert batch["calldata_bytes"] > 1_000
    assert sequencer.stop() == 0


def test_ctrl_c_is_an_orderly_end(setting: Setting, sequencer: SequencerProcess) -> None:
    sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")
    id_ = sequencer.submit(setting.signed(transfer(setting), setting.anna))
    os.kill(sequencer.pid, signal.SIGINT)
    sequencer.wait_ended()
    again = SequencerProcess(setting.settings.folder).ready()
    try:
        again.wait_status(id_, "final")
    finally:
        again.kill()
