"""Multiples of the generator from tables, against py_arkworks."""

from __future__ import annotations

import random

import pytest

from protocol.crypto.field import R
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import Group
from tests.prover.curves.oracle import GROUPS, points

SPECIAL = [0, 1, 2, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 2**254, 128, 129, 127]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("n_scalars", [0, 40, 10**5])
def test_multiples_equal_arkworks(group: Group, n_scalars: int) -> None:
    rng = random.Random(n_scalars)
    scalars = [*SPECIAL, *(rng.randrange(R) for _ in range(30)), 0]
    got = FixedBase(group, n_scalars).multiply(from_ints(scalars))
    assert (got == points(group, scalars)).all()
