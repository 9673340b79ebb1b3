"""Honest proofs verify on three paths that share no code; nothing else verifies on any."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from eth.precompiles.bls12_381.bls12_381_pairing import bls12_pairing_check

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2
from prover.curves.msm import multiply_and_add
from prover.errors import MalformedSystem, Unsatisfied
from prover.groth16 import Proof, points, prove, setup, verify_arkworks, verify_py_ecc
from prover.groth16.errors import ProofRejected, TooLittleEntropy, WrongCircuit
from prover.groth16.keys import INSECURE
from prover.groth16.setup import scalar_from
from prover.memory import NotEnoughMemory
from tests.prover.curves.oracle import coordinates, times_generator
from tests.prover.groth16.conftest import PROOF_ENTROPY, SETUP_ENTROPY, Case
from tests.prover.random_system import build_system, cube_system, random_system

ecc: Any = import_module("py_ecc.optimized_bls12_381")


def on_l1(case: Case, publics: list[int], proof: Proof) -> bool:
    """What the pairing precompile says of the bytes that the contract would give it."""
    key = case.key.verifying_key

    def ecc_point(point: tuple[int, ...]) -> Any:
        return ecc.FQ(point[0]), ecc.FQ(point[1]), ecc.FQ.one()

    total = ecc_point(key.ic_g1[0])
    for number, point in zip(publics, key.ic_g1[1:], strict=True):
        total = ecc.add(total, ecc.multiply(ecc_point(point), number))
    x, y = ecc.normalize(total)
    inputs = (int(x), int(y))
    encoded = proof.encode()
    assert len(encoded) == 512
    data = encoded[:384]
    for g1_point, g2_point in (
        (key.alpha_g1, key.beta_g2),
        (inputs, key.gamma_g2),
        (proof.c_g1, key.delta_g2),
    ):
        negated = (g1_point[0], FQ.modulus - g1_point[1])
        data += points.encode(negated) + points.encode(g2_point)
    frame = SimpleNamespace(
        msg=SimpleNamespace(data=data), consume_gas=lambda gas, reason: None, output=b""
    )
    bls12_pairing_check(cast(Any, frame))
    return int.from_bytes(frame.output, "big") == 1


def test_a_proof_verifies_on_three_paths(random_case: Case) -> None:
    key = random_case.key.verifying_key
    verify_arkworks(key, random_case.publics, random_case.proof)
    verify_py_ecc(key, random_case.publics, random_case.proof)
    assert on_l1(random_case, random_case.publics, random_case.proof)
    wrong = [*random_case.publics[:-1], random_case.publics[-1] ^ 1]
    assert not on_l1(random_case, wrong, random_case.proof)


@pytest.mark.parametrize("n_constraints", [1, 2, 3, 12, 13, 14, 59, 60, 61])
def test_proofs_of_circuits_around_the_domain_sizes(n_constraints: int) -> None:
    r1cs, witness = random_system(seed=n_constraints, n_constraints=n_constraints)
    key = setup(r1cs, entropy=SETUP_ENTROPY)
    prove(key, r1cs, witness, entropy=PROOF_ENTROPY)  # verifies before it returns


def test_a_circuit_without_public_inputs() -> None:
    r1cs = build_system(0, 3, [({1: 1}, {1: 1}, {2: 1}), ({2: 1}, {0: 1}, {0: 49})])
    key = setup(r1cs, entropy=SETUP_ENTROPY)
    proof = prove(key, r1cs, from_ints([1, 7, 49]), entropy=PROOF_ENTROPY)
    verify_py_ecc(key.verifying_key, [], proof)


def test_a_wire_that_occurs_nowhere_and_a_public_one_that_no_constraint_uses() -> None:
    r1cs = build_system(2, 6, [({1: 1}, {3: 1}, {4: 1})])
    key = setup(r1cs, entropy=SETUP_ENTROPY)
    proof = prove(key, r1cs, from_ints([1, 2, 3, 4, 8, 9]), entropy=PROOF_ENTROPY)
    verify_arkworks(key.verifying_key, [2, 3], proof)
    with pytest.raises(ProofRejected):  # although no constraint of the circuit mentions it
        verify_arkworks(key.verifying_key, [2, 4], proof)


def shifted(point: tuple[int, ...]) -> tuple[int, ...]:
    """Another valid point of the same group: the point plus the generator."""
    group = G1 if len(point) == 2 else G2
    table = np.stack([group.encode(point), group.encode(group.generator)])
    out = np.zeros((1, group.width), dtype=np.uint64)
    group.add_pairs(table, np.array([0], np.int32), table, np.array([2], np.int32), out)
    found = group.decode(out[0])
    assert found is not None
    return found


def negative(point: tuple[int, ...]) -> tuple[int, ...]:
    half = len(point) // 2
    return (*point[:half], *((-y) % FQ.modulus for y in point[half:]))


@pytest.mark.parametrize("field", ["a_g1", "b_g2", "c_g1"])
@pytest.mark.parametrize("change", [shifted, negative])
def test_another_point_in_the_proof_is_rejected(cube: Case, field: str, change: Any) -> None:
    changed = change(getattr(cube.proof, field))
    proof = dataclasses.replace(cube.proof, **{field: changed})
    for verify in (verify_arkworks, verify_py_ecc):
        with pytest.raises(ProofRejected):
            verify(cube.key.verifying_key, cube.publics, proof)


@pytest.mark.parametrize("index", range(3))
def test_another_public_input_is_rejected(random_case: Case, index: int) -> None:
    for number in (0, 1, (random_case.publics[index] + 1) % R, R - 1):
        publics = list(random_case.publics)
        publics[index] = number
        with pytest.raises(ProofRejected):
            verify_arkworks(random_case.key.verifying_key, publics, random_case.proof)
    with pytest.raises(ProofRejected):
        verify_py_ecc(random_case.key.verifying_key, publics, random_case.proof)


def test_exchanged_public_inputs_are_rejected(random_case: Case) -> None:
    publics = list(reversed(random_case.publics))
    with pytest.raises(ProofRejected):
        verify_arkworks(random_case.key.verifying_key, publics, random_case.proof)


def test_another_key_rejects(cube: Case) -> None:
    other = setup(cube.r1cs, entropy=SETUP_ENTROPY[::-1])
    for verify in (verify_arkworks, verify_py_ecc):
        with pytest.raises(ProofRejected):
            verify(other.verifying_key, cube.publics, cube.proof)


@pytest.mark.parametrize("wire", [1, 2, 3, 4])
def test_an_unsatisfied_witness_is_refused(cube: Case, wire: int) -> None:
    witness = cube.witness.copy()
    witness[wire] = from_ints([17])[0]
    with pytest.raises(Unsatisfied):
        prove(cube.key, cube.r1cs, witness, entropy=PROOF_ENTROPY)


def test_a_malformed_witness_is_refused(cube: Case) -> None:
    scaled = from_ints([2, 2 * 35 % R, 6, 18, 54])  # twice the witness, with wire 0 = 2
    with pytest.raises(MalformedSystem, match="constant one"):
        prove(cube.key, cube.r1cs, scaled, entropy=PROOF_ENTROPY)
    with pytest.raises(MalformedSystem):
        prove(cube.key, cube.r1cs, cube.witness[:-1].copy(), entropy=PROOF_ENTROPY)


def test_a_key_serves_its_own_circuit_only(cube: Case) -> None:
    r1cs, witness = random_system(seed=5, n_constraints=9)
    with pytest.raises(WrongCircuit):
        prove(cube.key, r1cs, witness, entropy=PROOF_ENTROPY)


def test_proofs_are_blinded_by_entropy_and_witness(cube: Case) -> None:
    again = prove(cube.key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY)
    assert again == cube.proof
    other = prove(cube.key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY[::-1])
    assert not {other.a_g1, other.c_g1} & {cube.proof.a_g1, cube.proof.c_g1}
    assert other.b_g2 != cube.proof.b_g2
    # the same entropy for another witness: a's blinding r delta must not cancel out
    _, witness = cube_system(x=4)
    first = prove(cube.key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY).a_g1
    second = prove(cube.key, cube.r1cs, witness, entropy=PROOF_ENTROPY).a_g1
    plain = [_a_without_blinding(cube, w) for w in (cube.witness, witness)]
    assert _difference(first, second) != _difference(*plain)


def _a_without_blinding(case: Case, witness: Any) -> tuple[int, ...]:
    scalars = np.concatenate([witness[case.key.a_wire], from_ints([1])])
    found = G1.decode(multiply_and_add(G1, case.key.a_g1[:-1].copy(), scalars))
    assert found is not None
    return found


def _difference(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    table = np.stack([G1.encode(a), G1.encode(b)])
    out = np.zeros((1, G1.width), dtype=np.uint64)
    G1.add_pairs(table, np.array([0], np.int32), table, np.array([3], np.int32), out)
    return G1.decode(out[0])


@pytest.mark.parametrize("length", [0, 1, 31])
def test_too_little_entropy_is_refused(cube: Case, length: int) -> None:
    with pytest.raises(TooLittleEntropy):
        setup(cube.r1cs, entropy=bytes(length))
    with pytest.raises(TooLittleEntropy):
        prove(cube.key, cube.r1cs, cube.witness, entropy=bytes(length))


def test_setup_follows_from_its_entropy_and_says_that_it_is_insecure(
    cube: Case, caplog: pytest.LogCaptureFixture
) -> None:
    again = setup(cube.r1cs, entropy=SETUP_ENTROPY)
    assert again.verifying_key == cube.key.verifying_key
    assert again.transcript == cube.key.transcript
    assert (again.h_g1 == cube.key.h_g1).all()
    assert INSECURE in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        prove(cube.key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY)
    assert INSECURE in caplog.text


def test_too_little_memory_is_said_before_the_work(
    cube: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prover.memory.available_bytes", lambda: 4096)
    with pytest.raises(NotEnoughMemory, match="the Groth16 setup needs"):
        setup(cube.r1cs, entropy=SETUP_ENTROPY)
    with pytest.raises(NotEnoughMemory) as caught:
        prove(cube.key, cube.r1cs, cube.witness, entropy=PROOF_ENTROPY)
    assert caught.value.have_bytes == 4096


def test_the_key_holds_what_the_paper_says() -> None:
    """Every point of a small key, recomputed in the exponent with plain ints."""
    r1cs, _ = cube_system()
    key = setup(r1cs, entropy=SETUP_ENTROPY)
    names = ("tau", "alpha", "beta", "gamma", "delta")
    tau, alpha, beta, gamma, delta = (scalar_from(SETUP_ENTROPY, name) for name in names)
    size = 8  # 3 constraints, 2 rows for wires 0 and 1
    root = pow(5, (R - 1) // size, R)

    def basis(i: int, n: int, generator: int) -> int:
        at = pow(generator, i, R)
        return at * (pow(tau, n, R) - 1) * pow(n * (tau - at), -1, R) % R

    rows = [basis(i, size, root) for i in range(5)]
    u = [5 * rows[2] + rows[3], rows[4], rows[0] + rows[2], rows[1], rows[2]]
    v = [rows[2], 0, rows[0] + rows[1], 0, 0]
    w = [0, rows[2], 0, rows[0], rows[1]]

    def g1(scalar: int) -> Any:
        return coordinates(times_generator(G1, scalar % R))

    def g2(scalar: int) -> Any:
        return coordinates(times_generator(G2, scalar % R))

    assert key.a_wire.tolist() == [0, 1, 2, 3, 4]
    assert [G1.decode(p) for p in key.a_g1] == [g1(x) for x in [*u, alpha, delta]]
    assert key.b_wire.tolist() == [0, 2]
    assert [G1.decode(p) for p in key.b_g1] == [g1(x) for x in [v[0], v[2], beta, delta]]
    assert [G2.decode(p) for p in key.b_g2] == [g2(x) for x in [v[0], v[2], beta, delta]]
    mixed = [beta * u[i] + alpha * v[i] + w[i] for i in range(5)]
    assert key.l_wire.tolist() == [2, 3, 4]
    over_delta = [mixed[i] * pow(delta, -1, R) for i in (2, 3, 4)]
    assert [G1.decode(p) for p in key.l_g1] == [g1(x) for x in over_delta]
    verifying = key.verifying_key
    assert list(verifying.ic_g1) == [g1(mixed[i] * pow(gamma, -1, R)) for i in (0, 1)]
    assert (verifying.alpha_g1, verifying.beta_g2) == (g1(alpha), g2(beta))
    assert (verifying.gamma_g2, verifying.delta_g2) == (g2(gamma), g2(delta))
    double_root = pow(5, (R - 1) // (2 * size), R)
    odd = [basis(2 * i + 1, 2 * size, double_root) * pow(delta, -1, R) for i in range(size)]
    assert [G1.decode(p) for p in key.h_g1] == [g1(x) for x in odd]
