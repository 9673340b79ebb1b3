"""`wattlane ceremony`: contributions, a beacon, and the check of them, on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prover import Builder, Circuit, export
from prover.circuits import exit as exit_
from prover.iden3.phase2 import contribute
from prover.iden3.zkey import open_zkey
from tests.prover.iden3.test_damaged_files import write_known_ptau
from tests.wattlane.cli.running import assert_one_line, wattlane

COUNTS = Path(exit_.__file__).with_name("exit_counts.json")
BEACON = "c0ffee" * 10


def _square(b: Builder) -> None:
    y, x = b.public("y"), b.input("x")
    b.enforce_equal(b.mul(x, x), y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """circuit.r1cs, powers.ptau, and the keys 0.zkey, 1.zkey, 2.zkey."""
    folder = tmp_path_factory.mktemp("ceremony")
    export(folder, Circuit("square", _square))
    write_known_ptau(folder / "powers.ptau", power=3)
    names = ("circuit.r1cs", "powers.ptau", "0.zkey", "1.zkey", "2.zkey")
    circuit, powers, first, second, third = (str(folder / name) for name in names)
    for command in (
        ("setup", circuit, first, "--ptau", powers),
        ("ceremony", "contribute", first, second, "--name", "Anna"),
        ("ceremony", "beacon", second, third, "--value", BEACON),
    ):
        done = wattlane(*command)
        assert done.returncode == 0, done.stderr
    return folder


def _check(folder: Path, key: str) -> tuple[str, ...]:
    files = ("circuit.r1cs", "powers.ptau", key)
    return ("ceremony", "check", *(str(folder / name) for name in files))


def test_the_check_lists_the_contributions(folder: Path) -> None:
    done = wattlane(*_check(folder, "2.zkey"))
    assert done.returncode == 0, done.stderr
    assert "(Anna)" in done.stdout
    assert f"beacon {BEACON}" in done.stdout
    assert "the key is right" in done.stdout


def test_a_key_without_contributions_is_called_insecure(folder: Path) -> None:
    done = wattlane(*_check(folder, "0.zkey"))
    assert done.returncode == 0, done.stderr
    assert "INSECURE" in done.stderr
    assert_one_line(wattlane("ceremony", "import", str(folder / "0.zkey")), 1, "contributed")


def test_the_exit_circuit_has_a_ceremony_of_its_own(folder: Path) -> None:
    path = folder / "exit.r1cs"
    done = wattlane("ceremony", "circuit", "--circuit", "exit", str(path))
    assert done.returncode == 0, done.stderr
    count = json.loads(COUNTS.read_text())["exit"]
    assert f"{count:,}, 4 public inputs" in done.stdout
    assert path.stat().st_size > 1_000_000
    other = wattlane("ceremony", "import", "--circuit", "exit", str(folder / "1.zkey"))
    assert_one_line(other, 1, "another circuit")


def test_a_name_cannot_fake_lines_of_the_check(folder: Path) -> None:
    """Names come with foreign files, and people compare what is printed."""
    name = "Eve)\ncontribution 1   c0ffee (Anna\x1b[2K\r \udcff"
    evil = folder / "evil.zkey"
    contribute(open_zkey(folder / "0.zkey"), evil, entropy=bytes(32), name=name)
    done = wattlane(*_check(folder, "evil.zkey"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 4
    assert "(Eve)?contribution 1   c0ffee (Anna?[2K? ?)" in done.stdout


def test_what_would_go_wrong_is_one_line(folder: Path) -> None:
    keys = str(folder / "1.zkey"), str(folder / "2.zkey")
    assert_one_line(wattlane("ceremony", "contribute", *keys), 1, "there already")
    new = str(folder / "3.zkey")
    beacon = ("ceremony", "beacon", keys[1], new, "--value")
    assert_one_line(wattlane(*beacon, "zz"), 1, "hexadecimal")
    assert_one_line(wattlane(*beacon, "00", "--iterations", "5"), 1, "hashed")
    assert not Path(new).exists()
