"""The journal: durable, chained, signed, and whoever changes a byte of it is found out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from energy.errors import JournalBroken, JournalInUse, JournalUnusable
from energy.market.entries import Entry, chain_of, following
from energy.market.journal import FILE_NAME, Journal, read_journal
from energy.market.log_key import LogKey
from tests.energy.market.journals import KEY, document, entries, entry


def test_what_was_added_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    given = entries(7)
    journal = Journal(tmp_path, KEY.public)
    journal.append(given[:3])
    journal.append(given[3:])
    assert journal.last == given[-1]
    journal.close()
    again = Journal(tmp_path, KEY.public)
    assert again.last == given[-1]
    assert list(again.entries()) == given
    assert list(again.entries(after=2, limit=3)) == given[2:5]
    assert again.find(given[4].document) == given[4]
    assert again.find(b"nothing") is None
    again.close()
    key, found = read_journal(tmp_path)
    assert (key, list(found)) == (KEY.public, given)


def test_entries_come_whole_over_many_pages(tmp_path: Path) -> None:
    given = entries(1_203)
    journal = Journal(tmp_path, KEY.public)
    journal.append(given)
    assert list(journal.entries(after=1)) == given[1:]
    assert len(list(journal.entries(limit=1_100))) == 1_100
    journal.close()
    assert list(read_journal(tmp_path / FILE_NAME)[1]) == given


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: replace(one, document=document(99)), "chain value"),
        (lambda one: replace(one, time_ms=one.time_ms + 1), "chain value"),
        (lambda one: replace(one, time_ms=3), "time lies before"),
        (lambda one: replace(one, seq=9), "where number 3 should"),
        (lambda one: replace(one, signature=bytes(64)), "has not signed"),
        (lambda one: replace(one, chain=bytes(32)), "chain value"),
    ],
)
def test_an_entry_that_does_not_follow_is_named(
    change: Callable[[Entry], Entry], reason: str
) -> None:
    given = entries(4)
    given[2] = change(given[2])
    with pytest.raises(JournalBroken, match=reason) as caught:
        list(following(given, KEY.public))
    assert caught.value.seq == given[2].seq


def test_a_removed_entry_is_noticed() -> None:
    given = entries(4)
    with pytest.raises(JournalBroken):
        list(following([*given[:1], *given[2:]], KEY.public))


def test_another_markets_entries_do_not_follow() -> None:
    given = entries(3)
    other = LogKey(bytes(32))
    chain = chain_of(given[1].chain, 3, 5_000, document(3))
    forged = Entry(3, 5_000, document(3), chain, other.sign(chain))
    with pytest.raises(JournalBroken, match="has not signed"):
        list(following([*given[:2], forged], KEY.public))


def test_nothing_is_added_that_does_not_follow(tmp_path: Path) -> None:
    given = entries(3)
    journal = Journal(tmp_path, KEY.public)
    journal.append(given[:1])
    with pytest.raises(JournalBroken):
        journal.append([given[1], replace(given[2], document=document(7))])
    assert list(journal.entries()) == given[:1]
    repeated = entry(given[0], given[0].document, 2_000)
    with pytest.raises(JournalUnusable):
        journal.append([repeated])
    assert journal.last == given[0]
    journal.append(given[1:])
    journal.close()


def test_a_changed_byte_on_the_disk_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY.public)
    journal.append(entries(5))
    journal.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as raw:
        raw.execute("UPDATE entries SET document = ? WHERE seq = 4", (document(40),))
    with pytest.raises(JournalBroken, match="entry 4"):
        list(read_journal(tmp_path)[1])


def test_one_writer_and_one_key_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY.public)
    with pytest.raises(JournalInUse):
        Journal(tmp_path, KEY.public)
    journal.close()
    with pytest.raises(JournalUnusable, match="another key"):
        Journal(tmp_path, LogKey(bytes(32)).public)
    Journal(tmp_path, KEY.public).close()  # what failed has let go of the lock


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match="there is no journal"):
        read_journal(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"something else entirely" * 100)
    with pytest.raises(JournalUnusable):
        read_journal(tmp_path)
    with sqlite3.connect(tmp_path / "newer.db") as raw:
        raw.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalUnusable, match="version 9"):
        read_journal(tmp_path / "newer.db")


def test_the_markets_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    made = LogKey.of_folder(tmp_path)
    assert LogKey.of_folder(tmp_path).public == made.public
    path = tmp_path / "market.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(JournalUnusable, match="chmod 600"):
        LogKey.of_folder(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(JournalUnusable, match="32 bytes"):
        LogKey.of_folder(tmp_path)
