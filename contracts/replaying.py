"""The state of the newest final block, from L1's data alone: nobody but an L1 node is asked.

Invariant: what `follow` returns has the root that the contract has in that block, the ops hash to
its rolling hash, and every proof's data lead to the root that L1 accepted. For whoever must go on
without a sequencer: a home's node, a watchtower. Ref: docs/protocol.md, invariant C6.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.batches import AcceptedBatch
from contracts.errors import L1Error
from contracts.finality import BlockRef
from contracts.reader import RollupReader
from contracts.waiting import first_block_at
from protocol.batch import domain_of
from protocol.data import unpack_header
from protocol.errors import ProtocolError
from protocol.queue import NO_OPS_HASH, QueueOp, rolling_hash
from protocol.replay import replay_proof
from protocol.state import State


@dataclass
class ReplayFails(L1Error):
    """What the L1 node told does not add up to what the contract says; nothing was taken."""

    what: str

    def __str__(self) -> str:
        return f"L1's data cannot be replayed: {self.what}"


class L1Replay:
    """Follows one rollup by replaying it. Not thread-safe; one owner."""

    def __init__(self, reader: RollupReader) -> None:
        self._reader = reader
        self._state = State()
        self._at: BlockRef | None = None
        self._batches = 0
        self._last_op = 0
        self._waiting: list[QueueOp] = []
        self._chained = NO_OPS_HASH

    def follow(self) -> State:
        """The state of the newest final block; shared, do not change it.

        Raises RpcError, NotFinalYet, UndecodableBatch, and ReplayFails; then nothing has changed.
        """
        final = self._reader.final_block()
        at = self._at
        if at is not None and final.number <= at.number:
            return self._state
        if at is not None and self._reader.block(at.number) != at:
            raise ReplayFails(f"block {at.number} was final and is another one now")
        first = self._first_block() if at is None else at.number + 1
        found = tuple(self._reader.queue_ops(first, final.number))
        chained = self._check_ops(found, final)
        state, waiting = self._state.copy(), [*self._waiting, *found]
        batches, last_op = self._batches, self._last_op
        for batch in self._reader.batches(first, final.number):
            if batch.number != batches + 1:
                raise ReplayFails(f"batch {batches + 1} is missing")
            consumed = self._apply(state, batch, waiting)
            del waiting[:consumed]
            batches, last_op = batch.number, last_op + consumed
        self._check_end(state, batches, last_op, final)
        self._state, self._waiting, self._chained = state, waiting, chained
        self._batches, self._last_op, self._at = batches, last_op, final
        return state

    def _first_block(self) -> int:
        """Where the first op is: without an account there was no batch worth reading."""
        first = self._reader.queue_record(1)
        if not first.enqueue_time:
            return self._reader.final_block().number
        return first_block_at(self._reader.rpc, first.enqueue_time)

    def _check_ops(self, ops: tuple[QueueOp, ...], final: BlockRef) -> bytes:
        chained, number = self._chained, self._last_op + len(self._waiting)
        for op in ops:
            number += 1
            if op.number != number:
                raise ReplayFails(f"queue op {number} is missing")
            chained = rolling_hash(chained, op)
        newest = self._reader.enqueued(final.number)
        if newest != number:
            raise ReplayFails(f"queue ops {number + 1} to {newest} are missing")
        if number and self._reader.queue_record(number, final.number).rolling_hash != chained:
            raise ReplayFails(f"the queue's ops up to {number} are not those of L1")
        return chained

    def _apply(self, state: State, batch: AcceptedBatch, waiting: list[QueueOp]) -> int:
        """Replay one batch; returns how many ops it consumed. Raises ReplayFails."""
        fixed, consumed = self._reader.settings(), 0
        domain = domain_of(self._reader.chain_id(), int(self._reader.address, 16))
        try:
            for statement in batch.statements(fixed.shape, domain):
                replay_proof(state, statement.context, waiting[consumed:], statement.data)
                consumed += unpack_header(statement.data[0])[1]
                if state.root != statement.new_root:
                    raise ReplayFails(f"batch {batch.number} leads to another root than L1's")
        except ProtocolError as error:
            raise ReplayFails(f"batch {batch.number}: {error}") from error
        return consumed

    def _check_end(self, state: State, batches: int, last_op: int, final: BlockRef) -> None:
        progress = self._reader.progress(final.number)
        if (progress.batches, progress.processed) != (batches, last_op):
            raise ReplayFails(
                f"L1 has {progress.batches} batches and {progress.processed} ops processed, "
                f"its node told {batches} and {last_op}"
            )
        root = self._reader.state_root(final.number)
        if state.root != root:
            raise ReplayFails(f"the root is {state.root:#x}, the contract's is {root:#x}")
