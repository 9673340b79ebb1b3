"""L1 takes back what was not final: no loss, no double credit, for home, tower and sequencer.

The batch's case is in test_sequencer_trouble.py. anvil replaces the newest blocks by empty ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from channels.forced import WantClaim
from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI, ForcedDesk
from channels.l1 import ContractL1
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.client import RollupClient
from contracts.finality import Finality
from protocol.queue import Deposit, ForcedClaim
from tests.channels.street import voucher
from tests.e2e.sequencer_process import FUNDS_NTOK, SequencerProcess, Setting
from tests.support.simulated_rollup import SimulatedRollup, deploy_simulated
from watchtower.store import TowerStore
from wattlane.deposits import DepositDropped, Standing, deposit, standing, wait_final

CONFIRMATIONS = 3


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    try:
        started = start_chain("anvil")
    except ChainUnavailable as error:
        pytest.skip(f"only anvil can take blocks back: {error}")
    with started as chain:
        yield chain


@dataclass
class Forcing:
    """A contract, a tower's store, and what a process makes of the two."""

    chain: Chain
    rollup: SimulatedRollup
    folder: Path

    def desk(self) -> tuple[ForcedDesk, TowerStore, ContractL1]:
        account = self.chain.accounts[3]
        view = ContractL1(
            self.chain.url, self.rollup.client.address, account, confirmations=CONFIRMATIONS
        )
        store = TowerStore(self.folder)
        return ForcedDesk(view, store, DEFAULT_MAX_QUEUE_FEE_WEI), store, view

    async def pursue(self, wanted: WantClaim, times: int = 1) -> None:
        """As a process that has just started."""
        desk, store, view = self.desk()
        try:
            for _ in range(times):
                await desk.pursue(wanted, (await view.final()).processed)
        finally:
            store.close()

    @property
    def claims(self) -> list[ForcedClaim]:
        return [op for op in self.rollup.client.queue_ops() if isinstance(op, ForcedClaim)]


@pytest.fixture
def forcing(chain: Chain, tmp_path: Path) -> Forcing:
    made = Forcing(chain, deploy_simulated(chain, chain.accounts[0]), tmp_path)
    for _ in range(CONFIRMATIONS):
        chain.mine()
    return made


async def test_reorg_drops_a_forced_op_and_its_home_sends_it_again_and_pays_once(
    forcing: Forcing,
) -> None:
    wanted = WantClaim(3, voucher(700 << 40))
    await forcing.pursue(wanted, times=3)
    (first,) = forcing.claims
    assert (first.lane_value, first.signature) == (700 << 40, wanted.voucher.signature)
    forcing.chain.rpc.call("anvil_reorg", 1, [])
    assert forcing.claims == []
    await forcing.pursue(wanted)
    await forcing.pursue(wanted, times=2)
    (again,) = forcing.claims
    assert again.signature == first.signature
    sender = forcing.chain.accounts[3].address
    sent = forcing.chain.rpc.quantity("eth_getTransactionCount", sender, "latest")
    assert sent == 1, "the same transaction, paid for once"


async def test_a_claim_of_somebody_elses_in_the_queue_is_recognised(forcing: Forcing) -> None:
    given = voucher(900 << 40)
    forcing.rollup.client.force_claim(
        3, given.channel_id >> 64, given.lane, given.lane_value, given.signature
    )
    await forcing.pursue(WantClaim(3, given), times=2)
    assert len(forcing.claims) == 1


def test_reorg_drops_a_deposit_and_neither_home_nor_sequencer_takes_it_for_one(
    chain: Chain, tmp_path: Path
) -> None:
    setting = Setting.make(chain, tmp_path / "operator", confirmations=CONFIRMATIONS)
    payer = chain.accounts[1]
    home = RollupClient(
        chain.url, setting.settings.contract, payer, finality=Finality(CONFIRMATIONS)
    )
    for _ in range(CONFIRMATIONS + 1):
        chain.mine()
    sequencer = SequencerProcess(setting.settings.folder).ready()
    try:
        sequencer.wait(lambda: sequencer.get("/v1/state")["queue"]["seen"] == "3")
        held = home.token().balance_of(payer.address)
        made = deposit(home, setting.anna.key_hash, 5_000)
        assert isinstance(made.op, Deposit)
        assert (made.account_index, made.op_number, made.opened) == (1, 4, False)
        assert standing(home, made) is Standing.IN_A_BLOCK
        chain.rpc.call("anvil_reorg", 1, [])
        assert standing(home, made) is Standing.DROPPED
        with pytest.raises(DepositDropped):
            wait_final(home, made)
        assert home.token().balance_of(payer.address) == held
        other = deposit(home, setting.bert.key_hash, 700)  # takes the number
        assert other.op_number == made.op_number
        assert standing(home, made) is Standing.DROPPED
        for _ in range(CONFIRMATIONS):
            chain.mine()
        assert standing(home, other) is Standing.FINAL
        wait_final(home, other)

        def credited() -> bool:
            chain.mine()
            return bool(sequencer.get("/v1/queue/4")["status"] == "final")

        sequencer.wait(lambda: sequencer.get("/v1/state")["queue"]["seen"] == "4")
        sequencer.wait(credited)
        balances = {
            number: int(
                sequencer.get(f"/v1/accounts/{number}", root="final")["inclusion"]["account"][
                    "balance_ntok"
                ]
            )
            for number in (1, 2)
        }
        assert balances == {1: FUNDS_NTOK, 2: FUNDS_NTOK + 700}
        assert sequencer.get("/v1/health")["status"] == "ok"
    finally:
        sequencer.kill()
