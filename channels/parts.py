"""What a node is put together from, and how it finds its L1 and its account."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field

from channels.box import Box
from channels.errors import L1Error, L1Required, NoAccount, SequencerError
from channels.l1 import L1, ContractL1
from channels.records import Identity
from channels.sequencer_client import SequencerClient
from channels.settings import NodeSettings
from channels.store import Store
from channels.wallet import Wallet
from channels.watch import Watch

L1_ENVIRONMENT = "WATTLANE_L1"


@dataclass(slots=True)
class Parts:
    """Everything that a node stands on."""

    wallet: Wallet
    settings: NodeSettings
    identity: Identity
    store: Store
    sequencer: SequencerClient
    l1: L1
    watch: Watch
    boxes: dict[int, Box] = field(default_factory=dict)


def l1_of(l1: str | L1 | None, contract: str, wallet: Wallet, settings: NodeSettings) -> L1:
    """The node's own L1: an address, the environment's, or a port as given. Raises L1Required."""
    if l1 is None:
        l1 = os.environ.get(L1_ENVIRONMENT) or None
    if l1 is None:
        raise L1Required
    if not isinstance(l1, str):
        return l1
    return ContractL1(l1, contract, wallet.l1_account, confirmations=settings.confirmations)


async def account_of(wallet: Wallet, watch: Watch, timeout_s: float) -> int:
    """The wallet's account, once it is final. Raises NoAccount, and what L1 and sequencer raise."""
    end = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            await watch.look()
            return await watch.find_account(wallet.key_hash, int(wallet.l1_address, 16))
        except (NoAccount, L1Error, SequencerError):
            if asyncio.get_running_loop().time() >= end:
                raise
        await asyncio.sleep(0.2)
