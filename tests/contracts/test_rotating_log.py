"""A log of bounded size that goes on after a full disk, and says what was lost."""

from __future__ import annotations

import threading
from pathlib import Path

from contracts.rotating_log import RotatingLog


def test_it_is_rotated_by_size_and_old_files_go(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    log = RotatingLog(path, 1_000, 2)
    for number in range(100):
        log.write(f"{number:03} {'x' * 90}\n")
    log.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "node.log",
        "node.log.1",
        "node.log.2",
    ]
    assert all(one.stat().st_size <= 1_000 for one in tmp_path.iterdir())
    kept = "".join((tmp_path / f"node.log{end}").read_text() for end in (".2", ".1", ""))
    numbers = [int(line[:3]) for line in kept.splitlines()]
    assert numbers == list(range(numbers[0], 100)), "whole lines, in order, to the last"


def test_on_a_full_disk_lines_are_lost_and_counted(tmp_path: Path) -> None:
    """/dev/full refuses every write as a full disk does."""
    path = tmp_path / "node.log"
    log = RotatingLog(path, 10_000, 2)
    log.write("before\n")
    aside = path.rename(tmp_path / "aside")
    path.symlink_to("/dev/full")
    log._handler.close()  # the file that was open would still take it
    for number in range(7):
        assert log.write(f"lost {number}\n") == 7
    assert log.lost == 7
    path.unlink()
    aside.rename(path)
    log.write("after\n")
    log.write("and so on\n")
    log.close()
    said = path.read_text().splitlines()
    assert said == [
        "before",
        "7 lines were lost here: the log was not writable",
        "after",
        "and so on",
    ]


def test_a_folder_that_is_gone_and_comes_back_ends_no_log(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = RotatingLog(folder / "node.log", 10_000, 2)
    log.write("nowhere\n")
    folder.mkdir()
    log.write("somewhere\n")
    log.close()
    assert (folder / "node.log").read_text().splitlines()[-1] == "somewhere"


def test_lines_of_several_threads_never_mix(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "node.log", 1_000_000, 1)
    threads = [
        threading.Thread(target=lambda one=one: [log.write(one * 50 + "\n") for _ in range(100)])
        for one in "abc"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    lines = (tmp_path / "node.log").read_text().splitlines()
    assert sorted(set(lines)) == [one * 50 for one in "abc"]
    assert len(lines) == 300
