"""A disk that is full or damaged, and a clock that jumps: no voucher is lost or repeated."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from channels import store as store_module
from channels.books import read_books
from channels.errors import PaymentPending, PeerNotReady, StoreCorrupt, StoreError, StoreFailed
from channels.node import Node
from channels.records import SaveLeaf
from channels.store import FILE_NAME, Store
from protocol.units import DAY_S
from tests.channels.conftest import OpenNode
from tests.channels.rollup import START_TIME
from tests.channels.street import ann, leaf
from tests.channels.test_payments import DEPOSIT_NTOK, pay
from tests.channels.test_restored import open_calmly, refusal
from tests.channels.test_store import IDENTITY, signed

__all__ = ["open_calmly"]
PAGE_BYTES = 4_096


@pytest.fixture
async def channel_id(open_node: OpenNode) -> int:
    """A channel in which Ann (account 0) has paid Ben 100 ntok."""
    async with open_node(0) as ann_, open_node(1, peers={0: ann_.url}):
        channel = await ann_.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await pay(channel, "first")
    return channel.id


def _with_pages(monkeypatch: pytest.MonkeyPatch, spare: int) -> None:
    """From now on opened stores may grow by so many pages."""
    plain = store_module.connect

    def connect(path: Path, *, read_only: bool = False) -> Engine:
        engine = plain(path, read_only=read_only)

        @event.listens_for(engine, "connect")
        def _limit(connection: sqlite3.Connection, _record: object) -> None:
            pages = path.stat().st_size // PAGE_BYTES + spare
            connection.execute(f"PRAGMA max_page_count={pages}")

        return engine

    monkeypatch.setattr(store_module, "connect", connect)


async def _pay_until_full(node: Node, channel_id: int) -> tuple[list[str], str]:
    """Payments acknowledged, and the one that was not."""
    done: list[str] = []
    for number in range(1_000):
        name = f"p{number}"
        try:
            await pay(node.channel(channel_id), name)
        except (StoreError, PaymentPending, PeerNotReady):
            return done, name
        done.append(name)
    raise AssertionError("never full")


@pytest.mark.parametrize("victim", [0, 1])
async def test_a_full_disk_of_either_side_loses_and_repeats_nothing(
    open_node: OpenNode, channel_id: int, victim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_node(1 - victim) as other:
        with monkeypatch.context() as limited:
            _with_pages(limited, 3)
            async with open_node(victim, peers={1 - victim: other.url}) as full:
                ann_ = full if victim == 0 else other
                done, failed = await _pay_until_full(ann_, channel_id)
                with pytest.raises(StoreFailed, match="full"):
                    await full._parts.store.write()
        async with open_node(victim, peers={1 - victim: other.url}) as mended:
            ann_, ben_ = (mended, other) if victim == 0 else (other, mended)
            for name in (*done[-3:], failed):
                await pay(ann_.channel(channel_id), name)
            names = [bill.payment_id for _, bill in await ben_.bills()]
            assert names == ["first", *done, failed]
            paid_in = ben_.channel(channel_id).info.paid_in_ntok
            assert paid_in == ann_.channel(channel_id).info.paid_out_ntok == 100 * len(names)


async def test_a_damaged_page_anywhere_is_found_before_anything_is_signed(tmp_path: Path) -> None:
    with Store.open(tmp_path, IDENTITY) as store:
        state = ann(leaf(deposit_a_ntok=10**9))
        await store.write(SaveLeaf(state))
        for number in range(60):
            state, change = signed(state, f"p{number}")
            await store.write(change)
    whole = (tmp_path / FILE_NAME).read_bytes()
    pages = len(whole) // PAGE_BYTES
    assert pages > 20
    for page in range(pages):
        damaged = bytearray(whole)
        at = page * PAGE_BYTES
        damaged[at : at + PAGE_BYTES] = bytes([0xA5]) * PAGE_BYTES
        (tmp_path / FILE_NAME).write_bytes(damaged)
        with pytest.raises(StoreCorrupt, match=r"nothing is signed.*wattlane node restore"):
            Store.open(tmp_path, IDENTITY)
    (tmp_path / FILE_NAME).write_bytes(whole)
    assert read_books(tmp_path).channels[0].state.signed == state.signed


async def test_a_clock_that_jumps_signs_nothing_twice_and_ends_nothing(
    open_node: OpenNode, channel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ahead: nothing is accepted, as L1 seems cut off. Back, or far behind: all goes on."""
    real = time.time
    async with open_node(0) as ann_, open_node(1, peers={0: ann_.url}) as ben_:
        channel = ann_.channel(channel_id)
        values = [await pay(channel, "before")]
        for number, now_s in enumerate((START_TIME + 10 * DAY_S, 0.0, START_TIME + 20 * DAY_S)):
            with monkeypatch.context() as jumped:
                jumped.setattr(time, "time", lambda now_s=now_s: now_s)
                if now_s:
                    assert await refusal(ann_) == "L1TooOld"
                else:
                    values.append(await pay(channel, "behind"))
                values.append(await pay(channel, "before"))  # it is remembered, not paid again
            values.append(await pay(channel, f"after {number}".replace(" ", "-")))
        assert real() == pytest.approx(time.time(), abs=60)
        assert len(set(values)) == 5
        assert ben_.channel(channel_id).info.paid_in_ntok == 600
        assert ben_.channel(channel_id).info.status == "open"
        ordered = [bill.lane_value for _, bill in await ben_.bills()]
        assert ordered == sorted(set(ordered))
