"""snarkjs and circom, from npm, in the user's cache: what our files are compared against.

Where node or npm is missing, whoever asks is told so: tests then say that they did not run.
Ref: npmjs.com, snarkjs and circom2 (circom compiled to WebAssembly), at the versions below.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

SNARKJS, CIRCOM2 = "0.7.6", "0.2.23"
INSTALL_TIMEOUT_S, COMMAND_TIMEOUT_S = 300.0, 600.0


@dataclass
class ToolsUnavailable(Exception):
    """node, npm or the packages cannot be had on this machine."""

    what: str

    def __str__(self) -> str:
        return f"snarkjs {SNARKJS} and circom2 {CIRCOM2} are not there: {self.what}"


@dataclass
class ToolFailed(Exception):
    """A command ended with an error; `output` is what it printed."""

    command: str
    output: str

    def __str__(self) -> str:
        return f"{self.command}: {self.output[-2000:]}"


@dataclass(frozen=True, slots=True)
class Iden3Tools:
    """The installed packages; commands run in a folder that the caller names."""

    node: str
    modules: Path

    def snarkjs(self, folder: Path, *arguments: str | Path) -> str:
        """Run snarkjs and return what it printed. Raises ToolFailed."""
        script = self.modules / "snarkjs" / "build" / "cli.cjs"
        return self._run(folder, [str(script), *map(str, arguments)])

    def circom(self, folder: Path, source: Path) -> None:
        """Compile for BLS12-381 into `folder`: NAME.r1cs and NAME_js. Raises ToolFailed."""
        script = self.modules / "circom2" / "cli.js"
        options = ["--r1cs", "--wasm", "--prime", "bls12381", "-o", "."]
        self._run(folder, [str(script), source.name, *options])

    def witness(self, folder: Path, name: str, inputs: Mapping[str, object]) -> Path:
        """NAME.wtns of a compiled circuit, for these inputs. Raises ToolFailed."""
        (folder / f"{name}.json").write_text(json.dumps(inputs))
        wasm = Path(f"{name}_js") / f"{name}.wasm"
        self.snarkjs(folder, "wtns", "calculate", wasm, f"{name}.json", f"{name}.wtns")
        return folder / f"{name}.wtns"

    def _run(self, folder: Path, command: Sequence[str]) -> str:
        done = subprocess.run(
            [self.node, *command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        output = done.stdout + done.stderr
        if done.returncode:
            raise ToolFailed(" ".join(command[1:]), output)
        return output


@cache
def iden3_tools() -> Iden3Tools:
    """The tools, installed by npm where they are not there. Raises ToolsUnavailable."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ToolsUnavailable("install Node.js 20 or newer, with npm")
    folder = user_cache_path("wattlane") / f"iden3-tools-{SNARKJS}-{CIRCOM2}"
    modules = folder / "node_modules"
    if not (modules / "snarkjs" / "build" / "cli.cjs").exists():
        _install(npm, folder)
    return Iden3Tools(node, modules)


def _install(npm: str, folder: Path) -> None:
    """npm into a folder beside the final one, then one rename: half an install is never seen."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="iden3-") as unfinished:
            tree = Path(unfinished) / "tree"
            tree.mkdir()
            command = [npm, "install", "--no-save", "--no-package-lock", "--ignore-scripts"]
            command += ["--prefix", str(tree), f"snarkjs@{SNARKJS}", f"circom2@{CIRCOM2}"]
            done = subprocess.run(
                command, cwd=tree, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
            )
            if done.returncode:
                raise ToolsUnavailable(f"npm: {(done.stderr or done.stdout).strip()[-500:]}")
            if not folder.exists():
                tree.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise ToolsUnavailable("npm install took longer than 5 minutes") from error
    except OSError as error:
        raise ToolsUnavailable(f"{folder} cannot be written: {error}") from error
