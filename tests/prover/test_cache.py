"""An entry of the cache is whole or absent, whenever its writer dies."""

from __future__ import annotations

import errno
import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from prover import cache as cache_module
from prover.cache import Cache, CacheUnwritable, CorruptEntry


def write(folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"a" * 1000)
    (folder / "b.bin").write_bytes(b"b")


def test_an_entry_is_made_once_and_found_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.find("kind", "address") is None
    folder = cache.make("kind", "address", write)
    assert cache.find("kind", "address") == folder

    def never(folder: Path) -> None:
        raise AssertionError("made again")

    assert cache.make("kind", "address", never) == folder
    assert cache.addresses("kind") == ["address"]
    assert cache.addresses("other") == []


@pytest.mark.parametrize("damage", ["change", "truncate", "remove", "no manifest", "bad manifest"])
def test_a_damaged_entry_is_an_error_and_is_made_again(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    folder = cache.make("kind", "address", write)
    if damage == "change":
        (folder / "a.bin").write_bytes(b"a" * 999 + b"x")
    elif damage == "truncate":
        (folder / "a.bin").write_bytes(b"a" * 999)
    elif damage == "remove":
        (folder / "b.bin").unlink()
    elif damage == "no manifest":
        (folder / cache_module.MANIFEST).unlink()
    else:
        (folder / cache_module.MANIFEST).write_text("[1, 2")
    with pytest.raises(CorruptEntry, match="delete it"):
        cache.find("kind", "address")
    cache.make("kind", "address", write)
    assert cache.find("kind", "address") == folder
    assert os.listdir(folder.parent) == ["address"]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        write(folder)
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        Cache(tmp_path).make("kind", "address", fails)
    assert os.listdir(tmp_path / "kind") == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CacheUnwritable, match="No space left"):
        Cache(tmp_path).make("kind", "address", fails)
    assert os.listdir(tmp_path / "kind") == []


def _write_slowly(root: Path, started: Path) -> None:
    def slowly(folder: Path) -> None:
        write(folder)
        started.write_text("")
        signal.pause()

    Cache(root).make("kind", "address", slowly)


def test_a_writer_killed_half_way_leaves_no_entry(tmp_path: Path) -> None:
    root, started = tmp_path / "cache", tmp_path / "started"
    process = get_context("spawn").Process(target=_write_slowly, args=(root, started))
    process.start()
    deadline = time.monotonic() + 120
    while not started.exists() and time.monotonic() < deadline:
        process.join(0.01)
    process.kill()
    process.join()
    cache = Cache(root)
    assert len(os.listdir(root / "kind")) == 1  # the half-written folder
    assert cache.find("kind", "address") is None
    assert cache.addresses("kind") == []
    folder = cache.make("kind", "address", write)
    assert cache.find("kind", "address") == folder


def test_what_was_left_behind_long_ago_is_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    left = tmp_path / "kind" / ".address.1.00.part"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))
    recent = tmp_path / "kind" / ".address.2.00.part"
    recent.mkdir()
    cache.make("kind", "address", write)
    assert sorted(os.listdir(tmp_path / "kind")) == [".address.2.00.part", "address"]


def test_two_writers_of_the_same_entry(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def overtaken(folder: Path) -> None:
        cache.make("kind", "address", write)
        write(folder)

    folder = cache.make("kind", "address", overtaken)
    assert cache.find("kind", "address") == folder
    assert os.listdir(folder.parent) == ["address"]
