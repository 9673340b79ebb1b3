"""Past a sequencer that is gone for this home: its close, claim and payout through L1's own queue.

The real contract, the real sequencer's daemon (which must take the queue's ops), simulated proofs.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from channels.duties import Patience
from channels.errors import NoAccount, NotFinalInTime, SequencerUnreachable
from channels.node import Node
from channels.wallet import Wallet
from contracts.client import RollupClient
from protocol.queue import ForcedClaim, ForcedStartClose, KeyChange
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.channels.test_payments import until
from tests.e2e.test_nodes import DEV, PASSPHRASE, START_NTOK, Street, street
from wattlane.forcing import change_key, force_exit, own_account

__all__ = ["street"]

FORCING = replace(DEV, patience=Patience(0, 0), sequencer_patience_s=0.0)
NOBODY = "http://127.0.0.1:9"


def opened(
    street: Street, number: int, sequencer: str, contract: str | None = None
) -> AbstractAsyncContextManager[Node]:
    """The node of a wallet, with no patience."""
    return Node.open(
        street.wallets[number],
        sequencer=sequencer,
        l1=street.chain.url,
        contract=contract,
        settings=FORCING,
    )


async def test_c5_a_home_without_a_sequencer_gets_its_money_to_l1(street: Street) -> None:
    _, ben_index = [await street.fund(wallet) for wallet in street.wallets]
    async with street.open(1) as ben, street.open(0, {ben_index: ben.url}) as ann:
        channel = await ann.open_channel(ben_index, deposit_ntok=50_000, window_s=DAY_S)
        await channel.pay(energy_wh=10, price_utok_per_kwh=200)
    reader = street.setting.homes
    async with opened(street, 1, NOBODY) as ben:
        mine = ben.channel(channel.id)
        with pytest.raises(NotFinalInTime):
            await mine.force_close(timeout_s=0.01)
        await until(lambda: mine.info.status == "closing")
        forward = L1_TIME_SLACK_S + DAY_S // 4
        await asyncio.to_thread(street.chain.advance_time, forward)
        ops = [type(op) for op in reader.queue_ops()]
        assert ops.count(ForcedStartClose) == 1

        def lane() -> int:
            return ben._boxes[channel.id].state.verified.leaf.lane_ab >> 40  # type: ignore[union-attr]

        await until(lambda: lane() == 2_000)
        assert [type(op) for op in reader.queue_ops()].count(ForcedClaim) == 1
        await asyncio.to_thread(street.chain.advance_time, DAY_S)
        await until(lambda: mine.info.status == "closed")
    wallet = street.wallets[1]
    client = RollupClient(street.chain.url, reader.address, wallet.l1_account)
    account = own_account(client, wallet.l1_address, None)
    before = client.token().balance_of(wallet.l1_address)
    await asyncio.to_thread(force_exit, client, account.index)
    expected = START_NTOK + 2_000
    await until(lambda: client.pending_ntok(wallet.l1_address) == expected)
    client.withdraw()
    units = client.settings().base_units(expected)
    assert client.token().balance_of(wallet.l1_address) == before + units


async def test_a_rotated_wallet_goes_on_in_its_store_and_closes_what_the_old_key_could_spend(
    street: Street,
) -> None:
    _, ben_index = [await street.fund(wallet) for wallet in street.wallets]
    old = street.wallets[1]
    async with street.open(1) as ben, street.open(0, {ben_index: ben.url}) as ann:
        channel = await ann.open_channel(ben_index, deposit_ntok=50_000, window_s=DAY_S)
        await channel.pay(energy_wh=10, price_utok_per_kwh=200)
    rotated = Wallet.rotate(old.path.parent, PASSPHRASE)
    assert rotated.l1_address == old.l1_address
    assert rotated.key_hash != old.key_hash
    street.wallets[1] = rotated
    hasty = replace(FORCING, account_timeout_s=0)
    with pytest.raises(NoAccount):  # the account does not have the new key yet
        async with Node.open(
            rotated, sequencer=street.sequencer.url, l1=street.chain.url, settings=hasty
        ):
            pass
    client = RollupClient(street.chain.url, street.setting.homes.address, rotated.l1_account)
    await asyncio.to_thread(change_key, client, ben_index, rotated.key_hash)
    assert own_account(client, rotated.l1_address, None).key_hash == rotated.key_hash
    async with opened(street, 1, street.sequencer.url) as ben:
        assert ben.account_index == ben_index
        await until(lambda: ben.channel(channel.id).info.status == "closing")
    assert any(isinstance(op, KeyChange) for op in client.queue_ops())


async def test_a_store_names_the_contract_and_a_home_without_one_is_told(street: Street) -> None:
    await street.fund(street.wallets[0])
    with pytest.raises(SequencerUnreachable):
        async with opened(street, 0, NOBODY):
            pass
    contract = street.setting.settings.contract
    async with opened(street, 0, NOBODY, contract=contract) as ann:
        assert (await ann._account.final()).balance_ntok == START_NTOK
    async with opened(street, 0, NOBODY) as ann:
        assert ann.info().problem is not None
