"""Points of G1's curve inside and outside of the subgroup."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import G1, Coordinates
from prover.curves.subgroup import first_off_subgroup
from prover.groth16.verify_arkworks import arkworks_g1
from prover.iden3.derived import multiply

COFACTOR = 0x396C8C005555E1568C00AAAB0000AAAB


def _curve_point(seed: int) -> Coordinates:
    x = Random(seed).randrange(FQ.modulus)
    while True:
        square = (x**3 + 4) % FQ.modulus
        y = pow(square, (FQ.modulus + 1) // 4, FQ.modulus)
        if y * y % FQ.modulus == square:
            return x, y
        x += 1


def test_all_of_the_subgroup_and_infinity_pass() -> None:
    random = Random(1)
    scalars = [random.randrange(R) for _ in range(2100)] + [1, R - 1]
    points = FixedBase(G1, len(scalars)).multiply(from_ints(scalars))
    assert first_off_subgroup(points) is None
    points[7] = 0
    assert first_off_subgroup(points) is None
    assert first_off_subgroup(points[:0]) is None


@pytest.mark.parametrize("at", [0, 5, 2099])
def test_a_point_of_any_other_order_is_found(at: int) -> None:
    points = np.repeat(G1.encode(G1.generator).reshape(1, -1), 2100, axis=0)
    strangers: list[Coordinates] = [(0, 2), (0, FQ.modulus - 2)]  # of order 3
    for seed in range(3):
        whole = _curve_point(seed)
        strangers += [whole, multiply(G1, whole, R)]  # of a large order, of one prime to r
    for prime in (11, 10177, 859267, 52437899):  # the cofactor is 3 p^2 q^2 ...
        small = multiply(G1, _curve_point(9), R * (COFACTOR // prime**2))
        strangers.append(small)
    for stranger in strangers:
        assert not arkworks_g1(stranger).is_in_subgroup()
        points[at] = G1.encode(stranger)
        assert first_off_subgroup(points) == at
