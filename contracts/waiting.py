"""The part of L1's queue that follows an op, found without an archive node."""

from __future__ import annotations

from contracts.finality import BlockRef, find_block
from contracts.reader import RollupReader
from contracts.rpc import Rpc
from protocol.queue import QueueOp


def first_block_at(rpc: Rpc, timestamp: int) -> int:
    """The number of the first block whose timestamp is at least this; one past the newest if none.

    Asks for about log2(blocks) headers, which every node keeps. Raises RpcError.
    """
    low, high = 0, rpc.quantity("eth_blockNumber") + 1
    while low < high:
        middle = (low + high) // 2
        block: BlockRef | None = find_block(rpc, middle)
        if block is not None and block.timestamp < timestamp:
            low = middle + 1
        else:
            high = middle
    return low


def ops_after(reader: RollupReader, number: int) -> tuple[QueueOp, ...]:
    """Every op enqueued after op `number`, in order, up to the newest block. Raises RpcError."""
    newest = reader.enqueued()
    if newest <= number:
        return ()
    since = reader.queue_record(number + 1).enqueue_time
    first_block = first_block_at(reader.rpc, since)
    return reader.queue_ops_by_number(number + 1, newest, first_block)
