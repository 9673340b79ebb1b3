"""Two homes live through the command line alone: wallet, deposit, channel, payment, withdrawal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.erc20 import TokenClient
from contracts.transactions import Sender
from tests.e2e.sequencer_process import SequencerProcess, Setting, start_l1
from tests.wattlane.cli.running import assert_one_line, command_line, environment, wattlane

PASSPHRASE = "correct horse battery"
TOKENS_NTOK = 20 * 10**9


@contextmanager
def _node(folder: Path, *options: str) -> Iterator[tuple[str, str]]:
    """A running node: its account and its WebSocket address."""
    command = [*command_line(), "node", "run", "--folder", str(folder), *options]
    process = subprocess.Popen(
        [*command, "--wait-for-account", "60"],
        env=environment(WATTLANE_PASSPHRASE=PASSPHRASE),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        words = next(line for line in process.stdout if "listens on" in line).split()
        yield words[1], words[-1]
    finally:
        process.terminate()
        assert process.wait(120) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Setting, SequencerProcess]]:
    """A rollup with a running sequencer, proofs simulated."""
    with start_l1() as chain:
        folder = tmp_path_factory.mktemp("cli") / "operator"
        setting = Setting.make(chain, folder)
        process = SequencerProcess(folder).ready()
        yield setting, process
        process.kill()


def _good(*arguments: str) -> str:
    done = wattlane(*arguments, WATTLANE_PASSPHRASE=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _home(setting: Setting, folder: Path) -> None:
    """A wallet with gas and tokens on L1, and five of them deposited."""
    made = _good("wallet", "new", "--folder", str(folder))
    address = next(line.split()[-1] for line in made.splitlines() if line.startswith("L1 address"))
    giver = Sender(setting.chain.rpc, setting.chain.accounts[1])  # the operator's are its daemon's
    giver.send(address, b"", 10**17)
    rollup = setting.homes.settings()
    TokenClient(giver, rollup.token).transfer(address, rollup.base_units(TOKENS_NTOK))
    on_l1 = ("--l1", setting.chain.url, "--contract", setting.settings.contract)
    assert "newly opened" in _good("deposit", "4", "--folder", str(folder), *on_l1)
    assert "newly opened" not in _good("deposit", "1", "--folder", str(folder), *on_l1)


def test_a_session(site: tuple[Setting, SequencerProcess], tmp_path: Path) -> None:
    setting, sequencer = site
    ann, ben = tmp_path / "ann", tmp_path / "ben"
    for folder in (ann, ben):
        _home(setting, folder)
    rollup = ("--l1", setting.chain.url, "--sequencer", sequencer.url, "--confirmations", "0")
    of_ann = ("--folder", str(ann))
    with _node(ben, *rollup) as (account, url), _node(ann, *rollup, "--peer", f"{account}={url}"):
        opened = _good("channel", "open", account, "2.5", *of_ann)
        channel = opened.split()[1]
        paid = _good("channel", "pay", channel, "1200", "200000", "--id", "noon", *of_ann)
        assert "paid 0.240000000 tokens for 1200 Wh" in paid
        _good("channel", "pay", channel, "1200", "200000", "--id", "noon", *of_ann)  # not again
        listed = _good("channel", "list", "--folder", str(ben))
        assert "received 0.240000000 for 1.200 kWh" in listed
        assert channel in listed

        too_much = wattlane("channel", "pay", channel, "20000", "200000", *of_ann)
        assert_one_line(too_much, 1, "OverCapacity", "top up first")
        unknown = wattlane("channel", "pay", "0x123", "1", "1", *of_ann)
        assert_one_line(unknown, 1, "UnknownChannel")

        nothing = wattlane("force", "claim", channel, "--yes", *of_ann)
        assert nothing.returncode == 1
        assert "fee          0.00001 ether" in nothing.stdout
        assert "NothingToForce" in nothing.stderr

        assert "closed" in _good("channel", "close", channel, *of_ann)
        assert "5.2400" in _good("balance", "--folder", str(ben))
        assert "are on L1" in _good("withdraw", "5", "--folder", str(ben))
        assert "final on L1  0.23" in _good("balance", "--folder", str(ben))

    # No node runs any more: a command opens the folder's node itself, if it is told how.
    assert_one_line(wattlane("balance", *of_ann), 1, "no node is running", "wattlane node run")
    assert "final on L1  4.75" in _good("balance", *of_ann, *rollup)

    on_l1 = ("--l1", setting.chain.url, "--contract", setting.settings.contract)
    before = _good("wallet", "show", *of_ann)
    changed = _good("force", "key", "--yes", *of_ann, *on_l1)
    assert "(number 1)" in changed
    assert _good("wallet", "show", *of_ann).splitlines()[-1] != before.splitlines()[-1]
    assert "goes to 0x" in _good("force", "exit", "--yes", *of_ann, *on_l1)
    assert "newly opened" not in _good("deposit", "0.5", *of_ann, *on_l1), "the account it has"
    assert_one_line(wattlane("force", "exit", *of_ann, *on_l1, WATTLANE_PASSPHRASE=PASSPHRASE), 1)
    assert "the same as L1's" in _good("status", *on_l1, "--sequencer", sequencer.url)
    verified = _good("verify-batch", "1", *on_l1)
    counted = re.search(r"1 batches with (\d) proofs verified, (\d+) checks", verified)
    assert counted is not None, verified
    assert int(counted[2]) == 5 + 6 * int(counted[1])  # a batch's own, and those of each proof
    assert_one_line(wattlane("verify-batch", "999", *on_l1), 1, "no batch '999'")


def test_a_deposit_beyond_the_tokens_on_l1_is_refused_before_anything_is_sent(
    site: tuple[Setting, SequencerProcess], tmp_path: Path
) -> None:
    setting, _ = site
    _good("wallet", "new", "--folder", str(tmp_path))
    on_l1 = ("--l1", setting.chain.url, "--contract", setting.settings.contract)
    arguments = ("deposit", "1", "--folder", str(tmp_path), *on_l1)
    done = wattlane(*arguments, WATTLANE_PASSPHRASE=PASSPHRASE)
    assert_one_line(done, 1, "holds 0.000000000 tokens on L1")
