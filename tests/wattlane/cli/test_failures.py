"""Every failure of the command line is one line on stderr, the right status, and no traceback."""

from __future__ import annotations

import errno
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from channels.errors import KeystoreMissing
from tests.wattlane.cli.running import assert_one_line, wattlane
from wattlane.cli.failures import FAILED, INTERRUPTED, explain, report

PASSPHRASE = "correct horse battery"


def test_an_unknown_command_is_wrong_usage() -> None:
    assert_one_line(wattlane("walet"), 2, "No such command", "--help")


def test_it_says_its_version() -> None:
    done = wattlane("--version")
    assert (done.returncode, done.stdout) == (0, f"wattlane {version('wattlane')}\n")


def test_a_missing_option_is_wrong_usage_and_named() -> None:
    assert_one_line(wattlane("status"), 2, "--l1")


@pytest.mark.parametrize(
    "command", [(), ("wallet",), ("prover",), ("--help",), ("verify-batch", "--help")]
)
def test_help_teaches(command: tuple[str, ...]) -> None:
    done = wattlane(*command)
    assert done.returncode in (0, 2)
    assert "Usage" in done.stdout + done.stderr


def test_a_wallet_that_is_not_there(tmp_path: Path) -> None:
    done = wattlane("wallet", "show", "--folder", str(tmp_path / "home"))
    assert_one_line(done, 1, "no wallet", "wattlane wallet new")


def test_without_a_passphrase_nothing_is_made(tmp_path: Path) -> None:
    done = wattlane("wallet", "new", "--folder", str(tmp_path / "home"))
    assert_one_line(done, 1, "passphrase")
    assert not (tmp_path / "home").exists()


def test_a_wallet_is_made_shown_exported_and_never_overwritten(tmp_path: Path) -> None:
    folder = str(tmp_path / "home")
    made = wattlane("wallet", "new", "--folder", folder, WATTLANE_PASSPHRASE=PASSPHRASE)
    assert made.returncode == 0
    phrase = made.stdout.splitlines()[-1].strip()
    assert len(phrase.split()) == 12
    shown = wattlane("wallet", "show", "--folder", folder)
    assert phrase not in shown.stdout
    address = next(line.split()[-1] for line in shown.stdout.splitlines() if "L1" in line)
    assert address in made.stdout
    exported = wattlane("wallet", "export", "--folder", folder, WATTLANE_PASSPHRASE=PASSPHRASE)
    assert exported.stdout.strip() == phrase
    again = wattlane("wallet", "new", "--folder", folder, WATTLANE_PASSPHRASE=PASSPHRASE)
    assert_one_line(again, 1, "exists already")


def test_a_wrong_passphrase_or_a_damaged_keystore_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    wattlane("wallet", "new", "--folder", str(folder), WATTLANE_PASSPHRASE=PASSPHRASE)
    wrong = wattlane("wallet", "export", "--folder", str(folder), WATTLANE_PASSPHRASE="wrong one")
    assert_one_line(wrong, 1, "passphrase does not open")
    (folder / "wallet.json").write_text("{}")
    damaged = wattlane("wallet", "show", "--folder", str(folder))
    assert_one_line(damaged, 1, "no keystore")


def test_a_passphrase_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o644)
    done = wattlane("wallet", "new", "--folder", str(tmp_path), "--passphrase-file", str(file))
    assert_one_line(done, 1, "chmod 600")


def test_an_l1_that_does_not_answer_is_named() -> None:
    url = "http://127.0.0.1:9"
    done = wattlane("verify-batch", "--l1", url, "--contract", "0x" + "11" * 20)
    assert_one_line(done, 1, url, "no connection")


def test_something_that_is_no_url_or_address_is_wrong_usage() -> None:
    address = "0x" + "11" * 20
    assert_one_line(wattlane("status", "--l1", "here", "--contract", address), 2, "no http")
    l1 = "http://127.0.0.1:9"
    assert_one_line(wattlane("status", "--l1", l1, "--contract", "0x11"), 2, "40 hexadecimal")
    mistyped = "0x4D544A032634A364409caed99390c57c7fa41CC4"
    assert_one_line(wattlane("status", "--l1", l1, "--contract", mistyped), 2, "wrong checksum")


@pytest.mark.parametrize("command", [("prover", "worker"), ("sequencer", "run", "--prover")])
def test_something_that_is_no_scheduler_is_wrong_usage(command: tuple[str, ...]) -> None:
    for wrong in ("host:8786", "tcp://host", "http://host:8786"):
        assert_one_line(
            wattlane(*command, wrong), 2, "tcp://HOST:PORT" if "//" not in wrong else ""
        )


def test_a_bug_is_one_line_too_and_says_how_to_see_more() -> None:
    line = explain(ZeroDivisionError("division by zero"))
    assert line == "ZeroDivisionError: division by zero (a bug: WATTLANE_DEBUG=1 shows where)"


def test_full_and_read_only_disks_are_named() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/node.db")
    assert explain(full) == "No space left on device (/data/node.db)"
    read_only = OSError(errno.EROFS, os.strerror(errno.EROFS), "/data/node.db")
    assert "Read-only file system" in explain(read_only)


def test_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyboardInterrupt()) == INTERRUPTED
    assert report(KeystoreMissing("/home/wallet.json")) == FAILED
    group = ExceptionGroup("both", [KeystoreMissing("/a"), KeystoreMissing("/b")])
    assert report(group) == FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "interrupted"
    assert len(lines) == 4


def test_a_traceback_is_shown_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATTLANE_DEBUG", "1")
    try:
        raise KeystoreMissing("/home/wallet.json")
    except KeystoreMissing as error:
        report(error)
    assert "Traceback" in capsys.readouterr().err
