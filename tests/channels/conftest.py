"""Wallets made once for all tests of nodes, and a rollup that serves them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from channels.node import Node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from protocol.crypto import compiled
from tests.channels.rollup import Rollup, RollupL1, serving

PASSPHRASE = "correct horse battery"
START_NTOK = 1_000_000
FAST = NodeSettings(poll_s=0.05, payment_timeout_s=60.0, use_compiled=False)

OpenNode = Callable[..., AbstractAsyncContextManager[Node]]


@pytest.fixture(scope="session")
def fast_curve() -> None:
    """Compiled hashing and signing where Numba is there.

    It stays: what runs after these tests in the same process may need it as well.
    """
    compiled.install()


@pytest.fixture(scope="session")
def wallets(tmp_path_factory: pytest.TempPathFactory) -> list[Wallet]:
    """Three wallets, accounts 0, 1 and 2."""
    folder = tmp_path_factory.mktemp("wallets")
    return [Wallet.create(folder / str(number), PASSPHRASE)[0] for number in range(3)]


@pytest.fixture
async def rollup(fast_curve: None, wallets: list[Wallet]) -> AsyncIterator[Rollup]:
    """A served rollup with an account for each wallet."""
    served = Rollup()
    for index, wallet in enumerate(wallets):
        served.add_account(index, wallet.key_hash, int(wallet.l1_address, 16), START_NTOK)
    async with serving(served):
        yield served


@pytest.fixture
def open_node(rollup: Rollup, wallets: list[Wallet], tmp_path: Path) -> OpenNode:
    """Opens the node of an account; the same folder each time."""

    def open_(index: int, **given: Any) -> AbstractAsyncContextManager[Node]:
        given.setdefault("settings", FAST)
        own = int(wallets[index].l1_address, 16)
        given.setdefault("l1", RollupL1(rollup.url, own))
        folder = tmp_path / f"node{index}"
        return Node.open(wallets[index], sequencer=rollup.url, folder=folder, **given)

    return open_
