"""Invariant: a point of G1 or G2 has one form as words, one as ints, and they agree.

As words: uint64[12] for G1, uint64[24] for G2: x then y, coordinates in Montgomery form (Fq2:
c0 then c1); infinity is all zeros. As ints: (x, y) or (x0, x1, y0, y1); infinity is None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protocol.crypto.field_code import FQ
from protocol.crypto.lane_code import LANES, limb_count
from protocol.crypto.lane_types import AVAILABLE
from prover.curves import moving_kernels
from prover.curves.group_kernels import BLOCK, Points, Refs

if AVAILABLE:
    from prover.curves.group_lane_entries import (
        add_pairs_g1,
        add_pairs_g2,
        times_base_g1,
        times_base_g2,
    )
else:
    from prover.curves.group_entries import (
        add_pairs_g1,
        add_pairs_g2,
        times_base_g1,
        times_base_g2,
    )

Coordinates = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """G1 or G2 of BLS12-381, with its compiled operations."""

    name: str
    generator: Coordinates
    n_parts: int
    """The parts that a scalar is written in: base Z^2 for 2 of them, Z for 4."""
    _add_pairs: Callable[[Points, Refs, Points, Refs, Points, int, int, Points], None]
    _copy: Callable[[Points, Refs, Points, int], None]
    _times_base: Callable[[Points, Refs, Points], None]

    @property
    def width(self) -> int:
        """Words of a point."""
        return 6 * len(self.generator)

    def encode(self, coordinates: Coordinates | None) -> Points:
        """The words (uint64[width]) of a point given as ints."""
        if coordinates is None:
            return np.zeros(self.width, dtype=np.uint64)
        assert len(coordinates) == len(self.generator)
        return np.array([w for number in coordinates for w in FQ.encode(number)], np.uint64)

    def decode(self, point: Points) -> Coordinates | None:
        """The ints of a point given as words (uint64[width])."""
        words = point.tolist()
        if not any(words):
            return None
        return tuple(FQ.decode(words[i : i + 6]) for i in range(0, self.width, 6))

    def add_pairs(
        self, a: Points, a_refs: Refs, b: Points, b_refs: Refs, out: Points, at: int = 0
    ) -> None:
        """out[at + i] = a[a_refs[i]] + b[b_refs[i]] for all references.

        A reference is 2 * index for a point, 2 * index + 1 for its negative, -1 for infinity.
        `out` may be `a` or `b` if no result overwrites what a later addition reads.
        """
        n = a_refs.shape[0]
        assert b_refs.shape[0] == n
        assert out.shape[0] >= at + n
        rows = -(-min(n, BLOCK) // LANES) * LANES
        prefix = np.empty((rows, limb_count(FQ.limbs) * (self.width // 12)), dtype=np.uint64)
        self._add_pairs(a, a_refs, b, b_refs, out, at, n, prefix)

    def copy(self, points: Points, refs: Refs, out: Points, at: int = 0) -> None:
        """out[at + i] = points[refs[i]] for all references."""
        assert out.shape[0] >= at + refs.shape[0]
        self._copy(points, refs, out, at)

    def times_base(self, points: Points, refs: Refs, out: Points) -> None:
        """out[i] = base of a scalar's parts * points[refs[i]], of the subgroup; out may be points.

        References as in add_pairs; if out is points, they must be 0, 2, 4 ..
        """
        assert out.shape[0] >= refs.shape[0]
        self._times_base(points, refs, out)

    def sum_of_doublings(self, points: Points) -> Points:
        """sum of 2^i points[i], uint64[width] (Horner)."""
        total = np.zeros((1, self.width), dtype=np.uint64)
        itself = np.zeros(1, dtype=np.int32)
        for i in reversed(range(points.shape[0])):
            self.add_pairs(total, itself, total, itself, total)
            self.add_pairs(total, itself, points, np.array([2 * i], dtype=np.int32), total)
        return total.reshape(-1)


G1 = Group(
    "G1",
    (
        0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
        0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
    ),
    2,
    add_pairs_g1,
    moving_kernels.copy_g1,
    times_base_g1,
)
G2 = Group(
    "G2",
    (
        0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
        0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
        0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
        0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
    ),
    4,
    add_pairs_g2,
    moving_kernels.copy_g2,
    times_base_g2,
)
"""Generators. Ref: draft-irtf-cfrg-pairing-friendly-curves, 4.2.1."""
