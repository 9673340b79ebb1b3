"""The library's face: what a stranger to this code does with it, and what it says to mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

import prover
from prover import Builder, Circuit, Proof, ProvingKey, VerifyingKey, export, prove, setup, verify
from prover.groth16.errors import ProofRejected, WrongCircuit, WrongInputCount
from prover.iden3.json_files import read_proof, read_public, read_verification_key
from prover.iden3.r1cs import read_r1cs
from prover.iden3.zkey import open_zkey, prove_from_zkey
from prover.r1cs.errors import BadCircuit, BrokenConstraint, UnconstrainedWires, WrongInputs


def cube(b: Builder) -> None:
    y, x = b.public("y"), b.input("x")
    b.enforce_equal(b.mul(b.mul(x, x), x), y, label="x is the cube root")


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return Circuit("cube", cube)


@pytest.fixture(scope="module")
def key(circuit: Circuit) -> ProvingKey:
    return setup(circuit)


def test_a_proof_verifies_for_its_public_inputs_and_for_no_others(
    circuit: Circuit, key: ProvingKey
) -> None:
    proof, publics = prove(key, circuit, {"x": 3, "y": 27})
    assert publics == (27,)
    verify(key.verifying_key, publics, proof)
    with pytest.raises(ProofRejected):
        verify(key.verifying_key, (28,), proof)
    with pytest.raises(WrongInputCount):
        verify(key.verifying_key, (27, 0), proof)


def test_proof_and_key_survive_json(circuit: Circuit, key: ProvingKey) -> None:
    proof, publics = prove(key, circuit, {"x": 5, "y": 125})
    restored = VerifyingKey.from_json(key.verifying_key.to_json())
    verify(restored, publics, Proof.from_json(proof.to_json()))


def test_two_proofs_of_one_statement_differ(circuit: Circuit, key: ProvingKey) -> None:
    assert prove(key, circuit, {"x": 2, "y": 8})[0] != prove(key, circuit, {"x": 2, "y": 8})[0]


def test_inputs_that_break_the_statement_are_told_which_constraint(
    circuit: Circuit, key: ProvingKey
) -> None:
    with pytest.raises(BrokenConstraint, match="x is the cube root"):
        prove(key, circuit, {"x": 3, "y": 28})


def test_missing_unknown_and_overlarge_inputs_are_named(circuit: Circuit, key: ProvingKey) -> None:
    with pytest.raises(WrongInputs, match="missing: x") as missing:
        prove(key, circuit, {"y": 27, "z": 1})
    assert "unknown: z" in str(missing.value)
    with pytest.raises(WrongInputs, match="not a field element: x"):
        prove(key, circuit, {"x": -3, "y": 27})


def test_a_key_proves_only_its_own_circuit(key: ProvingKey) -> None:
    def square(b: Builder) -> None:
        y, x = b.public("y"), b.input("x")
        b.enforce_equal(b.mul(x, x), y)

    with pytest.raises(WrongCircuit):
        prove(key, Circuit("square", square), {"x": 3, "y": 9})


def test_a_wire_without_a_constraint_is_refused_by_name() -> None:
    def loose(b: Builder) -> None:
        cube(b)
        b.input("forgotten")

    with pytest.raises(UnconstrainedWires, match="forgotten"):
        Circuit("loose", loose)


def test_a_public_input_after_a_private_one_is_refused() -> None:
    def late(b: Builder) -> None:
        b.enforce_equal(b.input("x"), b.public("y"))

    with pytest.raises(BadCircuit, match="comes after another wire"):
        Circuit("late", late)


def test_a_circuit_knows_its_names(circuit: Circuit) -> None:
    assert circuit.public_names == ("y",)
    assert circuit.input_names == ("y", "x")


def test_what_is_exported_is_read_back(circuit: Circuit, key: ProvingKey, tmp_path: Path) -> None:
    proof, publics = prove(key, circuit, {"x": 4, "y": 64})
    export(tmp_path, circuit, key, proof, publics)
    assert read_r1cs(tmp_path / "circuit.r1cs").n_constraints == circuit.r1cs.n_constraints
    verify(read_verification_key(tmp_path / "verification_key.json"), publics, proof)
    assert read_proof(tmp_path / "proof.json") == proof
    assert read_public(tmp_path / "public.json") == [64]
    witness = circuit.witness({"x": 5, "y": 125})
    again = prove_from_zkey(open_zkey(tmp_path / "circuit.zkey"), witness, entropy=bytes(range(32)))
    verify(key.verifying_key, (125,), again)


def test_all_names_of_the_face_load() -> None:
    assert all(getattr(prover, name) for name in prover.__all__)
    assert set(prover.__all__) <= set(dir(prover))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = prover.nonsense
