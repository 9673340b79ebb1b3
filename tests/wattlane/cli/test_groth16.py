"""`wattlane setup`, `prove` and `verify` on files, as somebody uses them who has only the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prover import Builder, Circuit, export
from prover.iden3.wtns import write_wtns
from tests.wattlane.cli.running import assert_one_line, wattlane


def _cube(b: Builder) -> None:
    y, x = b.public("y"), b.input("x")
    b.enforce_equal(b.mul(b.mul(x, x), x), y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """circuit.r1cs, witness.wtns, circuit.zkey, vk.json, proof.json, public.json."""
    folder = tmp_path_factory.mktemp("files")
    circuit = Circuit("cube", _cube)
    export(folder, circuit)
    write_wtns(folder / "witness.wtns", circuit.witness({"x": 3, "y": 27}))
    key, vk = str(folder / "circuit.zkey"), str(folder / "vk.json")
    made = wattlane("setup", str(folder / "circuit.r1cs"), key, "--verifying-key", vk)
    assert made.returncode == 0, made.stderr
    assert "INSECURE DEVELOPMENT KEY" in made.stdout
    proved = wattlane("prove", key, str(folder / "witness.wtns"), *_outputs(folder))
    assert proved.returncode == 0, proved.stderr
    return folder


def _outputs(folder: Path) -> tuple[str, ...]:
    return "--proof", str(folder / "proof.json"), "--public", str(folder / "public.json")


def _verify(folder: Path, public: Path) -> tuple[str, ...]:
    return "verify", str(folder / "vk.json"), str(public), str(folder / "proof.json")


def test_a_proof_made_from_files_verifies(folder: Path) -> None:
    assert json.loads((folder / "public.json").read_text()) == ["27"]
    done = wattlane(*_verify(folder, folder / "public.json"))
    assert done.returncode == 0
    assert "the proof holds" in done.stdout
    assert "INSECURE" in done.stderr


def test_other_public_inputs_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "public.json").write_text('["28"]')
    assert_one_line(wattlane(*_verify(folder, tmp_path / "public.json")), 1, "pairing equation")


def test_a_key_is_not_replaced_by_accident(folder: Path) -> None:
    key = folder / "circuit.zkey"
    before = key.read_bytes()
    done = wattlane("setup", str(folder / "circuit.r1cs"), str(key))
    assert_one_line(done, 1, "there already", "--force")
    assert key.read_bytes() == before


def test_a_verifying_key_replaces_nothing_by_accident(folder: Path, tmp_path: Path) -> None:
    circuit, new = folder / "circuit.r1cs", tmp_path / "new.zkey"
    before = circuit.read_bytes()
    setup = ("setup", str(circuit), str(new), "--verifying-key")
    there = folder / "vk.json"
    assert_one_line(wattlane(*setup, str(there)), 1, "there already", "--force")
    assert_one_line(wattlane(*setup, str(circuit), "--force"), 1, "another file")
    assert_one_line(wattlane(*setup, str(new)), 1, "another file")
    assert circuit.read_bytes() == before
    assert not new.exists()


def test_a_false_witness_gives_no_proof(folder: Path, tmp_path: Path) -> None:
    false = Circuit("cube", _cube).witness({"x": 3, "y": 27})
    false[2] = false[1]
    write_wtns(tmp_path / "false.wtns", false)
    done = wattlane(
        "prove", str(folder / "circuit.zkey"), str(tmp_path / "false.wtns"), *_outputs(tmp_path)
    )
    assert done.returncode == 1
    assert "does not verify" in done.stderr
    assert not (tmp_path / "proof.json").exists()
    assert not (tmp_path / "public.json").exists()


def test_a_damaged_key_is_named(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.zkey"
    damaged.write_bytes((folder / "circuit.zkey").read_bytes()[:-40])
    done = wattlane("prove", str(damaged), str(folder / "witness.wtns"), *_outputs(tmp_path))
    assert done.returncode == 1
    assert "damaged.zkey" in done.stderr
    assert "Traceback" not in done.stderr


def test_outputs_that_cannot_be_are_refused_before_any_work(folder: Path, tmp_path: Path) -> None:
    files = str(folder / "circuit.zkey"), str(folder / "witness.wtns")
    nowhere = str(tmp_path / "no" / "proof.json")
    assert_one_line(wattlane("prove", *files, "--proof", nowhere), 1, "make the folder")
    one = str(tmp_path / "one.json")
    done = wattlane("prove", *files, "--proof", one, "--public", one)
    assert_one_line(done, 1, "cannot be two things")
    assert_one_line(wattlane("prove", *files, "--public", files[1]), 1, "cannot be two things")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    assert_one_line(wattlane("setup", str(tmp_path / "no.r1cs"), "key.zkey"), 2, "no.r1cs")
