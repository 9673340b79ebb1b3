"""Backups of a node: one sealed file with its wallet and its store, made and put back at any time.

A backup is taken in one read transaction, while the node runs or not. What is put back may be
older than what was signed since: it is marked so in the same step (channels/copy_rows.py), and
the node learns from its neighbours before it signs. Ref: docs/node.md, "Backups".
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from channels import wallet as wallet_file
from channels.books import read_books
from channels.copy_rows import forget_later
from channels.damage import unreadable
from channels.errors import (
    BackupOfAnotherWallet,
    BackupRefused,
    BackupUnreadable,
    NothingToBackUp,
    StoreCorrupt,
    StoreExists,
    StoreFailed,
)
from channels.keystore import read_public, write_new
from channels.preparing import check_pages, lock_folder, migrate
from channels.sealed_file import SealedFile, is_sealed_file, read_sealed_file, seal_file
from channels.store import FILE_NAME, connect
from channels.wallet import Wallet

_LENGTH_BYTES = 8
_JOURNAL_MODE, _NO_LOG = slice(18, 20), b"\x01\x01"
"""File format write and read version. Ref: SQLite's file format, section 1.3."""
_SIDE_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Saved:
    """What a backup holds: whose node it is, and how many channels it knew."""

    path: Path
    account_index: int
    channels: int


def back_up(folder: Path | str, target: Path | str, passphrase: str) -> Saved:
    """Write a backup of the node in `folder`, running or not, under the wallet's passphrase.

    It replaces a backup and nothing else. Raises BackupRefused, NothingToBackUp, StoreCorrupt,
    StoreUnreadable, StoreTooNew, StoreFailed, and as Wallet.load.
    """
    store, path = Path(folder) / FILE_NAME, Path(target)
    _check_target(path, Path(folder))
    unlocked = Wallet.load(folder, passphrase)
    if not store.exists():
        raise NothingToBackUp(str(store))
    books = read_books(folder)
    keystore = unlocked.path.read_bytes()
    body = len(keystore).to_bytes(_LENGTH_BYTES, "big") + keystore + _pages(store)
    public = {
        "key_hash": f"{unlocked.key_hash:#066x}",
        "l1_address": unlocked.l1_address,
        "account_index": str(books.owner.account_index),
    }
    try:
        seal_file(path, body, passphrase, public)
    except OSError as error:
        raise StoreFailed(str(path), error.strerror or "cannot be written") from error
    return Saved(path, books.owner.account_index, len(books.channels))


def _check_target(path: Path, folder: Path) -> None:
    if is_sealed_file(path):
        return
    if os.path.lexists(path):
        raise BackupRefused(str(path), "is there, and is no backup that could be replaced")
    if (path.parent.resolve() / path.name).is_relative_to(folder.resolve()):
        raise BackupRefused(str(path), "would be among the node's own files, and lost with them")


def _pages(store: Path) -> bytes:
    """The store as one file, in one read transaction, by SQLite's own backup."""
    try:
        with (
            closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            source.backup(copy)
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise StoreCorrupt(str(store), str(found))
            pages = bytearray(copy.serialize())
            pages[_JOURNAL_MODE] = _NO_LOG  # one file, without the log that the store has
            return bytes(pages)
    except sqlite3.Error as error:
        raise unreadable(store, error) from error


def _lanes(pages: bytes) -> set[tuple[str, str, str]]:
    """What a store knows of its channels' lanes. Raises sqlite3.Error where it is none."""
    with closing(sqlite3.connect(":memory:")) as copy:
        copy.deserialize(pages)
        rows = copy.execute("SELECT channel_id, signed_lane, received_lane FROM channels")
        return {(str(one), str(signed), str(received)) for one, signed, received in rows}


def restore(folder: Path | str, source: Path | str, passphrase: str) -> Saved:
    """Put a backup back into `folder`, with its wallet where there is none; whole or not at all.

    A store that is damaged is kept beside. Raises BackupUnreadable, BackupTooNew,
    BackupOfAnotherWallet, WrongPassphrase, StoreExists, StoreInUse, StoreFailed, StoreTooNew,
    StoreUnreadable.
    """
    place, sealed = Path(folder), read_sealed_file(Path(source))
    body = sealed.open(passphrase)
    length = int.from_bytes(body[:_LENGTH_BYTES], "big")
    keystore, pages = body[_LENGTH_BYTES:][:length], body[_LENGTH_BYTES + length :]
    _check_wallet(place, sealed)
    store = place / FILE_NAME
    lock = lock_folder(store)
    try:
        _check_replaceable(store, pages)
        beside = store.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
        try:
            count = _write_restored(beside, pages, sealed)
            if not (place / wallet_file.FILE_NAME).exists():
                write_new(place / wallet_file.FILE_NAME, keystore)
            _keep_aside(store)
            beside.replace(store)
            _sync_folder(place)
        finally:
            for end in _SIDE_FILES:
                beside.with_name(beside.name + end).unlink(missing_ok=True)
    except OSError as error:
        raise StoreFailed(str(store), error.strerror or "cannot be written") from error
    finally:
        os.close(lock)
    return Saved(store, int(sealed.public.get("account_index", "0")), count)


def recover(folder: Path | str) -> int:
    """This folder's copy of the node is the one to keep, however old it may be; its channels.

    Raises NothingToBackUp, StoreInUse, StoreCorrupt, StoreTooNew, StoreFailed.
    """
    store = Path(folder) / FILE_NAME
    if not store.exists():
        raise NothingToBackUp(str(store))
    lock = lock_folder(store)
    try:
        return _mark(store)
    finally:
        os.close(lock)


def _check_wallet(place: Path, sealed: SealedFile) -> None:
    path = place / wallet_file.FILE_NAME
    if path.exists():
        own = read_public(path)
        # A key that was replaced since (KEY_CHANGE) is the same wallet's: the address stays.
        if own.get("l1_address") != sealed.public.get("l1_address"):
            raise BackupOfAnotherWallet(str(sealed.path), str(place))


def _check_replaceable(store: Path, pages: bytes) -> None:
    if not store.exists():
        return
    try:
        read_books(store.parent)
        present = _lanes(_pages(store))
    except StoreCorrupt:
        return  # it is damaged, and kept beside; one that is only locked or forbidden stays
    raise StoreExists(str(store), not present <= _lanes(pages))


def _write_restored(beside: Path, pages: bytes, sealed: SealedFile) -> int:
    write_new(beside, pages)
    try:
        count = _mark(beside)
    except StoreCorrupt as error:
        raise BackupUnreadable(str(sealed.path), error.reason) from error
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    return count


def _mark(store: Path) -> int:
    """Migrated, marked as older than what was, and in one file. How many channels it has."""
    engine = connect(store)
    try:
        with engine.connect() as connection:
            version = check_pages(connection, store)
            with connection.begin():
                migrate(connection, version)
                forget_later(connection)
                return int(connection.scalar(text("SELECT count(*) FROM channels")) or 0)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.OperationalError):
            raise StoreFailed(str(store), str(error.orig)) from error
        raise StoreCorrupt(str(store), str(error.orig)) from error
    finally:
        engine.dispose()
        if store.with_name(f"{store.name}-wal").exists():
            raise StoreFailed(str(store), "its log could not be folded into it")


def _keep_aside(store: Path) -> None:
    """A damaged store goes aside with its log, which must never meet another file's pages."""
    if store.exists():
        mark = secrets.token_hex(4)
        for end in reversed(_SIDE_FILES):
            part = store.with_name(store.name + end)
            if part.exists():
                part.replace(store.with_name(f"damaged-{mark}-{store.name}{end}"))
    for end in _SIDE_FILES[1:]:
        store.with_name(store.name + end).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
