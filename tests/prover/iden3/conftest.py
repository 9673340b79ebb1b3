"""snarkjs and circom for the whole package; powers of tau by two parties and a beacon."""

from __future__ import annotations

from pathlib import Path

import pytest

from prover.iden3.r1cs import write_r1cs
from tests.prover.iden3.circuits import four
from tests.support.iden3_tools import Iden3Tools, ToolsUnavailable, iden3_tools

POWER = 6
BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
ENTROPY = b"entropy of the tests of files, known"


@pytest.fixture(scope="session")
def tools() -> Iden3Tools:
    """snarkjs and circom, or a plain word that these tests did not run."""
    try:
        return iden3_tools()
    except ToolsUnavailable as error:
        pytest.skip(f"the tests against snarkjs DID NOT RUN: {error}")


@pytest.fixture(scope="session")
def unprepared_ptau(tools: Iden3Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Powers of tau by two contributions and a beacon."""
    folder = tmp_path_factory.mktemp("ptau")
    tools.snarkjs(folder, "powersoftau", "new", "bls12-381", str(POWER), "0.ptau")
    for number in (1, 2):
        files = (f"{number - 1}.ptau", f"{number}.ptau")
        tools.snarkjs(folder, "powersoftau", "contribute", *files, "-e=known", f"-n=party {number}")
    tools.snarkjs(folder, "powersoftau", "beacon", "2.ptau", "beacon.ptau", BEACON, "10")
    return folder / "beacon.ptau"


@pytest.fixture(scope="session")
def ptau(tools: Iden3Tools, unprepared_ptau: Path) -> Path:
    """The same, prepared by snarkjs for the second phase."""
    folder = unprepared_ptau.parent
    tools.snarkjs(folder, "powersoftau", "prepare", "phase2", unprepared_ptau, "final.ptau")
    return folder / "final.ptau"


@pytest.fixture(scope="session")
def ceremony(tools: Iden3Tools, ptau: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with final.zkey: two parties and a beacon, each step by snarkjs, and verified."""
    folder = tmp_path_factory.mktemp("ceremony")
    write_r1cs(folder / "four.r1cs", four().r1cs)
    tools.snarkjs(folder, "groth16", "setup", "four.r1cs", ptau, "0.zkey")
    for number in (1, 2):
        files = (f"{number - 1}.zkey", f"{number}.zkey")
        tools.snarkjs(folder, "zkey", "contribute", *files, "-e=known", f"-n=party {number}")
    tools.snarkjs(folder, "zkey", "beacon", "2.zkey", "final.zkey", BEACON, "10", "-n=beacon")
    assert "ZKey Ok!" in tools.snarkjs(folder, "zkey", "verify", "four.r1cs", ptau, "final.zkey")
    tools.snarkjs(folder, "zkey", "export", "verificationkey", "final.zkey", "key.json")
    return folder
