"""py_arkworks as a second opinion on points, in the prover's own encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from prover.curves.groups import G1, G2, Coordinates, Group

ArkPoint = G1Point | G2Point
GROUPS: list[Group] = [G1, G2]


def times_generator(group: Group, scalar: int) -> ArkPoint:
    return (G1Point() if group is G1 else G2Point()) * Scalar(scalar)


def coordinates(point: ArkPoint) -> Coordinates | None:
    data = point.to_xy_bytes_be()
    if point in (G1Point.identity(), G2Point.identity()):
        return None
    return tuple(int.from_bytes(data[i : i + 48], "big") for i in range(0, len(data), 48))


def points(group: Group, scalars: Sequence[int]) -> NDArray[np.uint64]:
    """scalars[i] * generator as words, uint64[n, width]."""
    ours = [group.encode(coordinates(times_generator(group, scalar))) for scalar in scalars]
    return np.array(ours, dtype=np.uint64).reshape(-1, group.width)


def multiexp(group: Group, given: Sequence[ArkPoint], scalars: Sequence[int]) -> ArkPoint:
    """sum of scalars[i] * given[i]."""
    ark: Any = G1Point if group is G1 else G2Point
    total: ArkPoint = ark.multiexp_unchecked(list(given), [Scalar(x) for x in scalars])
    return total
