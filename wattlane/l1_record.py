"""All that L1 holds of a rollup, read once: settings, key, queue ops, accepted batches, roots.

Nothing here comes from a sequencer, and nothing is believed but L1 itself: whoever has the record
can check every batch and rebuild the state. Ref: docs/protocol.md sections 5 and 6, invariant C6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.addresses import address_number
from contracts.batches import AcceptedBatch
from contracts.reader import RollupReader, RollupSettings
from contracts.rebuilding import RecordIncomplete, replay_statement
from contracts.verifying_key import VerifyingKey
from protocol.queue import NO_OPS_HASH, QueueOp, rolling_hash
from protocol.replay import Replayed
from protocol.state import State


@dataclass(frozen=True, slots=True)
class L1Record:
    """One rollup as L1 has it. `batches[n - 1]` is batch n, `ops[n - 1]` queue op n.

    `block_times`: timestamp (seconds) of each batch's block, in the batches' order.
    """

    chain_id: int
    contract: int
    settings: RollupSettings
    key: VerifyingKey
    ops: tuple[QueueOp, ...]
    queue_hashes: tuple[bytes, ...]
    batches: tuple[AcceptedBatch, ...]
    block_times: tuple[int, ...]
    state_root: int

    def first_op_of(self, number: int) -> int:
        """How many ops were processed before batch `number`."""
        return self.batches[number - 2].processed if number > 1 else 0


def read_record(reader: RollupReader) -> L1Record:
    """Read a rollup's record up to the newest block.

    Raises RpcError, NoContract, UndecodableBatch, and RecordIncomplete where events are missing.
    """
    settings = reader.settings()
    block = reader.latest_block().number
    progress, root = reader.progress(block), reader.state_root(block)
    batches = tuple(reader.batches(0, block))
    if [batch.number for batch in batches] != list(range(1, progress.batches + 1)):
        counted = f"{len(batches)} BatchAccepted events"
        raise RecordIncomplete(f"{counted}, but the contract counts {progress.batches} batches")
    ops = tuple(reader.queue_ops(0, block))
    enqueued = reader.enqueued(block)
    if [op.number for op in ops] != list(range(1, enqueued + 1)):
        raise RecordIncomplete(f"{len(ops)} OpEnqueued events, but the queue has {enqueued} ops")
    return L1Record(
        chain_id=reader.chain_id(),
        contract=address_number(reader.address),
        settings=settings,
        key=reader.verifying_key(),
        ops=ops,
        queue_hashes=tuple(reader.queue_record(op.number, block).rolling_hash for op in ops),
        batches=batches,
        block_times=tuple(_block_time(reader, batch) for batch in batches),
        state_root=root,
    )


def _block_time(reader: RollupReader, batch: AcceptedBatch) -> int:
    block = reader.block(batch.block_number)
    if block is None or block.block_hash != batch.block_hash:
        raise RecordIncomplete(f"the block of batch {batch.number} is gone (a reorg); try again")
    return block.timestamp


def hashes_of(ops: Sequence[QueueOp]) -> tuple[bytes, ...]:
    """The rolling hash after each op, recomputed from the events."""
    hashes, here = [], NO_OPS_HASH
    for op in ops:
        here = rolling_hash(here, op)
        hashes.append(here)
    return tuple(hashes)


def replay_batch(record: L1Record, state: State, batch: AcceptedBatch) -> tuple[Replayed, ...]:
    """Apply a batch's data to `state`, proof by proof; returns what their slots paid out.

    Raises ReplayMismatch where the data does not fit or leads to another root than was accepted,
    and WrongShape.
    """
    proofs = range(len(batch.submission.proofs))
    return tuple(replay_place(record, state, batch, place) for place in proofs)


def replay_place(record: L1Record, state: State, batch: AcceptedBatch, place: int) -> Replayed:
    """Apply the data of the proof at `place` (from 0) of a batch. Raises as `replay_batch`."""
    shape, domain = record.settings.shape, record.settings.domain
    statement = batch.statements(shape, domain)[place]
    first = record.first_op_of(batch.number) + place * shape.queue_slots
    ops = record.ops[first : min(first + shape.queue_slots, batch.processed)]
    return replay_statement(state, batch.number, place, statement, ops)


def rebuild_state(record: L1Record, batches: int | None = None) -> State:
    """The state after that many batches (all where None), from L1 alone. Raises ReplayMismatch."""
    state = State()
    for batch in record.batches[:batches]:
        replay_batch(record, state, batch)
    return state
