"""A RollupReader over a record instead of an RPC: an L1 node with these events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from contracts.batches import AcceptedBatch
from contracts.errors import NotFinalYet
from contracts.finality import BlockRef
from contracts.reader import Progress, QueueRecord, RollupReader, RollupSettings
from contracts.rpc import Rpc
from protocol.queue import NO_OPS_HASH, QueueOp
from tests.wattlane import records
from wattlane.l1_record import L1Record

HEAD = 65


class BlocksRpc(Rpc):
    """Tells of the blocks alone."""

    def quantity(self, method: str, *params: object) -> int:
        return HEAD

    def call(self, method: str, *params: object) -> object:
        number = int(str(params[0]), 16)
        when = hex(records.START + number)
        return {"number": hex(number), "hash": "0x" + bytes(32).hex(), "timestamp": when}


class RecordReader(RollupReader):
    """Blocks 0 to HEAD; batch n is in block 10 n, each op in the block before its batch, or in
    `HEAD - 2`. `final`: the newest final block, None for a chain that has none."""

    def __init__(self, record: L1Record | None = None, final: int | None = HEAD) -> None:
        record = record or records.record()
        super().__init__("http://192.0.2.1", f"{record.contract:#042x}")
        self.rpc = BlocksRpc("http://192.0.2.1")
        self.record, self.final = record, final
        self.asked: list[tuple[int, int]] = []
        self.fork = 0
        """Blocks from 1 on have another hash for each number given here."""

    def _hash(self, number: int) -> bytes:
        return (number + (self.fork << 64)).to_bytes(32, "big")

    def chain_id(self) -> int:
        return self.record.chain_id

    def settings(self) -> RollupSettings:
        return self.record.settings

    def block(self, number: int) -> BlockRef | None:
        if number > HEAD:
            return None
        return BlockRef(number, self._hash(number), records.START + number)

    def latest_block(self) -> BlockRef:
        return BlockRef(HEAD, self._hash(HEAD), records.START + HEAD)

    def final_block(self) -> BlockRef:
        if self.final is None:
            raise NotFinalYet("http://192.0.2.1")
        return BlockRef(self.final, self._hash(self.final), records.START + self.final)

    def _block_of(self, op: QueueOp) -> int:
        consumed = [one.block_number for one in self.record.batches if one.processed >= op.number]
        return consumed[0] - 1 if consumed else HEAD - 2

    def queue_ops(self, from_block: int = 0, to_block: int | None = None) -> Iterator[QueueOp]:
        last = HEAD if to_block is None else to_block
        self.asked.append((from_block, last))
        yield from (op for op in self.record.ops if from_block <= self._block_of(op) <= last)

    def batches(self, from_block: int = 0, to_block: int | None = None) -> Iterator[AcceptedBatch]:
        last = HEAD if to_block is None else to_block
        for batch in self.record.batches:
            if from_block <= batch.block_number <= last:
                yield replace(batch, block_hash=self._hash(batch.block_number))

    def progress(self, block: int | None = None) -> Progress:
        newest = self.record.batches[-1]
        return Progress(newest.submission.l1_time, newest.processed, newest.number)

    def state_root(self, block: int | None = None) -> int:
        return self.record.state_root

    def enqueued(self, block: int | None = None) -> int:
        return len(self.record.queue_hashes)

    def queue_record(self, number: int, block: int | None = None) -> QueueRecord:
        if not 0 < number <= len(self.record.queue_hashes):
            return QueueRecord(NO_OPS_HASH, 0)
        return QueueRecord(self.record.queue_hashes[number - 1], records.START + 9)
