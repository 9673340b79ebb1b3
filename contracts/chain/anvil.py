"""anvil 1.7.1 as a development chain under the Osaka rules, installed by npm into the user's cache.

Set WATTLANE_ANVIL to use a binary that is already there. Ref: foundry-rs/foundry, anvil.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_path

from contracts.chain.chain import (
    DEV_BALANCE_WEI,
    DEV_CHAIN_ID,
    LOOPBACK,
    Chain,
    ChainUnavailable,
    launch,
)
from contracts.finality import find_block

VERSION = "1.7.1"
HARDFORK = "osaka"
INSTALL_TIMEOUT_S = 300.0
OVERRIDE = "WATTLANE_ANVIL"

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def start_anvil(port: int, state: Path | None, hardfork: str = HARDFORK) -> Chain:
    """Start anvil, installing it first where it is not there. Raises ChainUnavailable.

    `hardfork`: rules other than Osaka's, for tests of what happens on an older chain.
    """
    command = [str(anvil_binary()), "--host", LOOPBACK, "--port", str(port)]
    command += ["--hardfork", hardfork, "--chain-id", str(DEV_CHAIN_ID), "--accounts", "0"]
    if state is not None:
        command += ["--state", str(state), "--preserve-historical-states"]
    chain = launch("anvil", command, port)
    for account in chain.accounts:
        if chain.rpc.quantity("eth_getBalance", account.address, "latest") == 0:
            chain.rpc.call("anvil_setBalance", account.address, hex(DEV_BALANCE_WEI))
    _catch_up(chain)
    return chain


def _catch_up(chain: Chain) -> None:
    """A chain loaded from its file never goes back in time, however far it had been pushed."""
    newest = find_block(chain.rpc, "latest")
    ahead_s = 0 if newest is None else newest.timestamp - int(time.time())
    if ahead_s > 0:
        chain.advance_time(ahead_s)


def anvil_binary() -> Path:
    """The path of anvil, installed by npm where needed. Raises ChainUnavailable."""
    override = os.environ.get(OVERRIDE)
    if override:
        path = Path(override)
        if not os.access(path, os.X_OK):
            raise ChainUnavailable("anvil", f"{OVERRIDE}={override} is no executable file")
        return path
    folder = user_cache_path("wattlane") / f"anvil-{VERSION}"
    binary = folder / _package_folder() / "bin" / "anvil"
    if not binary.exists():
        _install(folder)
    if not os.access(binary, os.X_OK):
        raise ChainUnavailable("anvil", f"npm installed no {binary}; delete {folder}, try again")
    return binary


def _package_folder() -> str:
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    return f"node_modules/@foundry-rs/anvil-{platform.system().lower()}-{machine}"


def _install(folder: Path) -> None:
    """npm into a folder beside the final one, then one rename: half an install is never seen."""
    npm = shutil.which("npm")
    if npm is None:
        raise ChainUnavailable(
            "anvil",
            f"npm is not installed; install Node.js, set {OVERRIDE} to an anvil binary, "
            "or use the embedded chain",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="anvil-") as unfinished:
            _run_npm(npm, Path(unfinished))
            if folder.exists() and not (folder / _package_folder() / "bin" / "anvil").exists():
                shutil.rmtree(folder)
            if not folder.exists():
                (Path(unfinished) / "tree").rename(folder)
    except OSError as error:
        raise ChainUnavailable("anvil", f"{folder} cannot be written: {error}") from error


def _run_npm(npm: str, unfinished: Path) -> None:
    tree = unfinished / "tree"
    tree.mkdir()
    command = [npm, "install", "--no-save", "--no-package-lock", "--ignore-scripts"]
    command += ["--prefix", str(tree), f"@foundry-rs/anvil@{VERSION}"]
    try:
        done = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise ChainUnavailable("anvil", "npm install took longer than 5 minutes") from error
    if done.returncode:
        problem = (done.stderr or done.stdout).strip()[-500:]
        raise ChainUnavailable("anvil", f"npm install failed: {problem}")
