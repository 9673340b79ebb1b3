"""Homes that meet through a relay: they pay as ever, and whatever it does they pay once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import links, neighbours, relay
from channels.errors import PeerError, PeerUnreachable
from channels.handle import ChannelHandle
from channels.node import Node
from channels.relay import RelayUse
from channels.settings import NodeSettings
from channels.wallet import Wallet
from protocol.relay import ACCOUNT_BYTES
from protocol.units import DAY_S
from sequencer.api.routes.relay import Relay
from sequencer.bus import InProcessBus
from sequencer.relaying import Note
from tests.channels.conftest import FAST, START_NTOK
from tests.channels.cutting import cutter
from tests.channels.rollup import DOMAIN, Rollup, RollupL1, serving
from tests.channels.test_payments import until

ONLY_RELAY = replace(FAST, relay=RelayUse.ALWAYS)
PRICE, FLOAT_WH = 10, 1_000


Passed = tuple[str, bytes]
"""Where a frame goes, and the frame."""
Tamper = Callable[[Passed], list[Passed]]


def honest(passed: Passed) -> list[Passed]:
    """Gives on what comes."""
    return [passed]


class Hands(InProcessBus):
    """A relay's bus in the hands of somebody who does as he likes with what passes."""

    def __init__(self) -> None:
        super().__init__()
        self.tamper: Tamper = honest
        self.passed = 0

    async def publish(self, topic: str, message: bytes) -> None:
        """Give on what `tamper` makes of a frame."""
        if message[:1] != bytes([Note.FRAME]):
            await super().publish(topic, message)
            return
        self.passed += 1
        for to, made in self.tamper((topic, message)):
            await super().publish(to, made)


class Street:
    """A rollup with a relay, and the nodes of three accounts."""

    def __init__(self, rollup: Rollup, wallets: list[Wallet], folder: Path, hands: Hands) -> None:
        self.rollup, self.hands = rollup, hands
        self._wallets, self._folder = wallets, folder

    @asynccontextmanager
    async def node(
        self, index: int, settings: NodeSettings = ONLY_RELAY, **given: Any
    ) -> AsyncIterator[Node]:
        """The node of an account."""
        wallet = self._wallets[index]
        given.setdefault("l1", RollupL1(self.rollup.url, int(wallet.l1_address, 16)))
        async with Node.open(
            wallet,
            sequencer=self.rollup.url,
            folder=self._folder / f"node{index}",
            settings=settings,
            **given,
        ) as node:
            yield node


@pytest.fixture
async def street(fast_curve: None, wallets: list[Wallet], tmp_path: Path) -> AsyncIterator[Street]:
    rollup, hands = Rollup(), Hands()
    for index, wallet in enumerate(wallets):
        rollup.add_account(index, wallet.key_hash, int(wallet.l1_address, 16), START_NTOK)
    keys = {index: wallet.key_hash for index, wallet in enumerate(wallets)}
    rollup.relay = Relay(hands, DOMAIN, keys.get)
    async with serving(rollup):
        yield Street(rollup, wallets, tmp_path, hands)


async def a_channel(payer: Node, payee: Node) -> ChannelHandle:
    return await payer.open_channel(
        payee.account_index, deposit_ntok=START_NTOK // 2, window_s=2 * DAY_S
    )


async def test_two_homes_that_cannot_be_dialled_pay_and_close(street: Street) -> None:
    async with street.node(0) as ann, street.node(1) as ben:
        assert not ann.url
        assert not ben.url
        channel = await a_channel(ann, ben)
        for energy_wh in (3, 4):
            await channel.pay(energy_wh=energy_wh, price_utok_per_kwh=PRICE)
        assert ben.channel(channel.id).info.paid_in_ntok == 7 * PRICE
        assert ann.neighbours.reach(1) == "relay"
        await channel.close()
    assert street.hands.passed > 0


async def test_a_direct_connection_takes_over_as_soon_as_there_is_one(street: Street) -> None:
    auto = replace(FAST, relay=RelayUse.AUTO)
    async with street.node(0, auto) as ann, street.node(1, auto) as ben:
        ann.add_peer(1, "ws://127.0.0.1:9")  # nobody listens there
        channel = await a_channel(ann, ben)
        await channel.pay(energy_wh=1, price_utok_per_kwh=PRICE)
        assert ann.neighbours.reach(1) == "relay"
        ann.add_peer(1, ben.url)
        await until(lambda: ann.neighbours.reach(1) == "direct", 60)
        before = street.hands.passed
        for energy_wh in range(2, 12):
            await channel.pay(energy_wh=energy_wh, price_utok_per_kwh=PRICE)
        assert ann.neighbours.reach(1) == ben.neighbours.reach(0) == "direct"
        await until(lambda: not relayed(ann, 1) and not relayed(ben, 0), 60)
        assert street.hands.passed - before < 10, "payments went on through the relay"


def relayed(node: Node, index: int) -> bool:
    """Whether a relayed session is still there."""
    return any(one.is_relayed for one in node.neighbours._sessions.get(index, []))


async def test_a_home_that_can_be_dialled_sends_nothing_through_the_relay(street: Street) -> None:
    auto = replace(FAST, relay=RelayUse.AUTO)
    async with (
        street.node(0, auto) as ann,
        street.node(1, auto, peers={0: ann.url}) as ben,
    ):
        channel = await a_channel(ben, ann)
        await channel.pay(energy_wh=1, price_utok_per_kwh=PRICE)
        assert ann.neighbours.reach(1) == "direct"
        assert street.hands.passed == 0


async def test_who_never_uses_the_relay_is_not_there(street: Street) -> None:
    shy = replace(FAST, relay=RelayUse.NEVER)
    async with street.node(0) as ann, street.node(1, shy) as ben:
        with pytest.raises(PeerUnreachable, match=r"no answer through the relay|not at the relay"):
            await ann.neighbours.session(1, 0.5)
        assert ben.neighbours.relay is None


async def test_a_second_node_of_the_account_is_found_out(street: Street, tmp_path: Path) -> None:
    async with street.node(0) as ann:
        first = ann.neighbours.relay
        assert first is not None
        await until(lambda: first.is_registered, 60)
        street._folder = tmp_path / "copy"
        async with street.node(0):
            await until(lambda: "second copy" in str(first.problem), 60)


class Malice:
    """Does one thing to every so many frames, and to no more than so many in all."""

    def __init__(self, what: str, rng: random.Random) -> None:
        self._act = getattr(self, f"_{what}")
        self._rng = rng
        self.left = 3
        self._kept: list[Passed] = []

    def __call__(self, passed: Passed) -> list[Passed]:
        if self.left and self._rng.random() < 0.15:
            self.left -= 1
            return list(self._act(passed))
        self._kept.append(passed)
        return [passed]

    def _drop(self, passed: Passed) -> list[Passed]:
        return []

    def _replay(self, passed: Passed) -> list[Passed]:
        return [passed, passed, *self._rng.sample(self._kept, min(5, len(self._kept)))]

    def _reorder(self, passed: Passed) -> list[Passed]:
        self._held, held = passed, getattr(self, "_held", None)
        return [held] if held else []

    def _alter(self, passed: Passed) -> list[Passed]:
        topic, message = passed
        place = self._rng.randrange(1 + ACCOUNT_BYTES, len(message))
        altered = bytearray(message)
        altered[place] ^= 1 << self._rng.randrange(8)
        return [(topic, bytes(altered))]

    def _swap(self, passed: Passed) -> list[Passed]:
        """What one home has sent goes to it, or to another, as if from another."""
        topic, message = passed
        other = self._rng.choice(self._kept) if self._kept else passed
        return [(topic, other[1]), (other[0], message)]

    def _forge(self, passed: Passed) -> list[Passed]:
        topic, message = passed
        return [(topic, message[: 1 + ACCOUNT_BYTES] + self._rng.randbytes(60)), passed]


@pytest.fixture
def quick_to_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a home waits for before it tries again, in a second instead of ten."""
    monkeypatch.setattr(links, "PROBE_S", 0.2)
    monkeypatch.setattr(links, "SILENT_S", 2.0)
    monkeypatch.setattr(relay, "DIAL_TIMEOUT_S", 1.0)
    monkeypatch.setattr(relay, "_SOUGHT_S", 0.05)
    monkeypatch.setattr(neighbours, "_SOUGHT_S", 0.05)


@pytest.mark.parametrize("what", ["drop", "replay", "reorder", "alter", "swap", "forge"])
async def test_whatever_a_relay_does_each_payment_counts_once(
    street: Street, what: str, quick_to_notice: None
) -> None:
    patient = replace(ONLY_RELAY, payment_timeout_s=1.0)
    async with street.node(0, patient) as ann, street.node(1, patient) as ben:
        channel = await a_channel(ann, ben)
        back = await lend(channel, ben)
        street.hands.tamper = malice = Malice(what, random.Random(what))
        paid = {"float"}
        number = 0
        while malice.left or number < 3:
            number += 1
            names = [f"{side}{number}" for side in "ab"]
            await asyncio.gather(
                pay_until_acknowledged(channel, names[0]), pay_until_acknowledged(back, names[1])
            )
            paid |= set(names)
            assert_each_once(channel, back, number, number)
        street.hands.tamper = honest
        bills = [bill.payment_id for _, bill in await ben.bills()]
        assert sorted(bills) == sorted(paid)
        await channel.close()


def assert_each_once(
    channel: ChannelHandle, back: ChannelHandle, number: int, returned: int
) -> None:
    """Both ends hold so many payments each way, and none is on its way."""
    mine, theirs = channel.info, back.info
    assert mine.paid_out_ntok == theirs.paid_in_ntok == PRICE * (FLOAT_WH + number)
    assert mine.paid_in_ntok == theirs.paid_out_ntok == PRICE * returned
    assert mine.unacknowledged == theirs.unacknowledged == 0


async def lend(channel: ChannelHandle, payee: Node) -> ChannelHandle:
    """The payee's end, with money to pay back with."""
    await channel.pay(energy_wh=FLOAT_WH, price_utok_per_kwh=PRICE, payment_id="float")
    return payee.channel(channel.id)


async def pay_until_acknowledged(channel: ChannelHandle, payment_id: str) -> None:
    """The same payment again and again until the payee has it."""
    async with asyncio.timeout(120):
        while True:
            try:
                await channel.pay(energy_wh=1, price_utok_per_kwh=PRICE, payment_id=payment_id)
                return
            except PeerError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["direct", "relay"])
async def test_a_line_that_is_cut_at_any_frame_costs_and_doubles_nothing(
    street: Street, way: str, quick_to_notice: None
) -> None:
    """Before and after each frame, from the first hello to the last acknowledgement."""
    patient = replace(FAST, payment_timeout_s=5.0)
    async with AsyncExitStack() as stack:
        if way == "direct":
            direct = replace(patient, relay=RelayUse.NEVER)
            ben = await stack.enter_async_context(street.node(1, direct))
            line = await stack.enter_async_context(cutter(ben.url))
            ann = await stack.enter_async_context(street.node(0, direct, peers={1: line.url}))
        else:
            line = await stack.enter_async_context(cutter(relay.relay_url(street.rollup.url)))
            away = replace(patient, relay=RelayUse.ALWAYS, relay_url=line.url)
            ben = await stack.enter_async_context(street.node(1, replace(away, relay_url=None)))
            ann = await stack.enter_async_context(street.node(0, away))
        channel = await a_channel(ann, ben)
        back = await lend(channel, ben)
        number = frames = 0
        has_passed = False
        while not has_passed:
            for passes_last in (False, True):
                line.arm(frames, passes_last=passes_last)
                cuts, number = line.cuts, number + 1
                await pay_until_acknowledged(channel, f"a{number}")
                has_passed = line.cuts == cuts
                assert_each_once(channel, back, number, 0)
            frames += 1
        assert frames > 8, "a handshake, a comparison and a payment are more frames than that"
        assert len(await ben.bills()) == 1 + number
