"""The Solidity project that forge and halmos see: our sources and the committed bytecode as one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from eth_abi.abi import encode

from contracts.abi import load
from protocol.crypto.field import R
from tests.support.simulated_proofs import EXIT_KEY, SimulatedKey, g1_bytes, g2_bytes

SOURCES = Path(__file__).parent
TAKEN = "taken.txt"
"""What each run of the invariants took: a line a kind of step, its name and how often."""

KEY = SimulatedKey(2_026)

CONFIG = """\
[profile.default]
src = "src"
test = "src"
out = "out"
libs = []
solc = "{solc}"
evm_version = "prague"
hardfork = "{hardfork}"
optimizer = true
optimizer_runs = 1
offline = true
fs_permissions = [{{ access = "write", path = "./{taken}" }}]

[lint]
lint_on_build = false

[profile.default.fuzz]
seed = "0x7ea"

[profile.default.invariant]
runs = {runs}
depth = {depth}
fail_on_revert = true
shrink_run_limit = 500
failure_persist_dir = "failures"
"""


def write_project(folder: Path, solc: Path, hardfork: str, runs: int, depth: int) -> None:
    """A project in `folder`, whatever was there before. `runs` of `depth` calls an invariant."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    for source in SOURCES.glob("*.sol"):
        shutil.copy(source, folder / "src" / source.name)
    config = CONFIG.format(solc=solc, hardfork=hardfork, runs=runs, depth=depth, taken=TAKEN)
    (folder / "foundry.toml").write_text(config, encoding="utf-8")
    (folder / "src" / "Committed.sol").write_text(committed(), encoding="utf-8")


def committed() -> str:
    """A library of constants: the artifacts' bytecode, two keys, and the first one's trapdoor."""
    token = load("token").deployment("Token", "T", 18)
    small = load("token").deployment("Token", "T", 9)
    (key_type,) = {kind for kind in load("rollup").constructor_types if kind.startswith("(")}
    codes = {
        "ROLLUP": load("rollup").bytecode,
        "EXODUS_BLUEPRINT": load("exodus").blueprint_deployment(),
        "TOKEN_18": token,
        "TOKEN_9": small,
        "KEY": encode([key_type], [KEY.key.for_contract()]),
        "EXIT_KEY": encode([key_type], [EXIT_KEY.key.for_contract()]),
        "G1": g1_bytes(1),
        "G2": g2_bytes(1),
    }
    numbers = {
        "R": R,
        "ALPHA_BETA": KEY.alpha * KEY.beta % R,
        "GAMMA": KEY.gamma,
        "DELTA_INVERSE": pow(KEY.delta, -1, R),
    } | {f"IC_{i}": scalar for i, scalar in enumerate(KEY.ic)}
    return _library(codes, numbers)


def _library(codes: Mapping[str, bytes], numbers: Mapping[str, int]) -> str:
    lines = ["// SPDX-License-Identifier: Apache-2.0", "pragma solidity 0.8.30;", ""]
    lines += ["library Committed {"]
    lines += [f"    uint256 internal constant {name} = {value};" for name, value in numbers.items()]
    lines += [
        f'    bytes internal constant {name} = hex"{code.hex()}";' for name, code in codes.items()
    ]
    return "\n".join([*lines, "}", ""])
