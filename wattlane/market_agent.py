"""A household's agent as a process, beside its node: reads its meter's store, trades, pays."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from channels.control_client import ControlClient, Paid
from energy.community.history import History
from energy.market.agent import Agent, Meter
from energy.market.client import MarketClient
from energy.market.follower import Follower
from energy.meters.did import check_did
from energy.meters.store import MeterStore
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from wattlane.community_changes import home_of, member_of

if TYPE_CHECKING:
    from channels.wallet import Wallet

_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class NodeOfFolder:
    """The node of a home's folder, connected to anew for each command: it may be started again."""

    folder: Path

    async def domain(self) -> int:
        """The rollup that the node is about. Raises NodeNotRunning, CommandFailed."""
        async with ControlClient.connect(self.folder, _PATIENCE_S) as node:
            return int((await node.info())["domain"])

    async def channels(self) -> list[dict[str, Any]]:
        """See energy.market.agent.Node. Raises NodeNotRunning, CommandFailed."""
        async with ControlClient.connect(self.folder, _PATIENCE_S) as node:
            return await node.channels()

    async def pay(
        self,
        channel_id: int,
        *,
        energy_wh: int,
        price_utok_per_kwh: int,
        payment_id: str | None = None,
    ) -> Paid:
        """See energy.market.agent.Node. Raises NodeNotRunning, CommandFailed."""
        async with ControlClient.connect(self.folder, _PATIENCE_S) as node:
            return await node.pay(
                channel_id,
                energy_wh=energy_wh,
                price_utok_per_kwh=price_utok_per_kwh,
                payment_id=payment_id,
            )


async def run_agent(
    wallet: Wallet,
    folder: Path,
    market: str,
    copy: Path,
    meter: Path | None,
    pause_s: float,
    on_ready: Callable[[int, bool], None],
    use_compiled: bool = True,
    now_ms: Callable[[], int] | None = None,
    meters: Sequence[str] = (),
) -> None:
    """Trade and pay until SIGTERM or SIGINT. `on_ready` gets the account, and whether it is the
    community's own.

    `copy`: where the copy of the journal is kept. `meter`: the folder of the home's meter, None
    where it has none, or it shares its readings itself. `meters`: DIDs that are the home's own,
    besides the one of `meter`. `now_ms`: this machine's clock, of which the market's may not be far
    ahead; None where days are replayed. Raises BadChoice, AnotherRollup, NodeNotRunning,
    MeterStoreUnusable, BadMeterName, and as Follower.open and `catch_up`.
    """
    meters = [check_did(one) for one in meters]
    if use_compiled:
        with contextlib.suppress(KernelCacheUnwritable):
            await asyncio.to_thread(compiled.install)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(MarketClient(market))
        node = NodeOfFolder(folder)
        follower = await Follower.open(client, copy, domain=await node.domain(), now_ms=now_ms)
        stack.callback(follower.close)
        await follower.catch_up()
        community = follower.market.community
        is_own = community.key_hash == wallet.key_hash
        account = community.account if is_own else _account_of(follower.market.history, wallet)
        store: Meter | None = None
        if meter is not None:
            opened = MeterStore.for_reading(meter)
            stack.callback(opened.close)
            store = opened
        agent = Agent(account, wallet.sign, client, follower, node, store, meters)
        on_ready(account, is_own)
        working = asyncio.create_task(agent.run(pause_s))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not working.done():
            working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _account_of(history: History, wallet: Wallet) -> int:
    """The home's account, also of one that has left and still pays. Raises BadChoice."""
    for version in reversed(history.versions):
        home = home_of(version.community, wallet)
        if home is not None:
            return home.account
    return member_of(history.latest.community, wallet).account  # which says what is missing
