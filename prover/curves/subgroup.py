"""Invariant: a point of G1's curve is in the subgroup of order r, or named.

On the curve the endomorphism f satisfies f^2 - f + 1 = 0. A point with f(P) = Z^2 P therefore has
(Z^4 - Z^2 + 1) P = r P = 0; and all of the subgroup has it. Pairings cannot tell: those with a
point of an order prime to r are 1. Ref: ePrint 2021/1130 (Scott), section 4.
"""

from __future__ import annotations

import numpy as np

from prover.curves.buckets import all_refs
from prover.curves.group_kernels import Points
from prover.curves.groups import G1
from prover.curves.parallel import first_found, ranges, worker_count

_Z = 0xD201000000010000
_CHUNK = 2048


def first_off_subgroup(points: Points) -> int | None:
    """The first of `points` (uint64[n, 12], on G1's curve or infinity) that is not in the
    subgroup, or None. 128 doublings a point.
    """

    def look(start: int, stop: int) -> int | None:
        chunk = points[start:stop]
        mapped = np.empty_like(chunk)
        G1.times_base(chunk, all_refs(stop - start), mapped)
        bad = np.flatnonzero((_times_z(_times_z(chunk)) != mapped).any(axis=1))
        return start + int(bad[0]) if bad.size else None

    n = points.shape[0]
    return first_found(look, ranges(n, max(worker_count(), -(-n // _CHUNK))))


def _times_z(points: Points) -> Points:
    """Z points[i], for any points of the curve."""
    here, out = all_refs(points.shape[0]), points.copy()
    for bit in bin(_Z)[3:]:
        G1.add_pairs(out, here, out, here, out)
        if bit == "1":
            G1.add_pairs(out, here, points, here, out)
    return out
