"""Keys on disk are whole and right, or they are made again."""

from __future__ import annotations

import json
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from prover.cache import Cache, CacheUnwritable
from prover.groth16 import load, prove, save, setup
from prover.groth16.errors import MalformedKeyFile
from prover.groth16.keys import INSECURE, address
from prover.groth16.store import circuit_key, development_key, key_for, store, stored_keys
from tests.prover.groth16.conftest import PROOF_ENTROPY, SETUP_ENTROPY, Case
from tests.prover.random_system import cube_system


def test_a_saved_key_is_mapped_and_proves(cube: Case, tmp_path: Path) -> None:
    save(cube.key, tmp_path)
    key = load(tmp_path)
    for name in ("a_wire", "a_g1", "b_wire", "b_g1", "b_g2", "l_wire", "l_g1", "h_g1"):
        assert (getattr(key, name) == getattr(cube.key, name)).all()
    assert isinstance(key.h_g1.base, np.memmap)
    assert (key.verifying_key, key.circuit) == (cube.key.verifying_key, cube.key.circuit)
    assert prove(key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY) == cube.proof


def test_the_file_says_that_the_key_is_insecure(cube: Case, tmp_path: Path) -> None:
    save(cube.key, tmp_path)
    assert json.loads((tmp_path / "key.json").read_text())["security"] == INSECURE


def test_files_that_are_no_key(cube: Case, tmp_path: Path) -> None:
    with pytest.raises(MalformedKeyFile):
        load(tmp_path)
    save(cube.key, tmp_path)
    np.save(tmp_path / "h_g1.npy", cube.key.h_g1[:-1])
    with pytest.raises(MalformedKeyFile, match="h_g1"):
        load(tmp_path)
    np.save(tmp_path / "h_g1.npy", cube.key.h_g1.astype(np.int64))
    with pytest.raises(MalformedKeyFile, match="h_g1"):
        load(tmp_path)
    save(cube.key, tmp_path)
    header = json.loads((tmp_path / "key.json").read_text())
    for name, other in (("parameters", "version 0"), ("verifying_key", {}), ("log_size", "x")):
        (tmp_path / "key.json").write_text(json.dumps({**header, name: other}))
        with pytest.raises(MalformedKeyFile):
            load(tmp_path)


def test_a_development_key_is_made_once(
    cube: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path)
    first = development_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY)
    caplog.clear()
    second = development_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY[::-1])
    assert first.verifying_key == second.verifying_key == cube.key.verifying_key
    assert INSECURE in caplog.text


def test_a_ceremonys_key_comes_before_development_keys(cube: Case, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = circuit_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY)
    assert first.verifying_key.insecure
    made = setup(cube.r1cs, entropy=SETUP_ENTROPY[::-1])
    secure = replace(made, verifying_key=replace(made.verifying_key, insecure=False))
    store(secure, cache)
    assert circuit_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY).transcript == made.transcript
    again = development_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY)
    assert again.transcript == first.transcript


def test_a_damaged_key_is_never_used(cube: Case, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    folder = store(cube.key, cache)
    data = (folder / "h_g1.npy").read_bytes()
    (folder / "h_g1.npy").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert list(stored_keys(cube.key.circuit, cache)) == []
    other = development_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY[::-1])
    assert other.transcript != cube.key.transcript
    again = development_key(cube.r1cs, cache=cache, entropy=SETUP_ENTROPY)
    assert again.transcript == other.transcript
    store(cube.key, cache)  # replaces the damaged one
    assert len(list(stored_keys(cube.key.circuit, cache))) == 2


def test_a_key_is_found_by_its_verifying_key(cube: Case, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    other = setup(cube.r1cs, entropy=SETUP_ENTROPY[::-1])
    for key in (other, cube.key):
        assert store(key, cache).name == address(key.circuit, key.transcript)
    found = key_for(cube.key.verifying_key, cube.key.circuit, cache)
    assert found is not None
    assert found.transcript == cube.key.transcript
    assert key_for(cube.key.verifying_key, "00" * 32, cache) is None


def _transcript(root: Path, entropy: bytes) -> str:
    r1cs, _ = cube_system()
    return development_key(r1cs, cache=Cache(root), entropy=entropy).transcript


def test_processes_that_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        entropies = [bytes([i]) * 32 for i in range(2)]
        transcripts = pool.starmap(_transcript, [(tmp_path, entropy) for entropy in entropies])
    assert len(set(transcripts)) == 1


def test_a_cache_that_cannot_be_written(cube: Case, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheUnwritable, match="WATTLANE_CACHE"):
        development_key(cube.r1cs, cache=Cache(tmp_path / "file"), entropy=SETUP_ENTROPY)
