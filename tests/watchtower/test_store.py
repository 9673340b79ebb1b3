"""What a tower has answered for is on its disk, the latest alone, and no more than it allows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.forced import ForcedRecord, SignedL1
from channels.handover import MOST_RECORD_BYTES, Handover, LaneName, clear, key_of, sealed
from protocol.channels import Lane
from tests.channels.street import LEAF, voucher
from watchtower.errors import FolderInUse, StorageFailed, TooManyLanes, UnknownClient
from watchtower.store import FILE_NAME, Client, TowerStore

KEY = bytes(32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TowerStore]:
    opened = TowerStore(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def ben(store: TowerStore) -> Client:
    return store.client_of(store.add_client("ben", most_lanes=3))


def lane(channel_id: int, number: int) -> Handover:
    return Handover(LaneName(channel_id, Lane.AB), number, clear(voucher(number)).record)


def test_only_the_highest_record_of_a_lane_stays(store: TowerStore, ben: Client) -> None:
    low, high = clear(voucher(5 << 40)), clear(voucher(9 << 40))
    assert store.keep(ben, [low]) == [low.number]
    assert store.keep(ben, [high]) == [high.number]
    assert store.keep(ben, [low]) == [high.number]
    assert store.keep(ben, [high]) == [high.number]
    assert store.of_channels([LEAF.id]) == [high]
    assert store.count() == 1


def test_numbers_of_96_bits_keep_their_order(store: TowerStore, ben: Client) -> None:
    values = [1, 255, 256, 1 << 40, (1 << 96) - 1]
    for value in values:
        assert store.keep(ben, [lane(7, value)]) == [value]
    for value in values:
        assert store.keep(ben, [lane(7, value)]) == [values[-1]]


def test_a_row_has_at_most_256_bytes(store: TowerStore, ben: Client) -> None:
    store.keep(ben, [clear(voucher((1 << 96) - 1)), sealed(voucher(1, lane=Lane.BA), KEY, 2**64)])
    with sqlite3.connect(store.path) as connection:
        rows = connection.execute("SELECT * FROM lanes").fetchall()
    connection.close()
    assert len(rows) == 2
    for row in rows:
        size = sum(len(one) if isinstance(one, bytes) else 8 for one in row)
        assert size <= MOST_RECORD_BYTES


def test_a_token_has_a_limit_and_what_ends_makes_room(store: TowerStore, ben: Client) -> None:
    store.keep(ben, [lane(1, 5), lane(2, 5)])
    with pytest.raises(TooManyLanes):
        store.keep(ben, [lane(1, 6), lane(3, 5), lane(4, 5)])
    assert [one.number for one in store.of_channels([1])] == [5], "all or none"
    store.keep(ben, [lane(3, 5)])
    store.forget([1, 2])
    store.keep(ben, [lane(4, 5), lane(5, 5)])
    assert store.channel_ids() == {3, 4, 5}


def test_clients_do_not_touch_each_others_records(store: TowerStore, ben: Client) -> None:
    eve = store.client_of(store.add_client("eve"))
    own = sealed(voucher(5 << 40), KEY, 1)
    store.keep(ben, [own])
    store.keep(eve, [Handover(own.name, 2**60, b"\x02" + bytes(200))])
    assert own in store.of_channels([LEAF.id])


def test_a_token_is_known_by_its_hash_and_can_be_replaced(store: TowerStore) -> None:
    first = store.add_client("ann")
    second = store.add_client("ann", most_lanes=7)
    assert store.client_of(second).most_lanes == 7
    for wrong in (first, "", "x" * 43):
        with pytest.raises(UnknownClient):
            store.client_of(wrong)
    assert second.encode() not in store.path.read_bytes()


async def test_all_is_there_after_a_restart(store: TowerStore, ben: Client) -> None:
    record = ForcedRecord(f"claim:{LEAF.id:x}:0:5", SignedL1("0xab", b"raw", 3), 1_000, 12)
    other = ForcedRecord("claim:7:0:5", SignedL1("0xac", b"raw", 4), 1_000)
    store.keep(ben, [clear(voucher(5 << 40)), key_of(LaneName(9, Lane.BA), KEY, 1)])
    await store.save_forced(record)
    await store.save_forced(other)
    store.close()
    again = TowerStore(store.path.parent)
    try:
        assert again.channel_ids() == {LEAF.id, 9}
        assert again.load_forced() == [record, other]
        again.forget([LEAF.id])
        assert again.load_forced() == [other]
        await again.drop_forced(other.key)
        assert again.load_forced() == []
    finally:
        again.close()


def test_refuses_a_second_tower_and_a_file_that_is_none(store: TowerStore, tmp_path: Path) -> None:
    with pytest.raises(FolderInUse, match=rf"process {os.getpid()} \(python"):
        TowerStore(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / FILE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageFailed):
        TowerStore(other)
