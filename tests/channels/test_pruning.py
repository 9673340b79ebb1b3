"""The log of payments has a bound, and nothing is counted twice or left out when it is cut."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import store as store_module
from channels.books import read_books
from channels.pruning import QUARTER_S
from channels.records import Acknowledged, Direction, Identity, SaveLeaf, SaveReceived, SaveSigned
from channels.store import WAL_BYTES, Store
from protocol.channels import lane_paid_ntok, lane_wh
from protocol.units import DAY_S
from tests.channels.many_payments import CHANNEL, Payer, open_store, pay
from tests.channels.street import ANN, DOMAIN, PAYMENT, ann, leaf, voucher
from tests.channels.test_store import signed


async def test_storage_does_not_grow_with_payments(tmp_path: Path) -> None:
    payers = Payer(Direction.OUT), Payer(Direction.IN)
    with open_store(tmp_path) as store:
        await store.write(SaveLeaf(ann(CHANNEL)))
        largest = await pay(store, payers, 10_000)
        size = store.path.stat().st_size
        largest = max(largest, await pay(store, payers, 10_000))
        # Pages that are free again are used again: it stays within a few of them.
        assert store.path.stat().st_size <= size + 8 * 4_096 < 1_000_000
        assert largest < 2 * WAL_BYTES
        assert len(store.bills()) <= 2 * 1_000 + 500 + 250
    books = read_books(tmp_path)
    for payer in payers:
        assert books.paid_ntok(payer.direction) == lane_paid_ntok(payer.lane_value)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that keeps three bills, and looks after each write."""
    monkeypatch.setattr(store_module, "SLACK", 1)
    identity = Identity(DOMAIN, ANN.index, ANN.key_hash)
    with Store.open(tmp_path, identity, bills_kept=3) as opened:
        yield opened


async def test_what_is_not_acknowledged_is_kept_however_old(store: Store) -> None:
    await store.write(SaveLeaf(ann()))
    state, changes = ann(), []
    for number in range(8):
        state, change = signed(state, f"p{number}")
        await store.write(change)
        changes.append(change)
    assert len(store.bills()) == 8
    await store.write(Acknowledged(CHANNEL.id, changes[1].voucher.lane_value))
    state, change = signed(state, "p8")
    await store.write(change)
    assert [one.payment_id for _, one in store.bills()] == [f"p{n}" for n in range(2, 9)]
    assert store.find_bill(Direction.OUT, "p1", CHANNEL.id) is None
    assert store.find_bill(Direction.OUT, "p2", CHANNEL.id) is not None


async def test_payments_of_one_lane_push_out_none_of_another(store: Store) -> None:
    """A neighbour with very many tiny payments makes no payment_id with others forgotten."""
    other = ann(leaf(epoch=6))
    await store.write(SaveLeaf(ann(CHANNEL)), SaveLeaf(other))
    other, change = signed(other, "with another")
    await store.write(change)
    _, change = signed(ann(CHANNEL), "to the same")
    await store.write(change)
    for paid in (other, ann(CHANNEL)):
        lane_value = PAYMENT.on(0)
        await store.write(Acknowledged(paid.channel_id, lane_value))
    payer = Payer(Direction.IN)
    for _ in range(20):
        await store.write(SaveReceived(*payer.next()))
    assert store.find_bill(Direction.OUT, "with another", other.channel_id) is not None
    assert store.find_bill(Direction.OUT, "to the same", CHANNEL.id) is not None
    kept = [one for _, one in store.bills() if one.direction is Direction.IN]
    assert len(kept) == 3
    books = read_books(store.path.parent)
    assert books.paid_ntok(Direction.IN) == 20 * PAYMENT.amount_ntok


async def test_totals_are_those_of_quarters_and_days(store: Store) -> None:
    await store.write(SaveLeaf(ann(CHANNEL)))
    payers = Payer(Direction.OUT), Payer(Direction.IN)
    await pay(store, payers, 500)
    totals = store.totals()
    assert {one.span_s for one in totals} == {QUARTER_S, DAY_S}
    for span_s in (QUARTER_S, DAY_S):
        some = [one for one in totals if one.span_s == span_s]
        assert all(one.start_s % span_s == 0 for one in some)
        assert all(one.start_s <= time.time() for one in some)
        assert sum(one.payments for one in some) == 500 - len(store.bills())
        assert sum(one.energy_wh for one in some) == PAYMENT.energy_wh * (500 - len(store.bills()))


async def test_old_quarters_go_and_days_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.write(SaveLeaf(ann(CHANNEL)))
    payers = Payer(Direction.OUT), Payer(Direction.IN)
    await pay(store, payers, 250)
    week_later = time.time() + 8 * DAY_S
    monkeypatch.setattr(time, "time", lambda: week_later)
    monkeypatch.setattr(time, "time_ns", lambda: int(week_later * 1e9))
    await pay(store, payers, 250)
    starts = {span_s: set[int]() for span_s in (QUARTER_S, DAY_S)}
    for one in store.totals():
        starts[one.span_s].add(one.start_s)
    assert all(week_later - one < 8 * DAY_S for one in starts[QUARTER_S])
    assert len(starts[DAY_S]) == 2


async def test_what_is_learned_from_the_peer_counts_once(store: Store) -> None:
    """Without a bill: what a lane gained over what this store knew."""
    await store.write(SaveLeaf(ann()))
    state, change = signed(ann(), "p0")
    learned = voucher(PAYMENT.on(PAYMENT.on(change.voucher.lane_value)))
    await store.write(change)
    await store.write(SaveSigned(learned))
    lane_value = learned.lane_value
    (quarter, day) = sorted(store.totals(), key=lambda one: one.span_s)
    assert (quarter.payments, day.payments) == (0, 0)
    assert day.amount_ntok == lane_paid_ntok(lane_value) - PAYMENT.amount_ntok
    assert day.energy_wh == lane_wh(lane_value) - PAYMENT.energy_wh
    books = read_books(store.path.parent)
    assert books.paid_ntok(Direction.OUT) == lane_paid_ntok(lane_value)
    assert state.signed_lane < lane_value
    income = Payer(Direction.IN).next()[0]
    await store.write(SaveReceived(income, None))
    assert read_books(store.path.parent).paid_ntok(Direction.IN) == PAYMENT.amount_ntok
