"""C7 at every write: a power cut between any two steps of either side's disk, 10,000 and more.

Two stores, the payer's and the payee's, do what a channel's payments make them do, with group
commits, acknowledgements, a pruned log and checkpoints. tests/support/crash_disk.py notes every
write; each crash is built from that, opened and checked. `pytest -s` prints the numbers.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from channels import store as store_module
from channels.lanes import accept_voucher, sign_payment
from channels.records import (
    Acknowledged,
    Direction,
    Identity,
    Outgoing,
    SaveLeaf,
    SaveReceived,
    SaveSigned,
)
from channels.schema import narrow
from channels.store import FILE_NAME, Store
from protocol.channels import lane_paid_ntok
from tests.channels.street import ANN, BEN, CLOCK, DOMAIN, NOW, PAYMENT, POLICY, ann, ben, leaf
from tests.channels.test_store import bill
from tests.support.crash_disk import Disk, Image, Kind, library, recording

PAYMENTS = 100
CRASHES = 10_000
OPENED_EVERY = 100
MEMORY = Path("/dev/shm")
CHANNEL = leaf(deposit_a_ntok=10**9)
needs_shared_sqlite = pytest.mark.skipif(
    library() is None, reason="Python's SQLite is compiled in: its writes cannot be noted"
)


@dataclass
class Side:
    """One home: its disk, and what it had promised after so many steps of it."""

    folder: Path
    identity: Identity
    direction: Direction
    disk: Disk
    promises: list[tuple[int, int]] = field(default_factory=list)
    """(steps done, lane value): the voucher had left, or its acknowledgement had."""
    vouchers: dict[int, str] = field(default_factory=dict)
    """Lane value to payment id, of all that were ever signed."""

    def promise(self, lane_value: int) -> None:
        """From now on this must survive."""
        self.promises.append((len(self.disk.ops), lane_value))

    def promised(self, done: int) -> int:
        """What had been promised after `done` steps."""
        return max((value for at, value in self.promises if at <= done), default=0)


async def _street(payer: Side, payee: Side, payments: int) -> None:
    """Payments one by one and in groups, each side's promises noted as they are made."""
    state, other = ann(CHANNEL), ben(CHANNEL)
    with (
        Store.open(payer.folder, payer.identity, bills_kept=8) as out,
        Store.open(payee.folder, payee.identity, bills_kept=8) as into,
    ):
        await asyncio.gather(out.write(SaveLeaf(state)), into.write(SaveLeaf(other)))
        number = 0
        while number < payments:
            group = []
            for _ in range(1 + number % 3):
                state, voucher = sign_payment(state, PAYMENT, NOW, ANN.sign)
                name = f"p{number}"
                payer.vouchers[voucher.lane_value] = payee.vouchers[voucher.lane_value] = name
                sent = Outgoing(name, voucher, PAYMENT)
                made = bill(voucher, Direction.OUT, name)
                group.append((voucher, out.write(SaveSigned(voucher, sent, made))))
                number += 1
            takings = []
            for voucher, written in group:
                await written
                payer.promise(voucher.lane_value)  # it leaves
                other = accept_voucher(other, voucher, PAYMENT, CLOCK, BEN.key_hash, POLICY)
                name = payee.vouchers[voucher.lane_value]
                made = bill(voucher, Direction.IN, name)
                takings.append((voucher, into.write(SaveReceived(voucher, made))))
            for voucher, written in takings:
                await written
                payee.promise(voucher.lane_value)  # it is acknowledged
            await out.write(Acknowledged(CHANNEL.id, takings[-1][0].lane_value))


def _record(tmp_path: Path, payments: int) -> tuple[Side, Side]:
    folders = [tmp_path / "payer", tmp_path / "payee"]
    with recording(*folders) as disks:
        payer = Side(folders[0], Identity(DOMAIN, ANN.index, 1), Direction.OUT, disks[0])
        payee = Side(folders[1], Identity(DOMAIN, BEN.index, 2), Direction.IN, disks[1])
        asyncio.run(_street(payer, payee, payments))
    return payer, payee


def _write(folder: Path, image: Image) -> Path:
    for stale in folder.iterdir():
        stale.unlink()
    for name, raw in image.items():
        (folder / name).write_bytes(raw)
    return folder / FILE_NAME


def check(side: Side, place: Path, image: Image, done: int) -> None:
    """What SQLite's recovery makes of an image: whole, and nothing promised is missing."""
    path = _write(place, image)
    promised = side.promised(done)
    mode = "rwc" if f"{FILE_NAME}-journal" in image else "ro"
    opening = sqlite3.connect(f"file:{path}?mode={mode}", uri=True, isolation_level=None)
    with closing(opening) as connection:
        assert connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        if promised == 0:
            return
        row = connection.execute("SELECT signed_lane, received_lane FROM channels").fetchone()
        assert row is not None, "a channel is lost"
        lane_value = narrow(row[side.direction is Direction.IN])
        assert lane_value >= promised, "a promise is lost"
        assert lane_value in side.vouchers, "a voucher that nobody signed"
        bills = connection.execute("SELECT payment_id, lane_value, amount_ntok FROM bills")
        kept = {narrow(value): (name, amount) for name, value, amount in bills}
        assert all(side.vouchers[value] == name for value, (name, _) in kept.items())
        days = "SELECT total(amount_ntok) FROM totals WHERE span_s = 86400"
        total = int(connection.execute(days).fetchone()[0])
        total += sum(amount for _, amount in kept.values())
        assert total == lane_paid_ntok(lane_value), "each payment counts once"
        if side.direction is Direction.OUT:
            waiting = connection.execute("SELECT lane_value FROM outgoing").fetchall()
            offered = {narrow(value) for (value,) in waiting}
            later = {value for value in side.vouchers if promised < value <= lane_value}
            assert later <= offered, "signed, and never offered again"


async def _go_on(side: Side, place: Path) -> None:
    """The node's own opening of an image, and its next write."""
    with Store.open(place, side.identity) as store:
        found = store.load_channels()
        if not found or side.direction is Direction.IN:
            return
        _, voucher = sign_payment(found[0].state, PAYMENT, NOW, ANN.sign)
        await store.write(SaveSigned(voucher, None, bill(voucher, Direction.OUT, "next")))
        assert voucher.lane_value > found[0].state.signed_lane


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was simulated: crashes, steps of payer's and payee's disk, full openings."""

    crashes: int
    steps: tuple[int, ...]
    openings: int


def simulate(tmp_path: Path, payments: int) -> Outcome:
    """A power cut after each step of both sides, four ways each. Raises AssertionError."""
    sides = _record(tmp_path, payments)
    rng, crashes, openings = random.Random("power"), 0, 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        place = Path(name)
        for side in sides:
            for done, _, image in side.disk.images(rng):
                if FILE_NAME not in image:
                    continue  # not even created
                check(side, place, image, done)
                crashes += 1
                if crashes % OPENED_EVERY == 0:
                    _write(place, image)
                    asyncio.run(_go_on(side, place))
                    openings += 1
    kinds = {op.kind for side in sides for op in side.disk.ops}
    assert kinds == set(Kind), "the log was folded in, and deleted at the end"
    return Outcome(crashes, tuple(len(side.disk.ops) for side in sides), openings)


@pytest.fixture
def _small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints and pruning every few payments."""
    monkeypatch.setattr(store_module, "WAL_PAGES", 24)
    monkeypatch.setattr(store_module, "SLACK", 10)


@needs_shared_sqlite
@pytest.mark.usefixtures("_small_log")
def test_c7_ten_thousand_power_cuts_lose_nothing_that_was_promised(tmp_path: Path) -> None:
    found = simulate(tmp_path, PAYMENTS)
    steps = " + ".join(str(one) for one in found.steps)
    print(f"\n{found.crashes} crashes at {steps} steps, {found.openings} opened by a node")
    assert found.crashes >= CRASHES


@needs_shared_sqlite
@pytest.mark.usefixtures("_small_log")
@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_disk_notices_a_store_that_promises_before_it_has_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synchronous: str
) -> None:
    monkeypatch.setattr(store_module, "SYNCHRONOUS", synchronous)
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        simulate(tmp_path, 9)
