"""A household's page over a real node with a neighbour, all in one thread with an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from channels.control import ControlServer
from channels.handle import ChannelHandle
from channels.node import Node
from channels.wallet import Wallet
from protocol.crypto import compiled
from protocol.units import DAY_S
from sequencer.api.server import ApiServer
from sequencer.startup import listen
from tests.channels.conftest import FAST, PASSPHRASE
from tests.channels.rollup import Rollup, RollupL1, serving
from tests.channels.test_payments import until
from wattlane.household.app import HouseholdPages
from wattlane.household.guard import Guard
from wattlane.household.leaving import OnL1, Place
from wattlane.household.outlook import Household, situation

T = TypeVar("T")
TOKEN = 10**9
START_NTOK = 100 * TOKEN
PRICE = 200_000
WAIT_S = 120.0


@dataclass
class House:
    """What a test moves. `l1`: what L1 says of the exodus; None: it does not answer."""

    rollup: Rollup = field(default_factory=Rollup)
    l1: OnL1 | None = field(default_factory=lambda: OnL1(2_000_000_000, None, None))
    url: str = ""
    link: str = ""
    guard: Guard | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    control: AsyncExitStack = field(default_factory=AsyncExitStack)
    own: Node | None = None
    channel: ChannelHandle | None = None
    back: ChannelHandle | None = None

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the nodes' loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    async def serve(self, folder: Path, ready: threading.Event) -> None:
        """Rollup, two nodes with a channel, and the page of the first, until `stop`."""
        compiled.install()
        wallets = [Wallet.create(folder / str(number), PASSPHRASE)[0] for number in range(2)]
        for index, wallet in enumerate(wallets):
            owner = int(wallet.l1_address, 16)
            self.rollup.add_account(index, wallet.key_hash, owner, START_NTOK)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serving(self.rollup))
            nodes: list[Node] = []
            for index, wallet in enumerate(wallets):
                l1 = RollupL1(self.rollup.url, int(wallet.l1_address, 16))
                peers = {0: nodes[0].url} if nodes else None
                opening = Node.open(
                    wallet,
                    sequencer=self.rollup.url,
                    folder=folder / str(index),
                    l1=l1,
                    peers=peers,
                    settings=FAST,
                )
                nodes.append(await stack.enter_async_context(opening))
            self.own = nodes[0]
            self.channel = await nodes[0].open_channel(1, deposit_ntok=20 * TOKEN, window_s=DAY_S)
            self.back = await nodes[1].wait_channel(self.channel.id)
            await self.channel.ready()
            self.control = AsyncExitStack()
            await self.control.enter_async_context(ControlServer.serving(nodes[0], folder / "0"))
            stack.push_async_callback(lambda: self.control.aclose())
            home = Household(
                folder / "0", self.rollup.url, "http://127.0.0.1:8545", "0x" + "11" * 20
            )
            listener = stack.enter_context(listen("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
            self.guard = Guard(port)
            look = partial(situation, on_l1=self._on_l1)
            server = ApiServer(HouseholdPages(home, self.guard, look=look).app())
            served = asyncio.create_task(server.serve(sockets=[listener]))
            await server.ready.wait()
            self.url = f"http://127.0.0.1:{port}"
            self.link = f"{self.url}/#{self.guard.token}"
            ready.set()
            await self.stop.wait()
            server.should_exit = server.force_exit = True
            await served

    def _on_l1(self, _: Place) -> OnL1 | None:
        return self.l1

    async def trade(self) -> None:
        """Buys and sells a little."""
        assert self.channel is not None
        assert self.back is not None
        for energy_wh in (420, 1_300):
            await self.channel.pay(energy_wh=energy_wh, price_utok_per_kwh=PRICE)
        await self.back.ready()
        await self.back.pay(energy_wh=850, price_utok_per_kwh=PRICE)

    async def until_level(self, level: str) -> None:
        """The node has heard how far its channel has come."""
        channel = self.channel
        assert channel is not None
        await until(lambda: channel.info.level == level)

    async def sleep_control(self) -> None:
        """The node's control port goes away."""
        await self.control.aclose()

    async def wake_control(self, folder: Path) -> None:
        """And comes back."""
        assert self.own is not None
        await self.control.enter_async_context(ControlServer.serving(self.own, folder / "0"))


@contextmanager
def housed(folder: Path) -> Iterator[House]:
    """The house, until the block is left."""
    house, ready = House(), threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        asyncio.set_event_loop(house.loop)
        try:
            house.loop.run_until_complete(house.serve(folder, ready))
        except BaseException as error:  # noqa: BLE001 - the test that waits must hear of it
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run, name="house")
    thread.start()
    try:
        assert ready.wait(WAIT_S)
        assert not failed, failed
        yield house
    finally:
        house.loop.call_soon_threadsafe(house.stop.set)
        thread.join(WAIT_S)
        assert not thread.is_alive()
        house.loop.close()
    assert not failed, failed
