"""Following L1: only what its finality policy calls final, nothing twice, nothing left out.

What the RPC says is checked against the contract's own record: the ops against their rolling hash,
the batches against the state root. A node that is silent, behind or wrong costs time, never truth.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from contracts.batches import AcceptedBatch
from contracts.finality import BlockRef
from contracts.reader import RollupReader
from contracts.transactions import find_receipt
from protocol.queue import NO_OPS_HASH, QueueOp, rolling_hash
from sequencer.book import L1Position
from sequencer.ending import Ending
from sequencer.errors import ChainChanged, ForeignBatch, QueueGap
from sequencer.final import AcceptedOnL1
from sequencer.ledger import L1Update, Ledger

BLOCKS_A_STEP = 10_000
"""Blocks followed in one transaction of the database."""

BLOCK_SECOND_S = 1.0
"""After this long no new block has the timestamp of one that was seen."""


class Watcher:
    """Moves a ledger along L1. One owner."""

    def __init__(
        self,
        reader: RollupReader,
        ledger: Ledger,
        start_block: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start_block`: where the contract was deployed; nothing before it is looked at."""
        self._reader, self._ledger, self._start = reader, ledger, start_block
        self._monotonic = monotonic
        self._seen_hash, self._seen_at = b"", 0.0

    def step(self) -> bool:
        """Follow to the newest final block, or a part of the way; True if there was something new.

        Raises contracts' L1Error where the RPC fails, ChainChanged, QueueGap, ForeignBatch,
        StorageError; then the ledger is as it was.
        """
        final = self._reader.final_block()
        at = self._ledger.book.position
        self._check_same_chain(at, final)
        if final.number < at.block:
            return False
        l1_time = self._complete_second(final)
        if final.number == at.block:
            if l1_time > at.l1_time:
                self._ledger.observe(L1Update(replace(at, l1_time=l1_time)))
            return l1_time > at.l1_time
        first = max(at.block + 1, self._start)
        last = self._last_block(first, final)
        ops = tuple(self._reader.queue_ops(first, last.number))
        self._check_ops(ops, last.number)
        found = self._reader.batches(first, last.number)
        batches = tuple(self._accepted(batch) for batch in found)
        if last == final and final.number >= self._start:
            self._check_root(batches, final)
        known_time = l1_time if last == final else last.timestamp - 1
        position = L1Position(last.number, "0x" + last.block_hash.hex(), known_time)
        ending = self._ending(last.number) if last.number >= self._start else None
        self._ledger.observe(L1Update(position, ops, batches, ending))
        return True

    def _ending(self, block: int) -> Ending:
        return Ending(self._reader.exodus_start(block), self._reader.powers(block).sunset)

    def _complete_second(self, final: BlockRef) -> int:
        """The newest L1 time of which every op is known, in seconds.

        Consensus gives each block a second of its own, but development chains put several into
        one. Until a later second is seen, or must have begun, the final block's own is not over:
        a batch that named it could leave out an op of it, and L1 would refuse the batch.
        """
        now = self._monotonic()
        if self._seen_hash != final.block_hash:
            self._seen_hash, self._seen_at = final.block_hash, now
        following = self._reader.block(final.number + 1)
        if following is None:
            is_over = now - self._seen_at >= BLOCK_SECOND_S
        else:
            is_over = following.timestamp > final.timestamp
        return final.timestamp if is_over else final.timestamp - 1

    def _accepted(self, batch: AcceptedBatch) -> AcceptedOnL1:
        submission, rollup = batch.submission, self._ledger.rollup
        receipt = find_receipt(self._reader.rpc, batch.transaction_hash)
        return AcceptedOnL1(
            number=batch.number,
            statements=batch.statements(rollup.shape, rollup.domain),
            ops=submission.ops,
            l1_tx="0x" + batch.transaction_hash.hex(),
            l1_block=batch.block_number,
            gas_used=None if receipt is None else receipt.gas_used,
            calldata_bytes=len(submission.calldata()),
            versioned_hash=submission.versioned_hash,
        )

    def _last_block(self, first: int, final: BlockRef) -> BlockRef:
        if final.number - first < BLOCKS_A_STEP:
            return final
        return self._reader.block(first + BLOCKS_A_STEP - 1) or final

    def _check_same_chain(self, at: L1Position, final: BlockRef) -> None:
        """The block that we followed to is still there, if the node has got that far."""
        if at.block < 0 or final.number < at.block:
            return
        block = final if final.number == at.block else self._reader.block(at.block)
        if block is None or "0x" + block.block_hash.hex() != at.block_hash:
            raise ChainChanged(at.block)

    def _check_ops(self, ops: tuple[QueueOp, ...], block: int) -> None:
        if not ops:
            return
        before = ops[0].number - 1
        chained = self._reader.queue_record(before, block).rolling_hash if before else NO_OPS_HASH
        for op in ops:
            chained = rolling_hash(chained, op)
        if chained != self._reader.queue_record(ops[-1].number, block).rolling_hash:
            raise QueueGap(ops[0].number, ops[-1].number)

    def _check_root(self, batches: tuple[AcceptedOnL1, ...], final: BlockRef) -> None:
        """The newest batch that the RPC listed is the newest that the contract has."""
        number = batches[-1].number if batches else self._ledger.book.final_number
        if not number:
            return
        root = batches[-1].new_root if batches else self._ledger.book.final_state.root
        found = self._reader.state_root(final.number)
        if found != root:
            raise ForeignBatch(number, found)
