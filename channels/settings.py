"""How a node is run, what it tells of itself, and what it loads before it says that it is ready."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from channels.duties import DEFAULT_PATIENCE, Patience
from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI
from channels.leaves import DEFAULT_PATIENCE_S
from channels.policy import DEFAULT_POLICY, Policy
from channels.pruning import DEFAULT_BILLS_KEPT
from channels.relay import RelayUse
from channels.towers import TowerAddress
from channels.wallet import Wallet
from protocol.channels import Lane
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from protocol.crypto.schnorr import verify
from protocol.vouchers import voucher_message

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How a node runs. `confirmations`: None takes L1's own "finalized" block; a number is for
    development chains without one. `max_fee_ntok`: the highest sequencer fee that is signed.
    `max_queue_fee_wei`: the most that one forced op on L1 may cost besides gas. `patience`: how
    long the sequencer has for what can wait; `sequencer_patience_s`: how long it may be of no use
    before the channels are followed from L1's data. `towers`: who watches while this node is off.
    `archive` (a folder) and `beacon` (a URL): where L1's data are looked for, besides the
    sequencer, when a batch has them in a blob. `relay`: whether neighbours are met through the
    relay at `relay_url` (None: the sequencer's) where they cannot be dialled.
    `publish_flows`: tell the sequencer what was bought so far, for its page.
    """

    policy: Policy = DEFAULT_POLICY
    confirmations: int | None = None
    poll_s: float = 1.0
    payment_timeout_s: float = 10.0
    account_timeout_s: float = 0.0
    max_fee_ntok: int = 10_000_000
    use_compiled: bool = True
    max_queue_fee_wei: int = DEFAULT_MAX_QUEUE_FEE_WEI
    patience: Patience = DEFAULT_PATIENCE
    sequencer_patience_s: float = DEFAULT_PATIENCE_S
    towers: tuple[TowerAddress, ...] = ()
    archive: Path | None = None
    beacon: str | None = None
    bills_kept: int = DEFAULT_BILLS_KEPT
    relay: RelayUse = RelayUse.AUTO
    relay_url: str | None = None
    publish_flows: bool = False


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """Who this node is, where it listens, what it last saw of L1, and what ails it (or None).

    `towers`: how many watch while it is off.
    """

    account_index: int
    l1_address: str
    key_hash: int
    domain: int
    url: str
    final_block: int
    final_time: int
    final_root: int
    channels: int
    problem: str | None
    towers: int = 0


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """What ails the node (or None); `relay`: "off", "registered" or why not; `peers`: how each
    neighbour with a channel is met: "direct", "relay" or why not."""

    problem: str | None
    relay: str
    peers: dict[int, str]


@dataclass(frozen=True, slots=True)
class Balance:
    """ntok: in the newest final root, in the sequencer's soft state, and waiting on L1."""

    final_ntok: int
    soft_ntok: int
    pending_l1_ntok: int


async def warm_up(wallet: Wallet, use_compiled: bool = True) -> bool:
    """Load all that the first payment needs. False where plain Python does the curve's work."""
    is_compiled = False
    if use_compiled:
        try:
            is_compiled = await asyncio.to_thread(compiled.install)
        except KernelCacheUnwritable as error:
            _log.warning("works in plain Python", reason=str(error))
    message = voucher_message(0, 0, Lane.AB, 0)
    await asyncio.to_thread(lambda: verify(wallet.sign(message), message))
    return is_compiled
