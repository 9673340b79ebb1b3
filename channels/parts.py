"""What a node is put together from, and how it finds its L1 and its account."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from channels.box import Box
from channels.errors import (
    L1Error,
    L1Required,
    L1Unreachable,
    NoAccount,
    SequencerError,
    SequencerUnreachable,
    WrongRollup,
)
from channels.l1 import L1, ContractL1
from channels.leaves import Leaves
from channels.records import Identity
from channels.sequencer_client import SequencerClient
from channels.settings import NodeSettings
from channels.store import Store, stored_contract
from channels.wallet import Wallet
from channels.watch import Watch
from contracts.blob_places import blob_sources
from contracts.blob_sources import SourceFailed

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
    leaves: Leaves
    watch: Watch
    boxes: dict[int, Box] = field(default_factory=dict)


def l1_of(
    l1: str | L1 | None, contract: str, wallet: Wallet, settings: NodeSettings, sequencer: str
) -> L1:
    """The node's own L1: an address, the environment's, or a port as given.

    `sequencer`: its URL, one of the places where blobs are looked for. Raises L1Required, and
    L1Unreachable where the archive of blobs cannot be used.
    """
    if l1 is None:
        l1 = os.environ.get(L1_ENVIRONMENT) or None
    if l1 is None:
        raise L1Required
    if not isinstance(l1, str):
        return l1
    archive, beacon = settings.archive, settings.beacon
    try:
        blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    except SourceFailed as error:
        raise L1Unreachable(error.source, error.problem) from error
    confirmations = settings.confirmations
    return ContractL1(l1, contract, wallet.l1_account, confirmations=confirmations, blobs=blobs)


@dataclass(frozen=True, slots=True)
class FoundRollup:
    """Which rollup a node is about, with its own L1's view of it."""

    l1: L1
    leaves: Leaves
    domain: int
    contract: str


async def find_rollup(
    sequencer: SequencerClient,
    l1: str | L1 | None,
    contract: str | None,
    folder: Path | str,
    wallet: Wallet,
    settings: NodeSettings,
) -> FoundRollup:
    """The contract's address from the caller, the sequencer or the store; the domain from L1.

    A sequencer that does not answer is done without, unless only it knows the address. Raises
    L1Required, WrongRollup, StoreCorrupt, L1Unreachable and SequencerError leaves.
    """
    known, told = contract or stored_contract(folder), None
    try:
        told = await sequencer.info()
    except SequencerUnreachable:
        if known is None:
            raise
    address = contract or (told.contract if told else known)
    assert address is not None
    view = l1_of(l1, address, wallet, settings, sequencer.url)
    domain = await view.domain()
    if told is not None and told.domain != domain:
        raise WrongRollup(f"the sequencer serves domain {told.domain:#x}, L1 gives {domain:#x}")
    leaves = Leaves(sequencer, view, settings.sequencer_patience_s)
    if told is None:
        leaves.replay()
    return FoundRollup(view, leaves, domain, address)


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
