"""The store's conformance: what was written is there after reopening, and nothing else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from channels.books import read_books
from channels.closing import complete_close, propose_close, sign_close
from channels.errors import (
    StoreCorrupt,
    StoreFailed,
    StoreInUse,
    StoreOfAnotherWallet,
    StoreTooNew,
)
from channels.forced import ForcedRecord, SignedL1
from channels.lanes import ChannelState, see_leaf, sign_payment
from channels.records import (
    Acknowledged,
    Bill,
    Direction,
    Identity,
    Intent,
    Outgoing,
    SaveClose,
    SaveForced,
    SaveHanded,
    SaveIntent,
    SaveLeaf,
    SaveReceived,
    SaveSigned,
    SaveSubmission,
    Submission,
)
from channels.schema import SCHEMA_VERSION, dump, voucher_text
from channels.store import FILE_NAME, Store, stored_contract
from protocol.channels import Lane
from protocol.codec import transaction_id, voucher_to_json
from protocol.transactions import Finalize, Transaction
from protocol.vouchers import Voucher
from tests.channels.old_stores import undo_version_3
from tests.channels.street import ANN, BEN, DOMAIN, LEAF, NOW, PAYMENT, ann, ben

IDENTITY = Identity(DOMAIN, ANN.index, ANN.key_hash)
FORCED = ForcedRecord("finalize:5:7", SignedL1("0xab", b"\x02signed", 3), 1_000)


def bill(voucher: Voucher, direction: Direction, payment_id: str) -> Bill:
    """A bill of PAYMENT."""
    return Bill(
        payment_id=payment_id,
        channel_id=voucher.channel_id,
        peer_index=BEN.index,
        direction=direction,
        energy_wh=PAYMENT.energy_wh,
        amount_ntok=PAYMENT.amount_ntok,
        price_utok_per_kwh=PAYMENT.price_utok_per_kwh,
        lane_value=voucher.lane_value,
        time_ms=1,
        is_acknowledged=direction is Direction.IN,
    )


def signed(state: ChannelState, payment_id: str) -> tuple[ChannelState, SaveSigned]:
    """The next payment of Ann's, and the change that stores it."""
    after, voucher = sign_payment(state, PAYMENT, NOW, ANN.sign)
    sent = Outgoing(payment_id, voucher, PAYMENT)
    return after, SaveSigned(voucher, sent, bill(voucher, Direction.OUT, payment_id))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, IDENTITY) as opened:
        yield opened


def reopened(store: Store) -> Store:
    """Another opening of the same folder."""
    store.close()
    return Store.open(store.path.parent, IDENTITY)


async def test_a_channel_comes_back_as_it_was(store: Store) -> None:
    state, change = signed(ann(), "p1")
    _, back = sign_payment(ben(), PAYMENT, NOW, BEN.sign, trusted_ntok=1_000)
    state = replace(state, received=back)
    closing = sign_close(state, propose_close(state, NOW), NOW, ANN.sign)
    assert closing.close is not None
    closing = complete_close(closing, BEN.sign(closing.close.body.message(DOMAIN)))
    await store.write(
        SaveLeaf(ann()),
        change,
        SaveReceived(back, bill(back, Direction.IN, "p2")),
        SaveClose(closing),
        SaveIntent(LEAF.id, Intent.FORCE),
    )
    with reopened(store) as again:
        (found,) = again.load_channels()
        assert found.state == closing
        assert found.intent is Intent.FORCE
        assert found.outgoing == (change.outgoing,)
        assert [one.payment_id for _, one in again.bills()] == ["p1", "p2"]
        assert again.find_bill(Direction.IN, "p2", LEAF.id) is not None
        assert again.find_bill(Direction.OUT, "p2", LEAF.id) is None


async def test_a_half_signed_close_and_a_gone_channel_come_back(store: Store) -> None:
    half = sign_close(ann(), propose_close(ann(), NOW), NOW, ANN.sign)
    gone = see_leaf(half, None)
    await store.write(SaveLeaf(half), SaveClose(half), SaveLeaf(gone))
    with reopened(store) as again:
        assert again.load_channels()[0].state == gone


async def test_payments_written_together_leave_the_rows_that_they_leave_one_by_one(
    tmp_path: Path,
) -> None:
    """Both lanes, acknowledgements between, and as many rows as take statements of every size."""
    changes: list[SaveLeaf | SaveSigned | SaveReceived | Acknowledged] = [SaveLeaf(ann())]
    signature, lane_ab, lane_ba = ANN.sign(1), 0, 0
    for number in range(90):
        lane_ab = PAYMENT.on(lane_ab)
        voucher = Voucher(LEAF.id, Lane.AB, lane_ab, signature)
        sent = Outgoing(f"p{number}", voucher, PAYMENT)
        changes.append(SaveSigned(voucher, sent, bill(voucher, Direction.OUT, f"p{number}")))
        if number % 3 == 0:
            lane_ba = PAYMENT.on(lane_ba)
            back = Voucher(LEAF.id, Lane.BA, lane_ba, signature)
            changes.append(SaveReceived(back, bill(back, Direction.IN, f"b{number}")))
        if number % 7 == 6:
            changes.append(Acknowledged(LEAF.id, lane_ab))
    dumps = []
    for name in ("together", "alone"):
        with Store.open(tmp_path / name, IDENTITY) as store:
            for part in [changes] if name == "together" else [[one] for one in changes]:
                await store.write(*part)
        with closing(sqlite3.connect(tmp_path / name / FILE_NAME)) as connection:
            rows = [line for line in connection.iterdump() if "identity" not in line]
            dumps.append(rows)
    assert dumps[0] == dumps[1]
    assert sum('INTO "bills"' in line for line in dumps[0]) == 90 + 30
    assert sum('INTO "outgoing"' in line for line in dumps[0]) == 90 % 7


@pytest.mark.parametrize("back", [0, 1])
async def test_a_lane_that_falls_or_repeats_is_refused_also_inside_one_write(
    store: Store, back: int
) -> None:
    state, first = signed(ann(), "p1")
    _, second = signed(state, "p2")
    last = replace((second, first)[back], outgoing=None)
    with pytest.raises(StoreFailed, match="does not rise"):
        await store.write(SaveLeaf(ann()), first, second, last)
    assert store.load_channels() == []


def test_a_voucher_is_stored_as_its_json() -> None:
    _, change = signed(ann(), "p1")
    assert voucher_text(change.voucher) == dump(voucher_to_json(change.voucher))


async def test_what_is_written_when_the_store_closes_is_on_disk(tmp_path: Path) -> None:
    with Store.open(tmp_path, IDENTITY) as store:
        done = store.write(SaveLeaf(ann()))
        store.write_soon(SaveIntent(LEAF.id, Intent.FORCE))
    await done
    with Store.open(tmp_path, IDENTITY) as store:
        assert store.load_channels()[0].intent is Intent.FORCE


async def test_acknowledging_covers_all_vouchers_up_to_that_value(store: Store) -> None:
    state, changes = ann(), []
    for number in range(3):
        state, change = signed(state, f"p{number}")
        changes.append(change)
    await store.write(SaveLeaf(ann()), *changes)
    await store.write(Acknowledged(LEAF.id, changes[1].voucher.lane_value))
    (found,) = store.load_channels()
    assert [one.payment_id for one in found.outgoing] == ["p2"]
    assert [one.is_acknowledged for _, one in store.bills()] == [True, True, False]


async def test_submissions_are_pending_until_settled(store: Store) -> None:
    transaction = Transaction(Finalize(LEAF.id))
    name = transaction_id(transaction)
    pending = Submission(name, transaction, "finalize", LEAF.id, None, False)
    await store.write(SaveSubmission(pending))
    with reopened(store) as again:
        assert again.load_submissions() == [pending]
        await again.write(SaveSubmission(replace(pending, is_settled=True)))
        assert again.load_submissions() == []


@pytest.mark.parametrize("again_value", ["same", "lower"])
async def test_c7_the_tables_refuse_a_lane_that_falls_or_repeats(
    store: Store, again_value: str
) -> None:
    state, first = signed(ann(), "p1")
    state, second = signed(state, "p2")
    await store.write(SaveLeaf(ann()), first, second)
    conflicting = second.voucher if again_value == "same" else first.voucher
    with pytest.raises(StoreFailed, match="does not rise"):
        await store.write(SaveSigned(conflicting))
    with pytest.raises(StoreFailed):
        await store.write(SaveReceived(conflicting, bill(conflicting, Direction.IN, "x")))


async def test_a_write_is_all_or_nothing_and_a_failed_store_stays_shut(store: Store) -> None:
    _, change = signed(ann(), "p1")
    unknown = SaveIntent(LEAF.id + 1, Intent.CLOSE)
    with pytest.raises(StoreFailed):
        await store.write(SaveLeaf(ann()), change, unknown)
    with pytest.raises(StoreFailed):
        await store.write(SaveLeaf(ann()))
    with reopened(store) as again:
        assert again.load_channels() == []
        await again.write(SaveLeaf(ann()))


async def test_many_writes_at_once_keep_their_order(store: Store) -> None:
    state, changes = ann(), []
    await store.write(SaveLeaf(ann()))
    for number in range(10):
        state, change = signed(state, f"p{number}")
        changes.append(store.write(change))
    await asyncio.gather(*changes)
    assert [one.payment_id for _, one in store.bills()] == [f"p{n}" for n in range(10)]
    assert [number for number, _ in store.bills(after=7)] == [8, 9, 10]


def test_refuses_a_second_process_on_the_same_folder(store: Store) -> None:
    with pytest.raises(StoreInUse, match=rf"process {os.getpid()} \(python"):
        Store.open(store.path.parent, IDENTITY)


def test_refuses_a_store_of_a_newer_version(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    for _ in range(2):
        with pytest.raises(StoreTooNew):
            Store.open(store.path.parent, IDENTITY)
    with pytest.raises(StoreTooNew):
        read_books(store.path.parent)


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, domain=1),
        replace(IDENTITY, account_index=1),
    ],
)
def test_refuses_a_store_of_another_account_or_rollup(store: Store, other: Identity) -> None:
    store.close()
    with pytest.raises(StoreOfAnotherWallet):
        Store.open(store.path.parent, other)


async def test_goes_on_under_a_new_key_of_the_same_account(store: Store) -> None:
    await store.write(SaveLeaf(ann()))
    store.close()
    rotated = replace(IDENTITY, key_hash=BEN.key_hash, contract="0x11")
    with Store.open(store.path.parent, rotated) as again:
        assert len(again.load_channels()) == 1
    assert read_books(store.path.parent).owner == rotated
    assert stored_contract(store.path.parent) == "0x11"


async def test_a_store_of_version_2_keeps_all_it_holds(store: Store) -> None:
    await store.write(SaveLeaf(ann()), SaveIntent(LEAF.id, Intent.FORCE, 7))
    store.close()
    with sqlite3.connect(store.path) as connection:
        undo_version_3(connection)
        connection.execute("PRAGMA user_version=2")
    connection.close()
    assert stored_contract(store.path.parent) is None
    assert [one.state for one in read_books(store.path.parent).channels] == [ann()]
    with Store.open(store.path.parent, IDENTITY) as again:
        (found,) = again.load_channels()
        assert (found.state, found.intent, found.wished_at) == (ann(), Intent.FORCE, 0)
        await again.write(SaveForced(FORCED), SaveHanded("http://tower", LEAF.id, 5))
        assert again.load_forced() == [FORCED]


async def test_forced_ops_and_what_towers_hold_come_back(store: Store) -> None:
    await store.save_forced(FORCED)
    seen = replace(FORCED, op_number=12, is_void=True)
    await store.write(SaveForced(seen), SaveHanded("http://tower", LEAF.id, 5))
    await store.write(SaveHanded("http://tower", LEAF.id, 9))
    with reopened(store) as again:
        assert again.load_forced() == [seen]
        assert again.load_handed("http://tower") == {LEAF.id: 9}
        assert again.load_handed("http://another") == {}
        await again.drop_forced(FORCED.key)
        assert again.load_forced() == []


def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreCorrupt):
        Store.open(tmp_path, IDENTITY)
    with pytest.raises(StoreCorrupt):
        read_books(tmp_path)


async def test_names_a_row_that_cannot_be_read(store: Store) -> None:
    await store.write(SaveLeaf(ann()))
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE channels SET leaf = '{}'")
    connection.close()
    with reopened(store) as again, pytest.raises(StoreCorrupt, match="leaf"):
        again.load_channels()


async def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreFailed, match="closed"):
        await store.write()


async def test_the_books_are_read_while_the_node_runs(store: Store) -> None:
    _, change = signed(ann(), "p1")
    await store.write(SaveLeaf(ann()), change)
    books = read_books(store.path.parent)
    assert books.owner == IDENTITY
    assert books.channels[0].state.signed == change.voucher
    assert sum(one.amount_ntok for one in books.bills) == PAYMENT.amount_ntok
