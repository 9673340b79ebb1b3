"""The homes of the demo: a wallet and a deposit on L1 each, then a node in a process of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from channels.control_client import ControlClient
from channels.errors import CommandFailed, NodeNotRunning
from channels.wallet import Wallet
from contracts.client import RollupClient
from contracts.erc20 import TokenClient
from contracts.finality import LATEST
from contracts.transactions import Sender
from wattlane.demo.l1 import DemoL1
from wattlane.demo.processes import Child, Children
from wattlane.demo.site import Site
from wattlane.deposits import deposit
from wattlane.errors import WattlaneError

T = TypeVar("T")

START_TIMEOUT_S = 900.0
READY_PAUSE_S = 0.2
PASSING = frozenset({"ChannelNotFinal", "OverCapacity", "UnknownChannel", "UnknownPeer"})
PASSING_PEER = frozenset({"PeerNotReady", "PeerRefused", "PeerUnreachable", "PaymentPending"})
"""What time cures: a root that a node has not seen yet, a top-up under way, a peer coming up."""


@dataclass
class GaveUp(WattlaneError):
    """Something that should have become possible did not."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(slots=True)
class Home:
    """A home with its wallet's money on L1. `node` is there while its process runs."""

    name: str
    wallet: Wallet
    client: RollupClient
    index: int = -1
    child: Child | None = None
    node: ControlClient | None = None
    channels: dict[str, int] = field(default_factory=dict)

    @property
    def running(self) -> ControlClient:
        """The control connection. Raises GaveUp where the process is gone."""
        if self.node is None:
            raise GaveUp(self.name, "its process does not run")
        return self.node

    def channel_with(self, other: str) -> int:
        """The id of the channel with a neighbour. Raises GaveUp."""
        if other not in self.channels:
            raise GaveUp(f"{self.name} with {other}", "no channel was opened")
        return self.channels[other]


def make_home(
    name: str, folder: Path, passphrase: str, l1: DemoL1, contract: str, tokens_ntok: int
) -> Home:
    """A new wallet, with ether for gas and test tokens. Raises as Sender.send, WalletError."""
    wallet, _ = Wallet.create(folder, passphrase)
    client = RollupClient(l1.url, contract, wallet.l1_account, finality=LATEST)
    l1.give_ether(wallet.l1_address)
    settings = client.settings()
    minter = TokenClient(Sender(l1.rpc, l1.funder), settings.token)
    minter.mint(wallet.l1_address, settings.base_units(tokens_ntok))
    return Home(name, wallet, client)


def deposit_for(home: Home, amount_ntok: int) -> None:
    """Deposit on L1; the first one opens the account. Raises as wattlane.deposits.deposit."""
    home.index = deposit(home.client, home.wallet.key_hash, amount_ntok).account_index


def start_node(
    home: Home, site: Site, children: Children, l1_url: str, arguments: Sequence[str]
) -> None:
    """Start the home's process; it waits there until its account is final.

    L1's URL may hold an API key: it goes by the environment, as arguments can be read by all.
    """
    folder = ["--folder", str(site.home(home.name))]
    wait = ["--wait-for-account", str(START_TIMEOUT_S)]
    home.child = children.start(
        home.name,
        ["node", "run", *folder, *wait, *arguments],
        {**site.environment, "WATTLANE_L1": l1_url},
    )


async def connect(homes: Sequence[Home], site: Site, stack: AsyncExitStack) -> None:
    """Command every node once it is up, and tell neighbours where the others listen.

    Raises ChildFailed for a process that ended instead.
    """
    for home in homes:
        home.node = await _connected(home, site, stack)
    urls = {home.name: str((await home.running.info())["url"]) for home in homes}
    for place, home in enumerate(homes):
        for other in homes[place + 1 :]:
            await home.running.add_peer(other.index, urls[other.name])


async def _connected(home: Home, site: Site, stack: AsyncExitStack) -> ControlClient:
    assert home.child is not None, "start_node comes first"
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        home.child.check()
        try:
            found = ControlClient.connect(site.home(home.name), READY_PAUSE_S)
            return await stack.enter_async_context(found)
        except NodeNotRunning:
            if time.monotonic() > deadline:
                raise home.child.failed() from None


async def patiently(
    what: str, attempt: Callable[[], Awaitable[T]], timeout_s: float = START_TIMEOUT_S
) -> T:
    """Repeat a command until it is done, as long as only time is missing.

    Raises GaveUp after `timeout_s`, and CommandFailed for what time does not cure.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await attempt()
        except CommandFailed as error:
            if error.reason_code not in PASSING | PASSING_PEER:
                raise
            if time.monotonic() > deadline:
                raise GaveUp(what, str(error)) from error
        await asyncio.sleep(READY_PAUSE_S)
