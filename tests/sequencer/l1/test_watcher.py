from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from contracts.batches import AcceptedBatch
from contracts.finality import BlockRef
from contracts.reader import Powers, QueueRecord, RollupReader
from protocol.queue import NO_OPS_HASH, Deposit, QueueOp, rolling_hash
from protocol.state import genesis_root
from sequencer.ending import Ending
from sequencer.errors import ChainChanged, ForeignBatch, QueueGap, RollupEnded, RollupEnding
from sequencer.l1.watcher import Watcher
from sequencer.ledger import L1Update
from sequencer.problems import problem_of
from tests.protocol.street import ANNA, NOW
from tests.sequencer.world import World


@dataclass
class Node:
    """An L1 node as the watcher sees it: blocks by number, and ops by the block they are in."""

    timestamps: list[int]
    final: int
    ops: dict[int, QueueOp] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    fork: int = 0
    root: int = genesis_root()
    exodus_at: int = 0
    sunset: int = 0

    def final_block(self) -> BlockRef:
        found = self.block(self.final)
        assert found is not None
        return found

    def block(self, number: int) -> BlockRef | None:
        if number >= len(self.timestamps):
            return None
        return BlockRef(number, bytes([self.fork, number] * 16), self.timestamps[number])

    def queue_ops(self, first: int, last: int) -> Iterator[QueueOp]:
        for block, op in sorted(self.ops.items()):
            if first <= block <= last and op.number not in self.hidden:
                yield op

    def queue_record(self, number: int, block: int) -> QueueRecord:
        chained = NO_OPS_HASH
        for _, op in sorted(self.ops.items()):
            if op.number <= number:
                chained = rolling_hash(chained, op)
        return QueueRecord(chained, 0)

    def batches(self, first: int, last: int) -> Iterator[AcceptedBatch]:
        return iter(())

    def state_root(self, block: int) -> int:
        return self.root

    def exodus_start(self, block: int) -> int:
        return self.exodus_at

    def powers(self, block: int) -> Powers:
        nobody = ANNA.l1_address.to_bytes(20, "big").hex()
        return Powers(nobody, None, nobody, None, 0, 0, self.sunset)

    def add_op(self, block: int) -> None:
        number = len(self.ops) + 1
        self.ops[block] = Deposit(number, self.timestamps[block], 0, 5, ANNA.l1_address)


@dataclass
class Watched:
    world: World
    node: Node
    seconds: float = 0.0

    def __post_init__(self) -> None:
        reader = cast(RollupReader, self.node)
        self.watcher = Watcher(reader, self.world.ledger, 0, lambda: self.seconds)

    @property
    def l1_time(self) -> int:
        return self.world.ledger.book.position.l1_time


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    world = World(tmp_path_factory.mktemp("watched") / "a.db")
    yield Watched(world, Node([NOW, NOW + 1, NOW + 1], final=1))
    world.close()


def test_a_second_that_is_not_over_is_not_named(watched: Watched) -> None:
    assert watched.watcher.step()
    assert watched.l1_time == NOW  # block 2 shares block 1's second
    watched.node.final = 2
    assert watched.watcher.step()
    assert watched.l1_time == NOW  # a block 3 could share it too
    watched.seconds += 0.9
    assert not watched.watcher.step()
    watched.seconds += 0.2
    assert watched.watcher.step()
    assert watched.l1_time == NOW + 1
    assert not watched.watcher.step()


def test_a_later_block_ends_the_second_at_once(watched: Watched) -> None:
    watched.node.timestamps.append(NOW + 13)
    watched.node.final = 2
    watched.watcher.step()
    assert watched.l1_time == NOW + 1


def test_an_op_of_an_unfinished_second_is_credited_but_not_due(watched: Watched) -> None:
    watched.node.add_op(2)
    watched.node.final = 2
    watched.watcher.step()
    book = watched.world.ledger.book
    assert (len(book.open_ops), len(book.due_ops)) == (1, 0)
    watched.seconds += 1
    watched.watcher.step()
    assert len(book.due_ops) == 1


def test_nothing_beyond_the_final_block_is_taken(watched: Watched) -> None:
    watched.node.add_op(2)
    watched.watcher.step()
    assert watched.world.ledger.book.ops == []


def test_an_op_that_the_node_leaves_out_is_noticed(watched: Watched) -> None:
    watched.node.add_op(1)
    watched.node.add_op(2)
    watched.node.final, watched.node.hidden = 2, {1}
    with pytest.raises(QueueGap):
        watched.watcher.step()
    assert watched.world.ledger.book.position.block == -1


def test_an_op_that_the_node_alters_is_noticed(watched: Watched) -> None:
    watched.node.add_op(1)
    honest = watched.node.ops[1]
    record = watched.node.queue_record(1, 1)
    watched.node.queue_record = lambda number, block: record  # type: ignore[method-assign]
    assert isinstance(honest, Deposit)
    watched.node.ops[1] = replace(honest, amount_ntok=6)
    with pytest.raises(QueueGap):
        watched.watcher.step()


def test_a_batch_that_the_node_hides_is_noticed(watched: Watched) -> None:
    watched.world.close()
    world = World(watched.world.path.with_name("b.db"))
    world.open_street()
    position = world.ledger.book.position
    node = Node([world.l1_time + i for i in range(position.block + 2)], final=position.block)
    node.root = 12_345
    before = node.block(position.block - 1)
    assert before is not None
    world.ledger.book.position = replace(
        position, block=position.block - 1, block_hash="0x" + before.block_hash.hex()
    )
    with pytest.raises(ForeignBatch):
        Watcher(cast(RollupReader, node), world.ledger, 0).step()
    world.close()


def test_a_final_block_that_changes_stops_the_watcher(watched: Watched) -> None:
    watched.watcher.step()
    watched.node.fork = 1
    watched.node.final = 2
    with pytest.raises(ChainChanged):
        watched.watcher.step()


def test_a_node_that_is_behind_is_waited_for(watched: Watched) -> None:
    watched.node.final = 2
    watched.watcher.step()
    watched.node.final = 0
    assert not watched.watcher.step()


def test_after_the_exodus_started_nothing_is_taken_sealed_or_sent(watched: Watched) -> None:
    node, ledger = watched.node, watched.world.ledger
    node.add_op(2)
    node.timestamps.append(NOW + 20)
    node.final = 3
    assert watched.watcher.step()
    sealed = watched.world.sealed()
    assert watched.world.prove(sealed)
    assert ledger.next_to_submit() is not None
    node.timestamps.append(NOW + 8 * 86_400)
    node.final, node.exodus_at = 4, NOW + 8 * 86_400
    assert watched.watcher.step()
    with pytest.raises(RollupEnded, match="wattlane exit") as ended:
        ledger.submit(watched.world.transfer())
    assert ended.value.exodus_start == node.exodus_at
    assert problem_of(ended.value)["status"] == 410
    assert ledger.seal(at_once=True) is None
    assert ledger.next_to_submit() is None
    assert ledger.finalize_due() == []


def test_thirty_days_after_a_sunset_was_announced_no_channel_is_opened(watched: Watched) -> None:
    node, world = watched.node, watched.world
    world.open_street()
    node.sunset = NOW + 100
    node.timestamps.append(NOW + 100 + 30 * 86_400)
    node.timestamps.append(NOW + 101 + 30 * 86_400)
    world.ledger.observe(L1Update(world.ledger.book.position, ending=Ending(0, node.sunset)))
    world.ledger.submit(world.open_channel())
    world.l1_time = node.timestamps[3]
    world.new_block(seconds=0)
    with pytest.raises(RollupEnding, match="close yours and withdraw"):
        world.ledger.submit(world.open_channel(1))
    world.ledger.submit(world.transfer(1))
