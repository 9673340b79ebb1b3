"""The state of a rollup from L1 alone: every batch replayed, every root on the way compared.

Invariant: what `rebuild` returns is L1's own: the ops hash to the queue's rolling hash, each batch
consumed the next ones, each proof's data lead to the root that L1 accepted, and the end is the
contract's root, bit for bit. Nobody but an L1 node is asked. Ref: docs/protocol.md, invariant C6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from contracts.addresses import address_number
from contracts.batches import AcceptedBatch, BatchStatement
from contracts.contract_reader import LOG_PAGE_BLOCKS
from contracts.errors import L1Error, NotFinalYet
from contracts.finality import BlockRef
from contracts.reader import RollupReader
from contracts.waiting import first_block_at
from protocol.batch import domain_of
from protocol.errors import ReplayMismatch
from protocol.queue import NO_OPS_HASH, QueueOp, rolling_hash
from protocol.replay import Replayed, replay_proof
from protocol.state import State

Progress = Callable[[str, int, int], None]
"""Called with the stage, and `done` of `total` steps; the last call has done = total."""

STAGE = "replaying L1"
KEEP_EVERY_S = 20.0
_ATTEMPTS = 3


@dataclass
class RecordIncomplete(L1Error):
    """The L1 node did not return all that the contract says it has accepted."""

    what: str

    def __str__(self) -> str:
        return f"the L1 node's record is incomplete: {self.what}"


@dataclass
class Reorganised(L1Error):
    """L1's newest blocks changed while they were read."""

    block: int

    def __str__(self) -> str:
        return f"L1 block {self.block} was replaced while it was read; try again"


@dataclass
class OtherChain(L1Error):
    """The contract was deployed for another chain id or address than the node says."""

    contract: str

    def __str__(self) -> str:
        return f"the L1 node's chain is not the one that {self.contract} was deployed on"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The state after all batches up to L1 block `block`, and what the queue holds there.

    `l1_time`: the last batch's; `processed`: the last op consumed; `queue_hash`: the rolling hash
    after it; `waiting`: the ops that no batch has consumed, oldest first. None writes to `state`.
    """

    chain_id: int
    contract: int
    block: BlockRef
    batches: int
    l1_time: int
    processed: int
    queue_hash: bytes
    waiting: tuple[QueueOp, ...]
    state: State

    @property
    def domain(self) -> int:
        """The rollup's domain."""
        return domain_of(self.chain_id, self.contract)


def rebuild(
    reader: RollupReader,
    *,
    start: Rebuilt | None = None,
    only_final: bool = False,
    keep: Callable[[Rebuilt], None] | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Rebuilt:
    """Replay L1 up to its newest (final) block, from `start` or from nothing.

    `keep` is given what stands at final blocks on the way, now and then and at the last of them: a
    later call can start there. Raises RecordIncomplete, ReplayMismatch, Reorganised, OtherChain,
    UndecodableBatch, WrongShape, NotFinalYet, NoContract, RpcError.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            head = reader.final_block() if only_final else reader.latest_block()
            return _rebuild_once(reader, head, start, keep, progress)
        except Reorganised:
            if attempt == _ATTEMPTS:
                raise


def _rebuild_once(
    reader: RollupReader,
    head: BlockRef,
    start: Rebuilt | None,
    keep: Callable[[Rebuilt], None] | None,
    progress: Progress,
) -> Rebuilt:
    final = _final_number(reader)
    walk = _Walk(reader, start)
    first = _first_block(reader, head) if start is None else start.block.number + 1
    pages = list(_pages(first, final, head.number))
    standing = reader.progress(head.number)
    done, total = 0, max(1, len(pages) + standing.batches - walk.batches)
    progress(STAGE, 0, total)
    kept_at = time.monotonic()
    for begin, end in pages:
        walk.waiting += reader.queue_ops(begin, end)
        for batch in reader.batches(begin, end):
            walk.take(batch)
            done += 1
            progress(STAGE, min(done, total - 1), total)
        done += 1
        progress(STAGE, min(done, total - 1), total)
        is_due = end == final or time.monotonic() - kept_at >= KEEP_EVERY_S
        if keep is not None and end <= final and is_due:
            keep(walk.standing(_block(reader, end)))
            kept_at = time.monotonic()
    if not walk.batches and not standing.processed:
        walk.batches, walk.l1_time = standing.batches, standing.l1_time  # all before the first op
    rebuilt = walk.standing(head)
    _compare(reader, rebuilt)
    progress(STAGE, total, total)
    return rebuilt


def _first_block(reader: RollupReader, head: BlockRef) -> int:
    """Where the first queue op is: before there was an account there was nothing to replay."""
    first = reader.queue_record(1, head.number)
    if not first.enqueue_time:
        return head.number
    return first_block_at(reader.rpc, first.enqueue_time)


def _final_number(reader: RollupReader) -> int:
    """The newest final block; -1 where the chain has none (yet)."""
    try:
        return reader.final_block().number
    except NotFinalYet:
        return -1


def _pages(first: int, final: int, head: int) -> Iterator[tuple[int, int]]:
    """The blocks from `first` to `head` in pieces, one of which ends at `final`."""
    while first <= head:
        end = min(first + LOG_PAGE_BLOCKS - 1, head)
        if first <= final < end:
            end = final
        yield first, end
        first = end + 1


def _block(reader: RollupReader, number: int) -> BlockRef:
    block = reader.block(number)
    if block is None:
        raise Reorganised(number)
    return block


class _Walk:
    """Where a replay stands; `take` moves it on by one batch."""

    def __init__(self, reader: RollupReader, start: Rebuilt | None) -> None:
        settings = reader.settings()
        self.chain_id, self.contract = reader.chain_id(), address_number(reader.address)
        if domain_of(self.chain_id, self.contract) != settings.domain:
            raise OtherChain(reader.address)
        self.shape, self.domain = settings.shape, settings.domain
        self.state = State() if start is None else start.state.copy()
        self.batches = start.batches if start else 0
        self.l1_time = start.l1_time if start else 0
        self.processed = start.processed if start else 0
        self.queue_hash = start.queue_hash if start else NO_OPS_HASH
        self.waiting = list(start.waiting) if start else []

    def take(self, batch: AcceptedBatch) -> None:
        """Apply a batch. Raises RecordIncomplete, ReplayMismatch, WrongShape."""
        number = batch.number
        if not self.batches and batch.processed == len(batch.submission.ops):
            self.batches = number - 1  # those before the first op had nothing to change
        if number != self.batches + 1:
            raise RecordIncomplete(f"batch {number} follows batch {self.batches}")
        consumed = batch.processed - self.processed
        ops = tuple(self.waiting[: max(consumed, 0)])
        if len(ops) != consumed or [op.number for op in ops] != [*self._numbers(consumed)]:
            raise RecordIncomplete(f"ops that batch {number} consumed are not among the events")
        if batch.submission.ops != ops:
            raise ReplayMismatch(f"batch {number} consumed other ops than the queue's next ones")
        for place, statement in enumerate(batch.statements(self.shape, self.domain)):
            replay_statement(self.state, number, place, statement, statement.ops)
        del self.waiting[:consumed]
        self.queue_hash = hash_after(self.queue_hash, ops)
        self.batches, self.processed = number, batch.processed
        self.l1_time = batch.submission.l1_time

    def _numbers(self, count: int) -> range:
        return range(self.processed + 1, self.processed + 1 + count)

    def standing(self, block: BlockRef) -> Rebuilt:
        """What there is after everything taken so far."""
        return Rebuilt(
            chain_id=self.chain_id,
            contract=self.contract,
            block=block,
            batches=self.batches,
            l1_time=self.l1_time,
            processed=self.processed,
            queue_hash=self.queue_hash,
            waiting=tuple(self.waiting),
            state=self.state.copy(),
        )


def replay_statement(
    state: State, batch: int, place: int, statement: BatchStatement, ops: Sequence[QueueOp]
) -> Replayed:
    """Apply what one proof of a batch states; returns what its slots paid out.

    `place` counts the batch's proofs from 0, `ops` are those that L1 says it consumed. Raises
    ReplayMismatch where it does not start from this state's root, the data do not fit, or they
    lead to another root than was accepted.
    """
    named = f"proof {place + 1} of batch {batch}"
    if state.root != statement.old_root:
        raise ReplayMismatch(f"{named} does not start from the root before it")
    try:
        replayed = replay_proof(state, statement.context, ops, statement.data)
    except ReplayMismatch as error:
        raise ReplayMismatch(f"{named}: {error}") from error
    if state.root != statement.new_root:
        reached = f"replaying {named} gives {state.root:#066x}"
        raise ReplayMismatch(f"{reached}, L1 accepted {statement.new_root:#066x}")
    return replayed


def hash_after(queue_hash: bytes, ops: Sequence[QueueOp]) -> bytes:
    """The rolling hash after these further ops."""
    return reduce(rolling_hash, ops, queue_hash)


def _compare(reader: RollupReader, rebuilt: Rebuilt) -> None:
    """What was rebuilt is what the contract holds at that block."""
    number = rebuilt.block.number
    progress, enqueued = reader.progress(number), reader.enqueued(number)
    newest = reader.queue_record(enqueued, number).rolling_hash if enqueued else NO_OPS_HASH
    root = reader.state_root(number)
    now = reader.block(number)
    if now is None or now.block_hash != rebuilt.block.block_hash:
        raise Reorganised(number)
    found = f"{rebuilt.batches} batches"
    if progress.batches != rebuilt.batches:
        raise RecordIncomplete(f"{found}, but the contract counts {progress.batches}")
    known = rebuilt.processed + len(rebuilt.waiting)
    if (progress.processed, enqueued) != (rebuilt.processed, known):
        raise RecordIncomplete(f"{known} queue ops, but the queue has {enqueued}")
    if hash_after(rebuilt.queue_hash, rebuilt.waiting) != newest:
        raise ReplayMismatch("the events' ops do not hash to the queue's rolling hash")
    if rebuilt.state.root != root:
        reached = f"replaying {found} gives {rebuilt.state.root:#066x}"
        raise ReplayMismatch(f"{reached}, the contract holds {root:#066x}")
