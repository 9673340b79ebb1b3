"""forge, a Solidity compiler and halmos, in the user's cache and not in the project's lock.

forge and solc come from npm, as contracts/chain/anvil.py has anvil from there; halmos from PyPI
into an environment of its own. Versions are pinned; no script of an npm package runs.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

FORGE_VERSION = "1.7.1"
SOLC_VERSION = "0.8.30"
HALMOS_LOCK = Path(__file__).parent / "halmos.lock"
INSTALL_TIMEOUT_S = 600.0

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

_COMPILER = """\
#!/usr/bin/env node
"use strict";
const fs = require("fs");
const solc = require("./node_modules/solc");
if (process.argv.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface\\nVersion: " + solc.version());
} else {
  fs.writeFileSync(1, solc.compile(fs.readFileSync(0, "utf8")));
}
"""
"""What forge takes for a native compiler: it asks for the version, or gives standard JSON."""


class NoNpm(Exception):
    """There is no npm on this machine, or no node, which runs the compiler."""


@dataclass
class InstallFailed(Exception):
    """npm or pip did not install what was asked for; `problem` is the end of what they said."""

    what: str
    problem: str

    def __str__(self) -> str:
        return f"{self.what} could not be installed: {self.problem}"


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of three programs."""

    forge: Path
    solc: Path
    halmos: Path


def installed() -> Tools:
    """The tools, installed where they are not there. Raises NoNpm, InstallFailed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NoNpm
    cache = user_cache_path("wattlane")
    cache.mkdir(parents=True, exist_ok=True)
    packages = cache / f"forge-{FORGE_VERSION}-solc-{SOLC_VERSION}"
    if not packages.exists():
        _install_packages(npm, packages)
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    forge = f"node_modules/@foundry-rs/forge-{platform.system().lower()}-{machine}/bin/forge"
    if not os.access(packages / forge, os.X_OK):
        raise InstallFailed("forge", f"npm installed no {packages / forge}; delete {packages}")
    environment = cache / f"halmos-{_lock_name()}"
    halmos = environment / "bin" / "halmos"
    if not (environment / "complete").exists():
        _install_halmos(environment)
    return Tools(packages / forge, packages / "solc", halmos)


def _lock_name() -> str:
    (pin,) = [line for line in HALMOS_LOCK.read_text().splitlines() if line.startswith("halmos==")]
    return pin.removeprefix("halmos==")


def _install_packages(npm: str, folder: Path) -> None:
    """npm into a folder beside the final one, then one rename: half an install is never seen."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="forge-") as unfinished:
        tree = Path(unfinished) / "tree"
        tree.mkdir()
        command = [npm, "install", "--no-save", "--no-package-lock", "--ignore-scripts"]
        command += ["--prefix", str(tree)]
        command += [f"@foundry-rs/forge@{FORGE_VERSION}", f"solc@{SOLC_VERSION}"]
        _run("forge and solc", command)
        compiler = tree / "solc"
        compiler.write_text(_COMPILER, encoding="utf-8")
        compiler.chmod(0o755)
        if not folder.exists():
            tree.rename(folder)


def _install_halmos(environment: Path) -> None:
    """An environment cannot be moved: a file says when it is complete, else it is made anew."""
    venv.create(environment, clear=True, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    _run("halmos", [*pip, "install", "--quiet", "--no-deps", "-r", str(HALMOS_LOCK)])
    (environment / "complete").write_text(sys.version, encoding="utf-8")


def _run(what: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise InstallFailed(what, "it took longer than 10 minutes") from error
    if done.returncode:
        raise InstallFailed(what, (done.stderr or done.stdout).strip()[-500:])
