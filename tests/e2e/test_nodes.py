"""Nodes on a real L1 and a real sequencer process: deposits in, payments, forced end, tokens out.

Proofs are simulated (tests/support); everything else is what ships.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from channels.errors import L1Refused, L1Unreachable, NotFinalInTime, SequencerRefused, WrongRollup
from channels.l1 import ContractL1
from channels.node import Node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from contracts.chain import Chain
from protocol.units import DAY_S
from tests.channels.test_payments import until
from tests.e2e.sequencer_process import FEE_NTOK, SequencerProcess, Setting, start_l1

PASSPHRASE = "correct horse battery"
START_NTOK = 1_000_000
DEV = NodeSettings(confirmations=0, poll_s=0.1, account_timeout_s=120)
ETHER = 10**18


class Street:
    """A running rollup and two wallets with ether, tokens and accounts."""

    def __init__(self, chain: Chain, setting: Setting, folder: Path) -> None:
        self.chain = chain
        self.setting = setting
        self.sequencer = SequencerProcess(setting.settings.folder).ready()
        self.wallets = [Wallet.create(folder / f"home{n}", PASSPHRASE)[0] for n in range(2)]

    def l1(self, wallet: Wallet) -> ContractL1:
        """The wallet's own view of L1."""
        contract = self.setting.settings.contract
        return ContractL1(self.chain.url, contract, wallet.l1_account, confirmations=0)

    def open(
        self, number: int, peers: dict[int, str] | None = None
    ) -> AbstractAsyncContextManager[Node]:
        """The node of a wallet."""
        return Node.open(
            self.wallets[number],
            sequencer=self.sequencer.url,
            l1=self.chain.url,
            peers=peers,
            settings=DEV,
        )

    async def fund(self, wallet: Wallet) -> int:
        """Ether and tokens from a rich neighbour, then an account by the wallet's own doing."""
        homes = self.setting.homes
        units = homes.settings().base_units(3 * START_NTOK)

        def give() -> None:
            homes.sender.send(wallet.l1_address, b"", value_wei=ETHER)
            homes.token_client().transfer(wallet.l1_address, units)

        await asyncio.to_thread(give)
        return await self.l1(wallet).new_account(wallet.key_hash, START_NTOK)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with start_l1() as chain:
        made = Street(chain, Setting.make(chain, tmp_path / "operator"), tmp_path)
        yield made
        made.sequencer.kill()


async def test_from_deposit_to_tokens_on_l1(street: Street) -> None:
    ann_index, ben_index = [await street.fund(wallet) for wallet in street.wallets]
    async with street.open(0) as ann, street.open(1, {ann_index: ann.url}) as ben:
        assert (ann.account_index, ben.account_index) == (ann_index, ben_index)
        channel = await ann.open_channel(ben_index, deposit_ntok=50_000, window_s=DAY_S)
        for _ in range(5):
            await channel.pay(energy_wh=10, price_utok_per_kwh=200)
        await channel.top_up(1_000)
        assert channel.info.deposit_own_ntok == 51_000
        await channel.close()
        assert (await ben.balance()).final_ntok == START_NTOK + 10_000
        l1 = street.l1(street.wallets[1])
        before = await l1.token_balance()
        await ben.withdraw(amount_ntok=10_000)
        units = street.setting.homes.settings().base_units(10_000)
        assert await l1.token_balance() == before + units
        balance = await ben.balance()
        assert (balance.final_ntok, balance.pending_l1_ntok) == (START_NTOK - FEE_NTOK, 0)
        assert await ben.collect() == 0
        with pytest.raises(L1Refused, match="NothingToWithdraw"):
            await l1.collect()
        await ben.deposit(500)
        expected = START_NTOK - FEE_NTOK + 500
        async with asyncio.timeout(120):
            while (await ben.balance()).final_ntok != expected:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        replayed, final = await l1.replayed(), await l1.final()
        assert replayed.root == final.state_root == ben.info().final_root
        assert replayed.account(ben_index).balance_ntok == expected
        with pytest.raises(L1Refused):
            await ben.deposit(100 * START_NTOK)
        with pytest.raises(SequencerRefused, match="InsufficientBalance"):
            await ben.withdraw(amount_ntok=10 * START_NTOK)


async def test_a_neighbour_that_vanishes_pays_all_the_same(street: Street) -> None:
    _, ben_index = [await street.fund(wallet) for wallet in street.wallets]
    async with street.open(1) as ben:
        async with street.open(0, {ben_index: ben.url}) as ann:
            channel = await ann.open_channel(ben_index, deposit_ntok=50_000, window_s=DAY_S)
            await channel.pay(energy_wh=10, price_utok_per_kwh=200)
        mine = ben.channel(channel.id)
        with pytest.raises(NotFinalInTime):
            await mine.force_close(timeout_s=0.01)
        await until(lambda: mine.info.status == "closing")
        assert mine.info.deadline > 0
        await asyncio.to_thread(street.chain.advance_time, DAY_S + 7_300)
        await until(lambda: mine.info.status == "closed")
        assert (await ben.balance()).final_ntok == START_NTOK + 2_000
    async with street.open(0) as ann:
        assert ann.channel(channel.id).info.status == "closed"
        assert (await ann.balance()).final_ntok == START_NTOK - 2_000 - FEE_NTOK


async def test_an_l1_that_is_dead_or_holds_another_rollup_is_named(
    street: Street, tmp_path: Path
) -> None:
    wallet = street.wallets[0]
    contract = street.setting.settings.contract
    dead = ContractL1("http://127.0.0.1:1", contract, wallet.l1_account, confirmations=0)
    for ask in (dead.final, dead.head_time, dead.domain, dead.collect):
        with pytest.raises(L1Unreachable):
            await ask()
    nothing_there = ContractL1(street.chain.url, "0x" + "22" * 20, wallet.l1_account)
    with pytest.raises(L1Unreachable, match="no Wattlane contract"):
        await nothing_there.domain()
    other = Setting.make(street.chain, tmp_path / "other", first_account=2).settings.contract
    opening = Node.open(
        wallet,
        sequencer=street.sequencer.url,
        l1=street.chain.url,
        contract=other,
        settings=DEV,
    )
    with pytest.raises(WrongRollup):
        async with opening:
            pass
