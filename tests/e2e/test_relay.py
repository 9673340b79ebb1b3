"""Real processes: a sequencer with its relay, and two homes of which one cannot be dialled."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from channels.control_client import ControlClient
from channels.errors import CommandFailed
from channels.wallet import Wallet
from protocol.units import DAY_S
from sequencer.settings import FILE as SEQUENCER_FILE
from tests.e2e.sequencer_process import SequencerProcess, Setting, start_l1
from tests.e2e.test_nodes import ETHER, PASSPHRASE, START_NTOK
from tests.wattlane.cli.running import environment, wattlane

PRICE = 10
WAIT_S = 90.0
PASSING = ("PaymentPending", "PeerUnreachable", "PeerNotReady")


class HomeProcess:
    """`wattlane node run` in a folder, with what node.toml there says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.folder / "control.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "wattlane", "node", "run", "--folder", str(self.folder)]
        self._process = subprocess.Popen(
            command, env=environment(WATTLANE_PASSPHRASE=PASSPHRASE), stdout=subprocess.DEVNULL
        )

    def end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(WAIT_S)

    def call(self, command: str, **fields: Any) -> Any:
        """One command to the running node, waiting for it to come up."""

        async def ask() -> Any:
            async with (
                asyncio.timeout(WAIT_S),
                AsyncExitStack() as stack,
            ):
                connecting = ControlClient.connect(self.folder, WAIT_S)
                node = await stack.enter_async_context(connecting)
                return await node.call(command, **fields)

        return asyncio.run(ask())

    def pay(self, channel_id: int, payment_id: str) -> None:
        """Pay once, however often that has to be said."""
        for _ in range(60):
            try:
                self.call(
                    "pay",
                    channel_id=channel_id,
                    energy_wh=1,
                    price_utok_per_kwh=PRICE,
                    payment_id=payment_id,
                )
                return
            except CommandFailed as error:
                if error.reason_code not in PASSING:
                    raise
        raise AssertionError(f"{payment_id} was never acknowledged")

    def paid_in(self, channel_id: int) -> int:
        (found,) = [one for one in self.call("channels") if int(one["channel_id"]) == channel_id]
        return int(found["paid_in_ntok"])


class Site:
    """L1, sequencer, and two funded homes with settings."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting = setting
        self.operator = setting.settings.folder
        self.sequencer = SequencerProcess(self.operator).ready()
        self.keep_port()
        self.homes = [self.make(folder / name) for name in ("ann", "ben")]

    def keep_port(self) -> None:
        """The sequencer comes back where it was."""
        path = self.operator / SEQUENCER_FILE
        port = self.sequencer.url.rpartition(":")[2]
        path.write_text(path.read_text().replace("listen_port = 0", f"listen_port = {port}"))

    def make(self, folder: Path) -> HomeProcess:
        wallet, _ = Wallet.create(folder, PASSPHRASE)
        payer = self.setting.homes
        payer.sender.send(wallet.l1_address, b"", value_wei=ETHER)
        payer.new_account(wallet.key_hash, wallet.l1_address, START_NTOK)
        return HomeProcess(folder)

    def init(self, home: HomeProcess, *options: str) -> None:
        done = wattlane(
            "node",
            "init",
            "--folder",
            str(home.folder),
            "--l1",
            self.setting.settings.l1_url,
            "--sequencer",
            self.sequencer.url,
            "--confirmations",
            "0",
            *options,
        )
        assert done.returncode == 0, done.stderr
        path = home.folder / "node.toml"
        text = path.read_text()
        path.write_text(text.replace("# wait_for_account = 0.0", "wait_for_account = 60"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with start_l1() as chain:
        made = Site(Setting.make(chain, tmp_path / "operator"), tmp_path)
        try:
            yield made
        finally:
            for home in made.homes:
                if home._process is not None:
                    home._process.kill()
                    home._process.wait()
            made.sequencer.kill()


def doctor(home: HomeProcess, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit status, and what it found by check."""
    done = wattlane("doctor", "--json", "--folder", str(home.folder), *options)
    assert not done.stderr, done.stderr
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


def test_homes_meet_through_the_relay_and_the_doctor_sees_it(site: Site) -> None:
    """Killed and started again, homes and sequencer: every payment arrives, and once."""
    ann, ben = site.homes
    site.init(ann, "--peer", "4=ws://127.0.0.1:9")  # nobody listens there
    site.init(ben, "--relay", "always")
    ann.start()
    ben.start()
    ben_index = int(ben.call("info")["account_index"])
    assert not ben.call("info")["url"]
    assert ben_index == 4
    opened = ann.call(
        "open_channel", peer=ben_index, deposit_ntok=START_NTOK // 2, window_s=2 * DAY_S
    )
    channel_id = int(opened["channel_id"])
    ann.pay(channel_id, "first")
    assert ann.call("health")["peers"] == {str(ben_index): "relay"}

    status, found = doctor(ann)
    problems = [one for one in found.values() if one["level"] == "problem"]
    assert not problems, problems
    assert status == 0
    for name in ("store", "node", "l1", "contract", "ether", "sequencer", "relay", "peers"):
        assert found[name]["level"] == "ok", found[name]
    assert "registered" in found["relay"]["said"]
    assert "1 of them through the relay" in found["peers"]["said"]

    assert ben.end(signal.SIGKILL) == -signal.SIGKILL
    ben.start()
    ann.pay(channel_id, "after-a-kill")
    site.sequencer.kill()
    site.sequencer = SequencerProcess(site.operator).ready()
    ann.pay(channel_id, "after-the-relays-end")
    assert ben.paid_in(channel_id) == 3 * PRICE
    assert ann.end(signal.SIGTERM) == ben.end(signal.SIGTERM) == 0

    log = (ann.folder / "node.log").read_text()
    assert 'level=info event="node runs" account=3' in log
    assert 'event="node stops"' in log
    assert PASSPHRASE not in log
    site.sequencer.kill()
    (ann.folder / "node.db").chmod(0o644)
    (ben.folder / "node.db").write_bytes(b"no database at all" * 999)
    status, found = doctor(ann, "--l1", "http://127.0.0.1:9")
    assert status == 1
    assert found["l1"]["level"] == found["sequencer"]["level"] == "problem"
    assert found["permissions"]["mend"].startswith("chmod go-rwx")
    assert (found["store"]["level"], found["node"]["level"]) == ("ok", "warning")
    assert all(one["mend"] for one in found.values() if one["level"] != "ok")
    status, found = doctor(ben)
    assert (status, found["store"]["level"], found["l1"]["level"]) == (1, "problem", "warning")
    assert "which contract to look at is not known" in found["l1"]["said"]
