"""Witnesses: a node has its leaves of the newest final root on disk, whole, and no others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from channels.books import read_books
from channels.errors import SequencerRefused, SequencerUnreachable, StoreCorrupt
from channels.records import Identity, SaveWitnesses
from channels.store import Store
from channels.witnesses import Collecting, WitnessSet
from protocol.inclusion import AccountInclusion, ChannelInclusion, prove_account, prove_channel
from protocol.state import State
from tests.channels.conftest import OpenNode
from tests.channels.old_stores import undo_version_3
from tests.channels.rollup import Rollup
from tests.channels.test_payments import until

DAY_S = 86_400


def on_disk(folder: Path) -> tuple[WitnessSet, ...]:
    return read_books(folder).witnesses


async def test_a_node_keeps_its_leaves_of_the_newest_final_root(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    folder = tmp_path / "node0"
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        ann.add_peer(1, ben.url)
        channel = await ann.open_channel(1, deposit_ntok=10_000, window_s=DAY_S)
        opened = rollup.final.root
        await until(lambda: on_disk(folder)[0].state_root == opened)
        (kept,) = on_disk(folder)
        assert kept.is_complete
        assert [one.index for one in kept.accounts] == [0, 1]
        assert [one.channel for one in kept.channels] == [rollup.final.find_channel(0)]
        assert {one.state_root() for one in kept.accounts} == {opened}

        await ann.transfer(2, amount_ntok=1)  # the same leaves in another root
        await until(lambda: on_disk(folder)[0].state_root == rollup.final.root)
        assert rollup.final.root != opened
        (kept,) = on_disk(folder)
        assert kept.channels[0].state_root() == rollup.final.root

        await channel.close(timeout_s=120)
        await until(lambda: not on_disk(folder)[0].channels)
        assert [one.index for one in on_disk(folder)[0].accounts] == [0]


async def test_without_the_sequencer_the_last_whole_set_stays(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    folder = tmp_path / "node0"
    async with open_node(0) as ann:
        root = rollup.final.root
        await until(lambda: on_disk(folder)[0].state_root == root)
        rollup.is_down = True
        rollup.add_account(7, 5, 6, 8)
        await until(lambda: (ann.info().problem or "").startswith("Sequencer"))
        assert [one.state_root for one in on_disk(folder)] == [root]
        rollup.is_down = False
        await until(lambda: on_disk(folder)[0].state_root == rollup.final.root)


class Source:
    """Carries paths of a state; fails for the places that it is told to."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.refuses: set[int] = set()
        self.is_down_after = 1_000
        self.asked: list[tuple[str, int]] = []

    def _ask(self, kind: str, place: int) -> None:
        self.asked.append((kind, place))
        if len(self.asked) > self.is_down_after:
            raise SequencerUnreachable("test", "down")
        if place in self.refuses:
            raise SequencerRefused(404, "UnknownRoot", "gone")

    async def account(self, index: int, root: int) -> AccountInclusion:
        self._ask("account", index)
        return prove_account(self.state, index)

    async def channel(self, slot: int, root: int) -> ChannelInclusion:
        self._ask("channel", slot)
        return prove_channel(self.state, slot)


async def test_what_is_missing_is_asked_for_again_and_nothing_else(rollup: Rollup) -> None:
    source = Source(rollup.final)
    source.refuses = {1}
    collecting = Collecting(rollup.final.root, 5)
    assert isinstance(await collecting.collect(source, [0, 1], [0]), SequencerRefused)
    assert not collecting.standing([0, 1], [0]).is_complete
    source.refuses, source.asked = set(), []
    assert await collecting.collect(source, [0, 1], [0]) is None
    assert source.asked == [("account", 1)]
    assert collecting.standing([0, 1], [0]).is_complete


async def test_a_silent_sequencer_is_asked_once_and_a_lying_one_not_believed(
    rollup: Rollup,
) -> None:
    source = Source(rollup.final)
    source.is_down_after = 1
    collecting = Collecting(rollup.final.root, 5)
    assert isinstance(await collecting.collect(source, [0, 1, 2], [0]), SequencerUnreachable)
    assert len(source.asked) == 2
    other = rollup.final.copy()
    other.write_account(0, other.account(1))
    lied = await collecting.collect(Source(other), [1], [])
    assert "leads to" in str(lied)
    assert 1 not in collecting.accounts


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path, Identity(1, 2, 3))


def witnesses(state: State, time: int, is_complete: bool = True) -> WitnessSet:
    channels = (prove_channel(state, 0),) if is_complete else ()
    return WitnessSet(state.root, time, is_complete, (prove_account(state, 0),), channels)


async def test_the_store_holds_one_whole_set_and_one_in_the_making(
    rollup: Rollup, store: Store
) -> None:
    first, second, third = rollup.final.copy(), rollup.final.copy(), rollup.final.copy()
    second.write_account(5, second.account(0))
    third.write_account(6, third.account(0))
    await store.write(SaveWitnesses(witnesses(first, 1)))
    await store.write(SaveWitnesses(witnesses(second, 2, False)))
    assert [one.l1_time for one in store.load_witnesses()] == [2, 1]
    await store.write(SaveWitnesses(witnesses(third, 3, False)))
    assert store.load_witnesses() == [witnesses(third, 3, False), witnesses(first, 1)]
    await store.write(SaveWitnesses(witnesses(third, 3)))
    assert store.load_witnesses() == [witnesses(third, 3)]
    store.close()
    assert on_disk(store.path.parent) == (witnesses(third, 3),)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE witnesses SET place = 1 WHERE kind = 'account'")
        other_root = f"{third.root ^ 1:064x}"
        assert len(connection.execute("SELECT * FROM witness_sets").fetchall()) == 1
        connection.execute("UPDATE witness_sets SET state_root = ?", (other_root,))
        connection.execute("UPDATE witnesses SET state_root = ?", (other_root,))
    connection.close()
    with pytest.raises(StoreCorrupt, match="does not lead"):
        on_disk(store.path.parent)


async def test_a_store_of_version_1_gets_the_tables_that_it_lacks(
    rollup: Rollup, store: Store
) -> None:
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("DROP TABLE witnesses")
        connection.execute("DROP TABLE witness_sets")
        undo_version_3(connection)
        connection.execute("PRAGMA user_version=1")
    connection.close()
    assert on_disk(store.path.parent) == ()
    with Store.open(store.path.parent, Identity(1, 2, 3)) as again:
        await again.write(SaveWitnesses(witnesses(rollup.final, 1)))
        assert again.load_witnesses() == [witnesses(rollup.final, 1)]
