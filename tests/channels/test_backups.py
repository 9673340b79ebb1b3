"""Backups: what was saved comes back, marked as old; anything else is one clear error."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels import sealed_file
from channels.backups import back_up, recover, restore
from channels.books import read_books
from channels.errors import (
    BackupOfAnotherWallet,
    BackupRefused,
    BackupTooNew,
    BackupUnreadable,
    KeystoreMissing,
    NothingToBackUp,
    StoreCorrupt,
    StoreExists,
    StoreInUse,
    StoreUnreadable,
    WrongPassphrase,
)
from channels.records import Direction, Identity, SaveLeaf, SaveStopped
from channels.store import FILE_NAME, Store
from channels.wallet import Wallet
from tests.channels.conftest import PASSPHRASE
from tests.channels.old_stores import undo_version_4
from tests.channels.street import DOMAIN, LEAF, ann
from tests.channels.test_store import signed


class Place:
    """A home's folder with a wallet and a store of one channel and some payments."""

    def __init__(self, wallets: list[Wallet], folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "wallet.json").write_bytes(wallets[0].path.read_bytes())
        self.identity = Identity(DOMAIN, 3, wallets[0].key_hash)
        self.state = ann()

    def open(self) -> Store:
        """The store, until it is closed."""
        return Store.open(self.folder, self.identity)

    async def pay(self, count: int = 3) -> None:
        """Payments of Ann's."""
        with self.open() as store:
            await store.write(SaveLeaf(self.state))
            for _ in range(count):
                self.state, change = signed(self.state, f"p{self.state.signed_lane}")
                await store.write(change)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup's passphrase is guessed fast here."""
    monkeypatch.setattr(sealed_file, "_SCRYPT_N", 2)


@pytest.fixture
async def home(wallets: list[Wallet], tmp_path: Path) -> Place:
    """A place with three payments."""
    place = Place(wallets, tmp_path / "home")
    await place.pay()
    return place


async def test_a_backup_of_a_running_node_comes_back_in_an_empty_folder(
    home: Place, tmp_path: Path
) -> None:
    with home.open() as store:
        home.state, change = signed(home.state, "last")
        await store.write(change)
        assert (home.folder / f"{FILE_NAME}-wal").stat().st_size > 0
        saved = back_up(home.folder, tmp_path / "b", PASSPHRASE)
    assert (saved.account_index, saved.channels) == (3, 1)
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
    back = restore(tmp_path / "new", tmp_path / "b", PASSPHRASE)
    assert back.channels == 1
    assert Wallet.load(tmp_path / "new", PASSPHRASE).key_hash == home.identity.key_hash
    with Store.open(tmp_path / "new", home.identity) as store:
        (found,) = store.load_channels()
        assert found.state == replace(home.state, is_restored=True)
        assert len(found.outgoing) == 4
        assert store.opened.may_rise
    with Store.open(tmp_path / "new", home.identity) as store:
        assert not store.opened.may_rise, "its epoch rises in the first run only"


async def test_a_backup_of_an_older_version_is_migrated(home: Place, tmp_path: Path) -> None:
    with sqlite3.connect(home.folder / FILE_NAME) as connection:
        undo_version_4(connection)
        connection.execute("PRAGMA user_version=3")
    connection.close()
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    restore(tmp_path / "new", tmp_path / "b", PASSPHRASE)
    (found,) = read_books(tmp_path / "new").channels
    assert found.state == replace(home.state, is_restored=True)


async def test_a_damaged_store_gives_way_and_is_kept(home: Place, tmp_path: Path) -> None:
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    store = home.folder / FILE_NAME
    store.write_bytes(b"\0" * 40_000)
    with pytest.raises(StoreCorrupt, match="wattlane node restore"):
        home.open()
    (home.folder / f"{FILE_NAME}-wal").write_bytes(b"left over")
    restore(home.folder, tmp_path / "b", PASSPHRASE)
    kept = next(home.folder.glob(f"damaged-*-{FILE_NAME}"))
    assert kept.read_bytes() == b"\0" * 40_000
    with home.open() as opened:
        assert opened.load_channels()[0].state.signed == home.state.signed


@pytest.mark.parametrize("is_newer", [True, False])
async def test_a_store_that_can_be_read_is_not_replaced(
    home: Place, tmp_path: Path, is_newer: bool
) -> None:
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    if is_newer:
        await home.pay(1)
    before = (home.folder / FILE_NAME).read_bytes()
    with pytest.raises(StoreExists) as raised:
        restore(home.folder, tmp_path / "b", PASSPHRASE)
    assert raised.value.is_newer is is_newer
    assert (home.folder / FILE_NAME).read_bytes() == before


async def test_a_damaged_or_newer_backup_changes_nothing(home: Place, tmp_path: Path) -> None:
    file = tmp_path / "b"
    back_up(home.folder, file, PASSPHRASE)
    whole = file.read_bytes()
    for damaged, error in (
        (whole[:-40], BackupUnreadable),
        (whole[:3_000] + bytes([whole[3_000] ^ 1]) + whole[3_001:], BackupUnreadable),
        (whole.replace(b'"account_index": "3"', b'"account_index": "4"'), BackupUnreadable),
        (b"", BackupUnreadable),
        (b"something else" * 999, BackupUnreadable),
        (whole.replace(b'"version": 1', b'"version": 2'), BackupTooNew),
    ):
        assert damaged != whole
        file.write_bytes(damaged)
        with pytest.raises(error):
            restore(tmp_path / "new", file, PASSPHRASE)
        assert not (tmp_path / "new").exists()


async def test_a_backup_takes_the_place_of_a_backup_and_of_nothing_else(
    home: Place, tmp_path: Path
) -> None:
    file, link = tmp_path / "b", tmp_path / "link"
    back_up(home.folder, file, PASSPHRASE)
    first = file.read_bytes()
    back_up(home.folder, file, PASSPHRASE)
    assert file.read_bytes() != first, "a newer one"
    letter = tmp_path / "letter.txt"
    letter.write_text("dear neighbour")
    link.symlink_to(home.folder)
    there = [home.folder / FILE_NAME, home.folder / "wallet.json", link / FILE_NAME, letter]
    before = [one.read_bytes() for one in there]
    unused = [home.folder / "node.toml", link / f"{FILE_NAME}-journal", home.folder / "below" / "b"]
    for target in [*there, *unused, home.folder, tmp_path, Path("/dev/null")]:
        with pytest.raises(BackupRefused, match="nothing was written"):
            back_up(home.folder, target, PASSPHRASE)
    assert [one.read_bytes() for one in there] == before
    assert not any(one.exists() for one in unused)


@pytest.mark.parametrize("why", ["locked", "unable to open"])
async def test_a_good_store_that_cannot_be_read_now_is_not_put_aside(
    home: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    connect, store = sqlite3.connect, home.folder / FILE_NAME

    def at_once(*given: Any, **more: Any) -> sqlite3.Connection:
        opened: sqlite3.Connection = connect(*given, **more | {"timeout": 0})
        return opened

    monkeypatch.setattr(sqlite3, "connect", at_once)
    with closing(connect(store, isolation_level=None)) as other:
        if why == "locked":
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
            other.execute("BEGIN IMMEDIATE")
        else:
            for end in ("-wal", "-shm"):
                store.with_name(FILE_NAME + end).unlink(missing_ok=True)
            store.with_name(f"{FILE_NAME}-wal").mkdir()
        for act in (back_up, restore):
            with pytest.raises(StoreUnreadable, match=why):
                act(home.folder, tmp_path / "b", PASSPHRASE)
    assert not list(home.folder.glob("damaged-*"))


async def test_a_store_without_anything_in_it_gives_way(home: Place, tmp_path: Path) -> None:
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    (home.folder / FILE_NAME).write_bytes(b"")
    restore(home.folder, tmp_path / "b", PASSPHRASE)
    with home.open() as opened:
        assert opened.load_channels()[0].state.signed == home.state.signed


async def test_wrong_passphrase_wallet_and_folder_are_told_apart(
    home: Place, wallets: list[Wallet], tmp_path: Path
) -> None:
    file = tmp_path / "b"
    with pytest.raises(WrongPassphrase):
        back_up(home.folder, file, "not this one")
    assert not file.exists()
    back_up(home.folder, file, PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        restore(tmp_path / "new", file, "not this one")
    other = tmp_path / "other"
    other.mkdir()
    (other / "wallet.json").write_bytes(wallets[1].path.read_bytes())
    with pytest.raises(BackupOfAnotherWallet):
        restore(other, file, PASSPHRASE)
    with pytest.raises(NothingToBackUp):
        back_up(other, file, PASSPHRASE)
    with pytest.raises(KeystoreMissing):
        back_up(tmp_path / "nowhere", file, PASSPHRASE)
    with pytest.raises(NothingToBackUp):
        recover(other)


async def test_a_running_node_is_not_recovered_or_replaced(home: Place, tmp_path: Path) -> None:
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    with home.open():
        with pytest.raises(StoreInUse):
            recover(home.folder)
        with pytest.raises(StoreInUse):
            restore(home.folder, tmp_path / "b", PASSPHRASE)


async def test_the_copy_that_is_kept_may_sign_again_and_asks_first(home: Place) -> None:
    with home.open() as store:
        first = store.opened.copy
        await store.write(SaveStopped("another copy"))
    with home.open() as store:
        assert store.opened.stopped == "another copy"
        assert store.opened.copy.epoch > first.epoch
    assert recover(home.folder) == 1
    with home.open() as store:
        assert store.opened.stopped is None
        assert store.opened.may_rise
        assert store.load_channels()[0].state.is_restored


async def test_epochs_rise_whatever_the_clock_says(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = []
    for now_s in (time.time(), time.time() - 10**9, time.time() + 10**6, 0.0):
        monkeypatch.setattr(time, "time_ns", lambda now_s=now_s: int(now_s * 1e9))
        with home.open() as store:
            epochs.append(store.opened.copy.epoch)
    assert epochs == sorted(set(epochs))


async def test_bills_and_totals_come_back_too(home: Place, tmp_path: Path) -> None:
    before = read_books(home.folder)
    back_up(home.folder, tmp_path / "b", PASSPHRASE)
    restore(tmp_path / "new", tmp_path / "b", PASSPHRASE)
    after = read_books(tmp_path / "new")
    assert after.bills == before.bills
    assert after.paid_ntok(Direction.OUT) == 3_000
    assert LEAF.id == after.channels[0].state.channel_id
