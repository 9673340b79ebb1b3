"""The life of channels between real nodes: opened, topped up, closed, forced, restarted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.errors import (
    BadPayment,
    ChannelClosing,
    CloseSigned,
    FeeTooHigh,
    L1Required,
    NoAccount,
    NotFinalInTime,
    PaymentsInFlight,
    PeerError,
    PeerUnreachable,
    PortInUse,
    SequencerRefused,
    SequencerUnreachable,
    StoreInUse,
    TransactionRejected,
    UnknownChannel,
    UnknownPeer,
    WindowNotAcceptable,
    WrongRollup,
)
from channels.node import Node
from channels.wallet import Wallet
from protocol.transactions import Claim, Close, Finalize, StartClose
from protocol.units import DAY_S
from tests.channels.conftest import FAST, PASSPHRASE, START_NTOK, OpenNode
from tests.channels.rollup import FEE_NTOK, Rollup, RollupL1
from tests.channels.test_payments import SHORT, pay, until


def kinds(rollup: Rollup) -> list[str]:
    """The types of all transactions so far."""
    return [transaction.body.TYPE.name for transaction in rollup.log]


@pytest.mark.parametrize("deposit_ntok", [0, -1, 1 << 64])
async def test_refuses_to_open_with_a_senseless_deposit(
    open_node: OpenNode, deposit_ntok: int
) -> None:
    async with open_node(0) as ann:
        with pytest.raises(BadPayment):
            await ann.open_channel(1, deposit_ntok=deposit_ntok, window_s=DAY_S)


async def test_refuses_bad_windows_peers_and_fees_before_anything_is_signed(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0, settings=replace(FAST, max_fee_ntok=FEE_NTOK)) as ann:
        for window_s in (DAY_S - 1, 30 * DAY_S + 1):
            with pytest.raises(WindowNotAcceptable):
                await ann.open_channel(1, deposit_ntok=1, window_s=window_s)
        with pytest.raises(BadPayment):
            await ann.open_channel(0, deposit_ntok=1, window_s=DAY_S)
        with pytest.raises(UnknownPeer):
            await ann.open_channel(77, deposit_ntok=1, window_s=DAY_S)
        with pytest.raises(SequencerRefused) as raised:
            await ann.open_channel(1, deposit_ntok=START_NTOK, window_s=DAY_S)
        assert raised.value.reason_code == "InsufficientBalance"
        with pytest.raises(UnknownChannel):
            ann.channel(5)
        rollup.fee_ntok += 1
        with pytest.raises(FeeTooHigh):
            await ann.transfer(1, amount_ntok=5)
    assert rollup.log == []


async def test_a_peer_that_is_only_soft_is_not_opened_to(
    open_node: OpenNode, rollup: Rollup, wallets: list[Wallet]
) -> None:
    rollup.soft.write_account(5, replace(rollup.soft.account(2), balance_ntok=0))
    async with open_node(0) as ann:
        with pytest.raises(UnknownPeer):
            await ann.open_channel(5, deposit_ntok=1, window_s=DAY_S)
        rollup.seal()
        await until(lambda: ann.info().final_block == rollup.block)
        await ann.open_channel(5, deposit_ntok=1, window_s=DAY_S)


async def test_an_open_that_is_rejected_or_never_final_is_named(
    open_node: OpenNode, rollup: Rollup
) -> None:
    rollup.seals_itself = False
    async with open_node(0) as ann:
        with pytest.raises(NotFinalInTime):
            await ann.open_channel(1, deposit_ntok=5, window_s=DAY_S, timeout_s=0.2)
        (name,) = rollup.statuses
        rollup.statuses[name] = "rejected"
        with pytest.raises(TransactionRejected, match="WrongNonce"):
            await ann.wait_channel(1 << 64, name)


async def test_transfer_top_up_and_withdraw_are_final_on_return(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        await ann.transfer(1, amount_ntok=700)
        assert (await ben.balance()).soft_ntok == START_NTOK + 700
        channel = await ann.open_channel(1, deposit_ntok=100, window_s=DAY_S)
        await channel.top_up(50)
        assert channel.info.deposit_own_ntok == 150
        await pay(channel)
        theirs = ben.channel(channel.id)
        await theirs.top_up(30)
        assert theirs.info.deposit_own_ntok == 30
        await ann.withdraw(amount_ntok=1_000)
        spent = 700 + 100 + 50 + 1_000 + 4 * FEE_NTOK
        assert rollup.final.account(0).balance_ntok == START_NTOK - spent
        for bad in (0, -1, 1 << 64):
            with pytest.raises(BadPayment):
                await ann.withdraw(amount_ntok=bad)
            with pytest.raises(BadPayment):
                await ann.transfer(1, amount_ntok=bad)
            with pytest.raises(BadPayment):
                await channel.top_up(bad)


async def test_a_lost_answer_never_becomes_a_second_transfer(
    open_node: OpenNode, rollup: Rollup
) -> None:
    """The sequencer took it and went down before it said so."""
    async with open_node(0) as ann:
        taking = rollup.submit

        def take_and_go_down(transaction: object) -> str:
            name = taking(transaction)  # type: ignore[arg-type]
            rollup.is_down = True
            raise ConnectionResetError(name)

        rollup.submit = take_and_go_down  # type: ignore[method-assign]
        with pytest.raises(SequencerUnreachable):
            await ann.transfer(1, amount_ntok=700)
        rollup.submit = taking  # type: ignore[method-assign]
        rollup.is_down = False
        await ann.transfer(1, amount_ntok=1)
    assert rollup.final.account(1).balance_ntok == START_NTOK + 701
    assert kinds(rollup) == ["TRANSFER", "TRANSFER"]


# --- closing together ---------------------------------------------------------------------------


async def test_either_side_may_ask_for_the_close(open_node: OpenNode, rollup: Rollup) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        await pay(channel, energy_wh=3)
        await ben.channel(channel.id).close(timeout_s=120)
        await until(lambda: channel.info.status == "closed")
        with pytest.raises(ChannelClosing):
            await pay(channel)
        with pytest.raises(ChannelClosing):
            await channel.close()
    assert kinds(rollup).count("CLOSE") == 1
    assert rollup.final.channels == {}
    assert rollup.final.account(1).balance_ntok == START_NTOK + 300


async def test_after_a_signed_close_neither_side_pays_though_it_is_not_final(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        await pay(channel, energy_wh=5)
        rollup.seals_itself = False
        await channel.close(wait=False)
        for one in (channel, ben.channel(channel.id)):
            with pytest.raises(CloseSigned):
                await pay(one)
            assert one.info.locked_until > 0
    rollup.seal()
    async with open_node(0) as ann:
        assert ann.channel(channel.id).info.status == "closed"


async def test_a_close_without_the_peer_fails_clearly_and_payments_go_on(
    open_node: OpenNode,
) -> None:
    async with open_node(0, settings=SHORT) as ann:
        async with open_node(1, peers={0: ann.url}):
            channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
            await pay(channel)
        with pytest.raises(PeerUnreachable):
            await channel.close()
        async with open_node(1, peers={0: ann.url}):
            await pay(channel)


async def test_a_close_with_payments_in_flight_is_refused(open_node: OpenNode) -> None:
    async with open_node(0, settings=SHORT) as ann:
        async with open_node(1, peers={0: ann.url}) as ben:
            channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
            await channel.ready()

            async def never(*_: object) -> None:
                await asyncio.Event().wait()

            ben._payments.take = never  # type: ignore[method-assign,assignment]
            with pytest.raises(PeerError):
                await pay(channel)
        with pytest.raises(PaymentsInFlight):
            await channel.close()


async def test_a_close_survives_the_restart_of_both(open_node: OpenNode, rollup: Rollup) -> None:
    """Both have signed, nobody has submitted; then both stop. Whoever is back first submits."""
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}):
        channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        await pay(channel)
        taking = rollup.submit

        def refuse(transaction: object) -> str:
            raise ConnectionResetError

        rollup.submit = refuse  # type: ignore[method-assign]
        await ann._closes.agree(ann._boxes[channel.id])
    rollup.submit = taking  # type: ignore[method-assign]
    assert "CLOSE" not in kinds(rollup)
    async with open_node(1) as ben:
        await until(lambda: ben.channel(channel.id).info.status == "closed")
    assert rollup.final.account(1).balance_ntok == START_NTOK + 100


# --- closing alone ------------------------------------------------------------------------------


async def test_a_payee_whose_neighbour_vanished_gets_all_it_was_paid(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(1) as ben:
        async with open_node(0, peers={1: ben.url}) as ann:
            channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
            await pay(channel, energy_wh=4)
        mine = ben.channel(channel.id)
        await mine.force_close(wait=False)
        await until(lambda: "CLAIM" in kinds(rollup))
        with pytest.raises(ChannelClosing):
            await pay(mine)
        await asyncio.sleep(0.2)
        assert "FINALIZE" not in kinds(rollup), "the window is not over"
        rollup.advance(DAY_S + 7_200)
        await until(lambda: mine.info.status == "closed")
    assert kinds(rollup) == ["OPEN", "START_CLOSE", "CLAIM", "FINALIZE"]
    assert rollup.final.account(1).balance_ntok == START_NTOK + 400
    assert rollup.final.account(0).balance_ntok == START_NTOK - 400 - FEE_NTOK


async def test_a_neighbours_start_close_is_answered_with_the_highest_voucher(
    open_node: OpenNode, rollup: Rollup
) -> None:
    """Ann closes on an empty lane; Ben claims what she has promised, without being told."""
    async with open_node(0, peers={}) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        await pay(channel, energy_wh=4)
        await pay(channel, energy_wh=2)
        await channel.force_close(wait=False)
        await until(lambda: "CLAIM" in kinds(rollup))
        await until(lambda: ben.channel(channel.id).info.status == "closing")
        rollup.advance(DAY_S + 7_200)
        await until(lambda: ben.channel(channel.id).info.status == "closed")
    claims = [one.body for one in rollup.log if isinstance(one.body, Claim)]
    assert len(claims) == 1
    assert rollup.final.account(1).balance_ntok == START_NTOK + 600


async def test_a_forced_close_goes_on_after_every_restart(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(1) as ben:
        async with open_node(0, peers={1: ben.url}) as ann:
            channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
            await pay(channel, energy_wh=4)
        rollup.is_down = True
        with pytest.raises(NotFinalInTime):
            await ben.channel(channel.id).force_close(timeout_s=0.1)
    rollup.is_down = False
    async with open_node(1):
        await until(lambda: "START_CLOSE" in kinds(rollup))
    async with open_node(1):
        await until(lambda: "CLAIM" in kinds(rollup))
    rollup.advance(DAY_S + 7_200)
    async with open_node(1) as ben:
        await until(lambda: ben.channel(channel.id).info.status == "closed")
    bodies = [type(one.body) for one in rollup.log]
    assert bodies.count(StartClose) == bodies.count(Finalize) == bodies.count(Claim) == 1
    assert Close not in bodies
    assert rollup.final.account(1).balance_ntok == START_NTOK + 400


# --- opening a node -----------------------------------------------------------------------------


async def test_refuses_a_second_node_on_the_same_folder(open_node: OpenNode) -> None:
    async with open_node(0):
        with pytest.raises(StoreInUse):
            async with open_node(0):
                pass


async def test_refuses_a_port_in_use(open_node: OpenNode) -> None:
    async with open_node(0) as ann:
        port = int(ann.url.rpartition(":")[2])
        with pytest.raises(PortInUse):
            async with open_node(1, listen=("127.0.0.1", port)):
                pass


async def test_needs_an_l1_of_its_own(open_node: OpenNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTLANE_L1", raising=False)
    with pytest.raises(L1Required):
        async with open_node(0, l1=None):
            pass


async def test_needs_an_account_that_is_final(rollup: Rollup, tmp_path: Path) -> None:
    wallet, _ = Wallet.create(tmp_path, PASSPHRASE)
    with pytest.raises(NoAccount):
        async with Node.open(wallet, sequencer=rollup.url, l1=RollupL1(rollup.url), settings=FAST):
            pass
    waiting = replace(FAST, account_timeout_s=120)

    async def open_and_look() -> int:
        async with Node.open(
            wallet, sequencer=rollup.url, l1=RollupL1(rollup.url), settings=waiting
        ) as node:
            return node.account_index

    opening = asyncio.create_task(open_and_look())
    await asyncio.sleep(0.3)
    rollup.add_account(9, wallet.key_hash, 1, 0)  # planted under another L1 address
    rollup.add_account(8, wallet.key_hash, int(wallet.l1_address, 16), 5)
    assert await opening == 8


async def test_refuses_a_sequencer_of_another_rollup(open_node: OpenNode, rollup: Rollup) -> None:
    class OtherL1(RollupL1):
        async def domain(self) -> int:
            return 1

    with pytest.raises(WrongRollup):
        async with open_node(0, l1=OtherL1(rollup.url)):
            pass


async def test_a_dead_sequencer_is_one_clear_error(open_node: OpenNode, rollup: Rollup) -> None:
    rollup.is_down = True
    with pytest.raises(SequencerUnreachable):
        async with open_node(0):
            pass
