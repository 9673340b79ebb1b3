"""Each unacceptable key, proof or input gives the error that says which, in both verifiers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pytest

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.groups import Coordinates
from prover.groth16 import Proof, VerifyingKey, verify_arkworks, verify_py_ecc
from prover.groth16.errors import (
    BadPoint,
    CoordinateOutOfRange,
    GammaEqualsDelta,
    InputOutOfRange,
    PointAtInfinity,
    PointOffCurve,
    PointOffSubgroup,
    WrongInputCount,
)
from tests.prover.groth16.conftest import Case

Verify = Callable[[VerifyingKey, Sequence[int], Proof], None]
VERIFIERS: list[Verify] = [verify_arkworks, verify_py_ecc]
PROOF_FIELDS = ["a_g1", "b_g2", "c_g1"]
KEY_FIELDS = ["alpha_g1", "beta_g2", "gamma_g2", "delta_g2", "ic_g1"]

plain: Any = import_module("py_ecc.bls12_381")


def off_subgroup(n_coordinates: int) -> Coordinates:
    """A point of the curve, not of order r: the first x that has a y."""
    q = FQ.modulus
    if n_coordinates == 2:
        for x in range(1, 100):
            square = (x**3 + 4) % q
            y = pow(square, (q + 1) // 4, q)
            if y * y % q == square:
                return (x, y)  # chance 2^-125 of order r
    # on the twist y^2 = x^3 + 4 (1 + u): x in Fq with (x^3 + 4) + 4 u a square in Fq2
    for x in range(1, 100):
        c0, c1 = (x**3 + 4) % q, 4
        norm = pow(c0 * c0 + c1 * c1, (q + 1) // 4, q)
        if norm * norm % q != (c0 * c0 + c1 * c1) % q:
            continue
        for sign in (norm, -norm):
            half = (c0 + sign) * pow(2, -1, q) % q
            y0 = pow(half, (q + 1) // 4, q)
            if y0 and y0 * y0 % q == half:
                return (x, 0, y0, c1 * pow(2 * y0, -1, q) % q)
    raise AssertionError("no point found")


def bad_points(good: Coordinates) -> dict[type[BadPoint], list[Coordinates]]:
    q = FQ.modulus
    plus = [(*good[:i], good[i] + q, *good[i + 1 :]) for i in range(len(good))]
    moved = [(*good[:i], (good[i] + 1) % q, *good[i + 1 :]) for i in range(len(good))]
    return {
        PointAtInfinity: [(0,) * len(good)],
        CoordinateOutOfRange: [*plus, (-1, *good[1:])],
        PointOffCurve: moved,
        PointOffSubgroup: [off_subgroup(len(good))],
    }


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("field", PROOF_FIELDS)
def test_bad_points_of_the_proof(cube: Case, verify: Verify, field: str) -> None:
    for error, points in bad_points(getattr(cube.proof, field)).items():
        for point in points:
            proof = dataclasses.replace(cube.proof, **{field: point})
            with pytest.raises(error, match=f"{field[0]} of the proof"):
                verify(cube.key.verifying_key, cube.publics, proof)


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("field", KEY_FIELDS)
def test_bad_points_of_the_key(cube: Case, verify: Verify, field: str) -> None:
    good = getattr(cube.key.verifying_key, field)
    single = good[1] if field == "ic_g1" else good
    for error, points in bad_points(single).items():
        for point in points[:2]:
            changed: Any = (good[0], point) if field == "ic_g1" else point
            key = dataclasses.replace(cube.key.verifying_key, **{field: changed})
            with pytest.raises(error, match="of the key"):
                verify(key, cube.publics, cube.proof)


@pytest.mark.parametrize("verify", VERIFIERS)
def test_a_key_whose_gamma_is_its_delta(cube: Case, verify: Verify) -> None:
    key = cube.key.verifying_key
    delta = key.delta_g2
    opposite = (*delta[:2], *((-y) % FQ.modulus for y in delta[2:]))
    for gamma in (delta, opposite):
        with pytest.raises(GammaEqualsDelta):
            verify(dataclasses.replace(key, gamma_g2=gamma), cube.publics, cube.proof)


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("number", [R, R + 35, -1, 2**256])
def test_inputs_that_are_not_below_r(cube: Case, verify: Verify, number: int) -> None:
    with pytest.raises(InputOutOfRange) as caught:
        verify(cube.key.verifying_key, [number], cube.proof)
    assert (caught.value.index, caught.value.given) == (0, number)


@pytest.mark.parametrize("verify", VERIFIERS)
def test_an_input_plus_r_is_refused_though_it_is_the_same_element(
    cube: Case, verify: Verify
) -> None:
    with pytest.raises(InputOutOfRange):
        verify(cube.key.verifying_key, [cube.publics[0] + R], cube.proof)


@pytest.mark.parametrize("verify", VERIFIERS)
def test_the_wrong_number_of_inputs_or_key_points(cube: Case, verify: Verify) -> None:
    key = cube.key.verifying_key
    for publics in ([], [*cube.publics, 0]):
        with pytest.raises(WrongInputCount):
            verify(key, publics, cube.proof)
    for ic_g1 in (key.ic_g1[:1], (*key.ic_g1, key.ic_g1[0]), ()):
        with pytest.raises(WrongInputCount):
            verify(dataclasses.replace(key, ic_g1=ic_g1), cube.publics, cube.proof)


def test_the_point_off_the_subgroup_is_one_by_py_ecc_too() -> None:
    x, y = off_subgroup(2)
    point = (plain.FQ(x), plain.FQ(y))
    assert plain.is_on_curve(point, plain.b)
    assert plain.multiply(point, R) is not None
    x0, x1, y0, y1 = off_subgroup(4)
    twisted = (plain.FQ2((x0, x1)), plain.FQ2((y0, y1)))
    assert plain.is_on_curve(twisted, plain.b2)
    assert plain.multiply(twisted, R) is not None
