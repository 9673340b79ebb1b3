"""The shell completes commands, options, channels and folders: asked as a real bash asks."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from channels.records import Identity, SaveLeaf
from channels.store import Store
from tests.channels.street import ANN, DOMAIN, LEAF, ann
from tests.wattlane.cli.running import environment

BASH = shutil.which("bash")
ASK = """
source "$1"
COMP_WORDS=(${@:2})
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[ "${COMP_WORDS[COMP_CWORD]}" = _ ] && COMP_WORDS[COMP_CWORD]=""
$(complete -p wattlane | sed 's/.*-F \\([^ ]*\\) .*/\\1/') wattlane
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `wattlane` command of this very tree."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "wattlane"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wattlane "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def script(bin_folder: Path) -> Path:
    """What --show-completion prints."""
    said = subprocess.run(
        [bin_folder / "wattlane", "--show-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"),  # whatever runs this
    )
    path = bin_folder / "completion.sh"
    path.write_text(said.stdout)
    return path


def offered(script: Path, *words: str, cwd: Path | None = None, **more: str) -> list[str]:
    """What bash offers for the last of `words`; "_" stands for nothing typed yet."""
    assert BASH is not None
    paths = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BASH, "--norc", "-c", ASK, "bash", script, "wattlane", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(PATH=paths, **more),
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_bash_completes_commands_and_options(script: Path) -> None:
    assert offered(script, "cha") == ["channel"]
    assert {"open", "pay", "close", "list"} <= set(offered(script, "channel", "_"))
    assert "--passphrase-file" in offered(script, "node", "run", "--pass")


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_bash_completes_channels_and_folders(script: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert offered(script, "channel", "close", "_", WATTLANE_FOLDER=str(home)) == []
    asyncio.run(_a_channel_in(home))
    assert offered(script, "channel", "close", "0x", WATTLANE_FOLDER=str(home)) == [f"{LEAF.id:#x}"]
    typed = ["channel", "close", "--folder", str(home), "_"]
    assert offered(script, *typed) == [f"{LEAF.id:#x}"]
    (home / "wallet.json").write_text("{}")
    assert offered(script, "balance", "--folder", "ho", cwd=tmp_path) == ["home"]
    (home / "node.db").write_text("no database")
    assert offered(script, *typed) == []


async def _a_channel_in(home: Path) -> None:
    store = Store.open(home, Identity(DOMAIN, ANN.index, ANN.key_hash, "0x" + "11" * 20))
    await store.write(SaveLeaf(ann()))
    store.close()


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_it_installs_itself_into_a_home(script: Path, tmp_path: Path) -> None:
    paths = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [script.parent / "wattlane", "--install-completion", "bash"],
        capture_output=True,
        check=True,
        env=environment(HOME=str(tmp_path), PATH=paths),
    )
    written = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert any("_WATTLANE_COMPLETE" in one.read_text() for one in written)
    assert any("wattlane" in one.read_text() for one in written if one.name == ".bashrc")
