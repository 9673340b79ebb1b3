"""Which L1 block counts as final: nothing younger is ever treated as if it could not change."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import NotFinalYet
from contracts.rpc import Rpc


@dataclass(frozen=True, slots=True)
class Finality:
    """`confirmations` None: the chain's own "finalized" block. A number, for development chains
    without a beacon chain: the block that has this many blocks on top of it (0: the latest).
    """

    confirmations: int | None = None


FINALIZED = Finality()
LATEST = Finality(confirmations=0)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block. `timestamp` in seconds since 1970."""

    number: int
    block_hash: bytes
    timestamp: int


def find_block(rpc: Rpc, which: int | str) -> BlockRef | None:
    """A block by number or tag, or None where there is none. Raises RpcError."""
    method = "eth_getBlockByNumber"
    name = which if isinstance(which, str) else hex(which)
    given = rpc.call(method, name, False)
    if given is None:
        return None
    block = rpc.parse_object(method, given)
    return BlockRef(
        number=rpc.parse_quantity(method, block.get("number")),
        block_hash=rpc.parse_data(method, block.get("hash")),
        timestamp=rpc.parse_quantity(method, block.get("timestamp")),
    )


def final_block(rpc: Rpc, finality: Finality) -> BlockRef:
    """The newest block that counts as final. Raises NotFinalYet, RpcError."""
    if finality.confirmations is None:
        block = find_block(rpc, "finalized")
    else:
        newest = rpc.quantity("eth_blockNumber")
        number = newest - finality.confirmations
        block = find_block(rpc, number) if number >= 0 else None
    if block is None:
        raise NotFinalYet(rpc.shown_url)
    return block
