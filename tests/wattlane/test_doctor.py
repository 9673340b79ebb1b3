"""The doctor finds what is broken, says how to mend it, and is not stopped by any of it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from channels.lanes import Payment, accept_voucher
from channels.policy import DEFAULT_POLICY
from channels.records import Bill, Direction, Identity, SaveLeaf, SaveReceived
from channels.store import Store
from channels.wallet import Wallet
from protocol.channels import Status
from tests.channels.street import ANN, BEN, CLOCK, DOMAIN, LEAF, ben, leaf, voucher
from tests.wattlane.cli.running import wattlane
from wattlane.doctor import folder, machine, network
from wattlane.doctor.checks import CHECKS
from wattlane.doctor.home import Home
from wattlane.doctor.report import Check, Finding, Level, ok, run

PASSPHRASE = "correct horse battery"
CONTRACT = "0x" + "11" * 20


@pytest.fixture(scope="module")
def wallet_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A keystore, made once."""
    made = tmp_path_factory.mktemp("wallet")
    Wallet.create(made, PASSPHRASE)
    return (made / "wallet.json").read_text()


@pytest.fixture
def home(tmp_path: Path, wallet_text: str) -> Home:
    """A folder with a wallet."""
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    (place / "wallet.json").write_text(wallet_text)
    (place / "wallet.json").chmod(0o600)
    return Home(place)


def level(finding: Finding, *words: str) -> Level:
    """Its level; whatever is not well says what to do."""
    for word in words:
        assert word in f"{finding.said} {finding.mend}"
    assert (finding.level is Level.OK) == (not finding.mend)
    return finding.level


def test_one_check_that_hangs_or_breaks_stops_no_other() -> None:
    hanging = threading.Event()

    def hang(_: None) -> Finding:
        hanging.wait()
        return ok("at last")

    def break_(_: None) -> Finding:
        raise OSError(5, "Input/output error", "/dev/sda")

    def bug(_: None) -> Finding:
        raise ZeroDivisionError

    checks: list[Check[None]] = [
        Check("hangs", hang, "wait", 0.2),
        Check("breaks", break_, "buy a disk"),
        Check("bug", bug, "report it"),
        Check("fine", lambda _: ok("well"), ""),
    ]
    found = {one.name: one.finding for one in run(checks, None)}
    hanging.set()
    assert level(found["hangs"], "no answer in 0.2 s", "wait") is Level.PROBLEM
    assert level(found["breaks"], "Input/output error", "/dev/sda") is Level.PROBLEM
    assert level(found["bug"], "ZeroDivisionError", "report it") is Level.PROBLEM
    assert found["fine"] == ok("well")


def test_permissions(home: Home) -> None:
    assert level(folder.permissions(home)) is Level.OK
    (home.folder / "wallet.json").chmod(0o640)
    assert level(folder.permissions(home), "wallet.json", "chmod") is Level.PROBLEM
    (home.folder / "wallet.json").chmod(0o600)
    home.folder.chmod(0o755)
    assert level(folder.permissions(home), str(home.folder)) is Level.PROBLEM
    assert level(folder.permissions(Home(home.folder / "nowhere"))) is Level.PROBLEM


def test_the_wallet_is_opened_where_the_passphrase_is_at_hand(home: Home, tmp_path: Path) -> None:
    assert level(folder.wallet(home), "not opened") is Level.OK
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o600)
    assert level(folder.wallet(Home(home.folder, {"passphrase_file": file})), "opens") is Level.OK
    file.write_text("another one")
    (found,) = run(
        [Check("wallet", folder.wallet, "restore it")],
        Home(home.folder, {"passphrase_file": file}),
    )
    assert level(found.finding, "passphrase", "restore it") is Level.PROBLEM


def test_a_store_is_read_to_its_last_page(home: Home) -> None:
    assert level(folder.store(home), "no records yet") is Level.OK
    store = Store.open(home.folder, Identity(DOMAIN, ANN.index, ANN.key_hash, CONTRACT))
    assert level(folder.store(home), f"account {ANN.index}, 0 channels") is Level.OK
    assert home.contract() == CONTRACT
    store.close()
    path = home.folder / "node.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    for broken in (bytes(content), b"no database"):
        path.write_bytes(broken)
        (found,) = run([Check("store", folder.store, "wattlane node restore")], home)
        assert level(found.finding, "node.db", "wattlane node restore") is Level.PROBLEM


def test_who_holds_the_folder_and_does_not_answer_is_named(home: Home) -> None:
    assert level(folder.process(home), "no node runs") is Level.WARNING
    store = Store.open(home.folder, Identity(DOMAIN, ANN.index, ANN.key_hash, CONTRACT))
    try:
        assert level(folder.process(home), f"process {os.getpid()} (") is Level.PROBLEM
    finally:
        store.close()


@pytest.mark.parametrize(("left_s", "expected"), [(3_600, Level.PROBLEM), (170_000, Level.WARNING)])
def test_vouchers_that_are_not_on_l1_while_a_channel_closes(
    home: Home, left_s: int, expected: Level
) -> None:
    """Ben holds a voucher, and Ann has closed without it."""
    assert level(folder.deadlines(home)) is Level.OK
    promised = voucher(Payment(5, 200).on(0))
    taken = accept_voucher(ben(), promised, Payment(5, 200), CLOCK, BEN.key_hash, DEFAULT_POLICY)
    assert taken.received == promised
    closing = replace(leaf(status=Status.CLOSING), deadline=int(time.time()) + left_s)

    async def write() -> None:
        store = Store.open(home.folder, Identity(DOMAIN, BEN.index, BEN.key_hash, CONTRACT))
        await store.write(SaveLeaf(ben()))
        bill = Bill("p", LEAF.id, ANN.index, Direction.IN, 5, 1_000, 200, 0, 1, True)
        await store.write(SaveReceived(promised, bill))
        await store.write(SaveLeaf(ben(closing)))
        store.close()

    asyncio.run(write())
    assert level(folder.deadlines(home), f"{LEAF.id:#x}", "force claim") is expected


def test_settings_that_are_missing_or_broken(home: Home) -> None:
    assert level(folder.settings(home), "node init") is Level.PROBLEM
    urls = {"l1": "http://127.0.0.1:1", "sequencer": "http://127.0.0.1:2"}
    assert level(folder.settings(Home(home.folder, dict(urls)))) is Level.OK
    (home.folder / "node.toml").write_text("relay = 'sometimes'\n")
    (found,) = run([Check("settings", folder.settings, "correct it")], home)
    assert level(found.finding, "node.toml", "relay") is Level.PROBLEM
    assert Home(home.folder, dict(urls)).given().l1 == urls["l1"], "the others go on without it"


@pytest.fixture
def core_dumps() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def test_limits_of_the_process(home: Home, core_dumps: None) -> None:
    assert level(machine.limits(home)) is Level.OK
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        assert level(machine.limits(home), "512", "ulimit -n") is Level.WARNING
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@dataclass
class Disk:
    free: int


def test_disk_python_and_kernels(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, expected in (
        (50_000_000, Level.PROBLEM),
        (500_000_000, Level.WARNING),
        (5_000_000_000, Level.OK),
    ):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Disk(free))
        assert level(machine.space(home)) is expected
    monkeypatch.setattr(machine, "_file_system", lambda _: "tmpfs")
    assert level(machine.syncing(home), "power cut") is Level.PROBLEM
    monkeypatch.setattr(machine, "_file_system", lambda _: "nfs4")
    assert level(machine.syncing(home), "ms a synchronised write") is Level.WARNING
    assert level(machine.python(home)) is Level.OK
    monkeypatch.setattr(machine, "OLDEST", (3, 99))
    assert level(machine.python(home), "install Python") is Level.PROBLEM
    monkeypatch.setenv("WATTLANE_CACHE", "/proc/nowhere")
    assert level(machine.kernels(home), "WATTLANE_CACHE") is Level.PROBLEM


def test_nothing_answers_and_every_line_says_what_to_do(home: Home) -> None:
    nobody = "http://127.0.0.1:9"
    urls: dict[str, object] = {"l1": nobody, "sequencer": nobody, "contract": CONTRACT}
    found = {one.name: one.finding for one in run(CHECKS, Home(home.folder, urls))}
    for name in ("l1", "contract", "ether", "sequencer"):
        assert level(found[name], "127.0.0.1:9") is Level.PROBLEM
    assert level(found["relay"], "no answer") is Level.WARNING
    assert level(found["towers"], "towers in node.toml") is Level.WARNING
    assert level(found["peers"]) is Level.OK
    only = Home(home.folder, {**urls, "relay": "always", "peers": {7: "ws://127.0.0.1:9"}})
    assert level(network.relay(only)) is Level.PROBLEM
    assert level(network.peers(only), "account 7") is Level.WARNING


def test_the_command_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = wattlane("doctor", "--folder", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(CHECKS)
    assert all(line.split()[0] in ("ok", "warning", "problem") for line in lines)
