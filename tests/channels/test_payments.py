"""Payments between two real nodes: once each, whatever is lost, repeated or cut on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from channels.errors import (
    BadPayment,
    ChannelsError,
    OverCapacity,
    PaymentIdReused,
    PaymentPending,
    PeerNotReady,
    PeerUnreachable,
)
from channels.frames import Ask
from channels.handle import ChannelHandle
from channels.node import Node
from channels.policy import Policy
from channels.wallet import Wallet
from protocol.units import DAY_S
from tests.channels.conftest import FAST, START_NTOK, OpenNode
from tests.channels.rollup import Rollup

DEPOSIT_NTOK = 100_000
SHORT = replace(FAST, payment_timeout_s=2.0)
"""For those that wait it out, and succeed within it as well."""


@dataclass
class Pair:
    """Ann (account 0) pays Ben (account 1)."""

    ann: Node
    ben: Node
    channel: ChannelHandle

    @property
    def paid_in_ntok(self) -> int:
        """What Ben has from Ann."""
        return self.ben.channel(self.channel.id).info.paid_in_ntok


@pytest.fixture
async def pair(open_node: OpenNode) -> AsyncIterator[Pair]:
    """Two open nodes with a channel."""
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await channel.ready()
        yield Pair(ann, ben, channel)


async def pay(channel: ChannelHandle, payment_id: str | None = None, energy_wh: int = 1) -> int:
    """Pay 100 ntok a watt-hour; the lane value."""
    receipt = await channel.pay(energy_wh=energy_wh, price_utok_per_kwh=100, payment_id=payment_id)
    return receipt.lane_value


async def until(condition: object, timeout_s: float = 120.0) -> None:
    """Wait for a condition of a running node."""
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - it depends on other tasks' state
            await asyncio.sleep(0.01)


async def test_many_at_once_in_both_directions_each_count_once(pair: Pair) -> None:
    back = pair.ben.channel(pair.channel.id)
    await pay(pair.channel, energy_wh=50)
    values = await asyncio.gather(
        *[pay(pair.channel) for _ in range(40)], *[pay(back) for _ in range(40)]
    )
    assert len(set(values[:40])) == len(set(values[40:])) == 40
    assert pair.paid_in_ntok == 9_000
    assert pair.channel.info.paid_in_ntok == 4_000
    assert pair.channel.info.unacknowledged == 0


async def test_a_payment_id_pays_once_even_at_the_same_time(pair: Pair) -> None:
    values = await asyncio.gather(*[pay(pair.channel, "bill-7") for _ in range(5)])
    assert len(set(values)) == 1
    assert await pay(pair.channel, "bill-7") == values[0]
    assert pair.paid_in_ntok == 100
    for energy_wh in (2, 3):
        with pytest.raises(PaymentIdReused):
            await pay(pair.channel, "bill-7", energy_wh=energy_wh)
    assert pair.paid_in_ntok == 100


@pytest.mark.parametrize("payment_id", ["", "x" * 101, "a b", "\ud800", "ü", "a\n"])
async def test_refuses_a_payment_id_that_is_none(pair: Pair, payment_id: str) -> None:
    with pytest.raises(BadPayment):
        await pay(pair.channel, payment_id)


@pytest.mark.parametrize("energy_wh", [0, -1, 1 << 64])
async def test_refuses_amounts_out_of_range(pair: Pair, energy_wh: int) -> None:
    with pytest.raises(BadPayment):
        await pay(pair.channel, energy_wh=energy_wh)
    assert pair.channel.info.paid_out_ntok == 0


async def test_refuses_beyond_capacity_and_pays_what_fits(pair: Pair) -> None:
    with pytest.raises(OverCapacity):
        await pay(pair.channel, energy_wh=1_001)
    assert pair.channel.info.paid_out_ntok == 0
    await pay(pair.channel, energy_wh=1_000)
    with pytest.raises(OverCapacity):
        await pay(pair.channel)
    assert pair.paid_in_ntok == DEPOSIT_NTOK


async def test_a_payees_trust_limit_lets_its_neighbour_pay_beyond(open_node: OpenNode) -> None:
    trusting = replace(FAST, policy=Policy(trust_limit_ntok=250))
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}, settings=trusting):
        channel = await ann.open_channel(1, deposit_ntok=100, window_s=DAY_S)
        await pay(channel, energy_wh=3)
        with pytest.raises(OverCapacity):
            await pay(channel)


async def test_an_unreachable_peer_is_one_clear_error_and_nothing_is_signed(
    open_node: OpenNode,
) -> None:
    async with open_node(0, settings=SHORT) as ann:
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        with pytest.raises(PeerUnreachable, match="address is not known"):
            await pay(channel)
        ann.add_peer(1, "ws://127.0.0.1:1")
        with pytest.raises(PeerUnreachable):
            await pay(channel)
        assert channel.info.paid_out_ntok == 0


async def test_both_nodes_go_on_where_they_stopped(open_node: OpenNode) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}):
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await pay(channel)
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        again = ann.channel(channel.id)
        await pay(again, energy_wh=2)
        assert ben.channel(channel.id).info.paid_in_ntok == 300
        assert again.info.paid_out_ntok == 300


async def test_a_peer_that_vanishes_among_payments_is_paid_each_once_after_it_is_back(
    open_node: OpenNode,
) -> None:
    async with open_node(0, settings=SHORT) as ann:
        async with open_node(1, peers={0: ann.url}):
            channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
            await pay(channel)
            paying = [asyncio.create_task(pay(channel, f"p{n}")) for n in range(60)]
            await asyncio.wait(paying, return_when=asyncio.FIRST_COMPLETED)
        results = await asyncio.gather(*paying, return_exceptions=True)
        failures = [one for one in results if isinstance(one, BaseException)]
        assert failures, "the peer went away in the middle"
        assert all(isinstance(one, PaymentPending | PeerUnreachable) for one in failures)
        pending = sum(isinstance(one, PaymentPending) for one in failures)
        assert channel.info.unacknowledged <= pending
        async with open_node(1, peers={0: ann.url}) as ben:
            again = await asyncio.gather(*[pay(channel, f"p{n}") for n in range(60)])
            assert len(set(again)) == 60
            assert ben.channel(channel.id).info.paid_in_ntok == 6_100
            assert channel.info.paid_out_ntok == 6_100
            bills = [bill for _, bill in await ben.bills()]
            assert len(bills) == 61
            mine = [bill for _, bill in await ann.bills()]
            assert all(bill.is_acknowledged for bill in mine)
            assert [one.lane_value for one in mine] == [one.lane_value for one in bills]


async def test_a_pending_payment_is_offered_again_without_being_asked(
    open_node: OpenNode,
) -> None:
    async with open_node(0, settings=SHORT) as ann:
        async with open_node(1, peers={0: ann.url}) as ben:
            channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
            await channel.ready()
            # The payee's answer never leaves: as if it were killed after its write.
            ben._payments.take = _swallow(ben)  # type: ignore[method-assign,assignment]
            with pytest.raises(PaymentPending):
                await pay(channel, "p1")
            assert channel.info.unacknowledged == 1
        async with open_node(1, peers={0: ann.url}) as ben:
            await until(lambda: channel.info.unacknowledged == 0)
            assert ben.channel(channel.id).info.paid_in_ntok == 100
            assert len(await ben.bills()) == 1


def _swallow(node: Node) -> object:
    original = node._payments.take

    async def take(session: object, frame: object) -> object:
        await original(session, frame)  # type: ignore[arg-type]
        await asyncio.Event().wait()
        raise AssertionError

    return take


async def test_a_payee_that_cannot_see_l1_takes_nothing(
    open_node: OpenNode, rollup: Rollup
) -> None:
    rollup.time = int(time.time()) - DAY_S // 4 - 5
    rollup.seal()
    async with open_node(0, settings=SHORT) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        with pytest.raises(PeerNotReady) as raised:
            await pay(channel)
        assert raised.value.reason_code == "L1TooOld"
        assert channel.info.paid_out_ntok == 0
        rollup.advance(3_600)
        await until(lambda: ben.info().final_time == rollup.final_time)
        await pay(channel)


async def test_a_deposit_that_is_not_in_the_final_root_is_not_believed(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        rollup.lie_about_deposits = True
        submission = await ann.start_open(1, deposit_ntok=100, window_s=DAY_S)
        await until(lambda: "UnverifiedAnswer" in (ben.info().problem or ""))
        assert ben.channels() == []
        rollup.lie_about_deposits = False
        assert submission.channel_id is not None
        channel = await ann.wait_channel(submission.channel_id)
        await pay(channel)
        await until(lambda: ben.info().problem is None)


async def test_a_channel_that_is_only_soft_takes_no_payment(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        rollup.seals_itself = False
        submission = await ann.start_open(1, deposit_ntok=100, window_s=DAY_S)
        await asyncio.sleep(0.2)
        assert ann.channels() == ben.channels() == []
        rollup.seal()
        assert submission.channel_id is not None
        await pay(await ann.wait_channel(submission.channel_id))


async def test_payments_go_on_while_the_sequencer_is_down(pair: Pair, rollup: Rollup) -> None:
    rollup.is_down = True
    await until(lambda: pair.ann.info().problem is not None)
    await pay(pair.channel)
    assert pair.paid_in_ntok == 100
    rollup.is_down = False
    await until(lambda: pair.ann.info().problem is None)


async def test_an_impostor_at_the_peers_address_is_found_out(
    open_node: OpenNode, rollup: Rollup, wallets: list[Wallet]
) -> None:
    """Eve (account 2) listens where Ben is expected."""
    async with open_node(2) as eve, open_node(0, settings=SHORT, peers={1: eve.url}) as ann:
        channel = await ann.open_channel(1, deposit_ntok=100, window_s=DAY_S)
        with pytest.raises(PeerUnreachable, match="HandshakeFailed"):
            await pay(channel)
        assert channel.info.paid_out_ntok == 0
        # Even one who says that she is Ben lacks his key.
        eve.neighbours._own = replace(eve.neighbours._own, account_index=1)
        with pytest.raises(PeerUnreachable, match="not that of account 1"):
            await pay(channel)


async def test_a_stranger_cannot_use_a_neighbours_channel(pair: Pair, open_node: OpenNode) -> None:
    async with open_node(2, peers={1: pair.ben.url}) as eve:
        session = await eve.neighbours.session(1, 120.0)
        with pytest.raises(ChannelsError, match="CopySuperseded"):
            await session.request(Ask(0, pair.channel.id), 120.0)
        await eve._copies.present(session)
        with pytest.raises(ChannelsError, match="UnknownChannel"):
            await session.request(Ask(0, pair.channel.id), 120.0)


async def test_start_balances_are_untouched_by_payments(pair: Pair) -> None:
    await pay(pair.channel)
    balance = await pair.ben.balance()
    assert balance.final_ntok == balance.soft_ntok == START_NTOK
