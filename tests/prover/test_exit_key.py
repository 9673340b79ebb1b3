"""The exit key and its proofs, for real: one file, tried before it is believed."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from protocol.exits import exit_inputs
from prover.cache import Cache
from prover.circuits.exit import EXIT, exit_circuit, exit_template
from prover.circuits.exit_inputs import circuit_inputs
from prover.errors import OtherKey
from prover.exit_key import (
    FILES,
    exit_key,
    exit_key_file,
    find_exit_key,
    import_exit_key,
    read_exit_key,
)
from prover.exit_proofs import ExitProof, prove_exit, try_exit_key
from prover.exit_trial import trial_exits
from prover.groth16 import Proof, ProvingKey, verify_arkworks
from prover.groth16 import setup as make_key
from prover.groth16.errors import ProofRejected, VerificationError, WrongCircuit
from prover.groth16.store import stored_keys
from prover.iden3.errors import CircuitMismatch, FormatError
from prover.iden3.phase2 import contribute
from prover.iden3.verify_ceremony import CeremonyRejected
from prover.iden3.zkey import open_zkey
from prover.iden3.zkey_write import write_zkey
from tests.prover.circuits.exit_cases import EXIT_CASES
from tests.prover.random_system import cube_system

ENTROPY = bytes(range(32))


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(cache_folder: Path) -> ProvingKey:
    """The development key."""
    return exit_key(cache_folder=cache_folder)


@pytest.fixture(scope="module")
def file(key: ProvingKey, cache_folder: Path) -> Path:
    """What a household keeps."""
    return exit_key_file(key, cache_folder=cache_folder)


def holds(key: ProvingKey, proof: ExitProof, values: tuple[int, ...]) -> bool:
    try:
        verify_arkworks(key.verifying_key, values, Proof.decode(proof.proof_bytes))
    except ProofRejected:
        return False
    return True


def test_the_development_key_is_made_once_and_says_what_it_is(
    key: ProvingKey, cache_folder: Path
) -> None:
    assert key.verifying_key.insecure
    assert key.log_size == 14
    assert key.verifying_key.n_public == 4
    assert exit_key(cache_folder=cache_folder).verifying_key == key.verifying_key
    assert len(list(stored_keys(exit_circuit().r1cs.digest().hex(), Cache(cache_folder)))) == 1


def test_a_kept_file_proves_an_exit_and_nothing_else(key: ProvingKey, file: Path) -> None:
    kept = read_exit_key(file, replace(key.verifying_key, insecure=False))
    assert file.stat().st_size < 14_000_000
    witness = EXIT_CASES["channel that is closing"]()
    proof = prove_exit(kept, witness)
    values = proof.public.values()
    assert proof.public == exit_inputs(witness)
    assert holds(key, proof, values)
    for i in range(4):
        assert not holds(key, proof, (*values[:i], values[i] + 1, *values[i + 1 :]))


def test_the_file_is_written_once(key: ProvingKey, file: Path, cache_folder: Path) -> None:
    before = file.stat()
    assert exit_key_file(key, cache_folder=cache_folder) == file
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert open_zkey(file).verifying_key == key.verifying_key


def test_a_contracts_key_is_found_by_its_points(key: ProvingKey, cache_folder: Path) -> None:
    theirs = replace(key.verifying_key, insecure=False)
    found = find_exit_key(theirs, cache_folder=cache_folder)
    assert found is not None
    assert found.transcript == key.transcript
    other = replace(theirs, delta_g2=theirs.beta_g2)
    assert find_exit_key(other, cache_folder=cache_folder) is None


def test_another_rollups_key_is_refused(key: ProvingKey, file: Path) -> None:
    other = replace(key.verifying_key, delta_g2=key.verifying_key.beta_g2)
    with pytest.raises(OtherKey, match="needed"):
        read_exit_key(file, other)


def test_a_damaged_file_is_refused_before_it_is_needed(
    key: ProvingKey, file: Path, tmp_path: Path
) -> None:
    """Also where every point is still on its curve: then the trial proof says so."""
    data = file.read_bytes()
    path = tmp_path / "exit.zkey"
    path.write_bytes(data[:-1])
    with pytest.raises(FormatError):
        read_exit_key(path, key.verifying_key)
    start, size = open_zkey(file).file.sections[8]  # L, 96 bytes a private wire
    last = start + size - 96
    path.write_bytes(data[:last] + data[last - 96 : last] + data[start + size :])
    assert path.stat().st_size == len(data)
    with pytest.raises(VerificationError):
        read_exit_key(path, key.verifying_key)


def test_the_trial_uses_all_points_but_of_some_signature_bits() -> None:
    circuit, unused = exit_circuit().circuit, set(range(1, exit_circuit().r1cs.n_wires))
    for witness in trial_exits():
        values = circuit.witness({EXIT: circuit_inputs(witness)})
        circuit.check(values)
        unused -= set(np.flatnonzero(values.any(axis=1)).tolist())
    names = [exit_template().value_names[wire] for wire in unused]
    allowed = re.compile(r"^voucher/signature/(s|e|sG|eA)/")
    assert [name for name in names if not allowed.match(name)] == []
    assert len(names) < 250


def test_a_key_of_another_circuit_is_refused(tmp_path: Path) -> None:
    system, _ = cube_system()
    made = make_key(system, entropy=ENTROPY)
    path = tmp_path / "cube.zkey"
    write_zkey(path, made, system)
    with pytest.raises(CircuitMismatch):
        read_exit_key(path, made.verifying_key)
    with pytest.raises(WrongCircuit):
        try_exit_key(made)


def test_a_ceremonys_key_comes_before_the_development_key(
    key: ProvingKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first key as a ceremony's is (gamma and delta are 1), and one contribution."""
    system = exit_circuit().r1cs
    module = import_module("prover.groth16.setup")
    draw = module._draw
    with monkeypatch.context() as patched:
        patched.setattr(module, "_draw", lambda *given: replace(draw(*given), gamma=1, delta=1))
        first = make_key(system, entropy=ENTROPY)
    write_zkey(tmp_path / "0.zkey", first, system)
    with pytest.raises(CeremonyRejected, match="no party"):
        import_exit_key(open_zkey(tmp_path / "0.zkey"), cache_folder=tmp_path / "cache")
    contribute(open_zkey(tmp_path / "0.zkey"), tmp_path / "1.zkey", entropy=ENTROPY, name="Anna")
    stored = import_exit_key(open_zkey(tmp_path / "1.zkey"), cache_folder=tmp_path / "cache")
    assert stored.read_bytes() == (tmp_path / "1.zkey").read_bytes()
    found = exit_key(cache_folder=tmp_path / "cache")
    assert not found.verifying_key.insecure
    assert found.verifying_key != key.verifying_key
    assert exit_key_file(found, cache_folder=tmp_path / "cache") == stored
    assert stored.parent.parent.name == FILES
    prove_exit(found, EXIT_CASES["account"]())
