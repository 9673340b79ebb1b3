"""Multi-scalar multiplication against py_arkworks, on the same points and scalars, in one run.

    python benches/prover_msm.py [log2 of the number of points, default 16]

py_arkworks runs on one thread; ours on all processors and, for comparison, on one. Its time is
that of the call alone: making its point and scalar objects (which a prover would have to) is
printed apart. Full-size scalars, and as in a circuit: a third of them bits.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from protocol.crypto.field import R
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2, Group
from prover.curves.msm import Sum, multiply_and_add
from prover.curves.parallel import worker_count
from prover.kernels import warm


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_thread(group: Group, points: Any, scalars: Any) -> None:
    total = Sum(group, points, scalars)
    total.recode(0, scalars.shape[0])
    for window in range(total.n_windows):
        total.add_window(window)
    total.result()


def compare(group: Group, log_size: int) -> None:
    rng = random.Random(log_size)
    n = 1 << log_size
    full = [rng.randrange(R) for _ in range(n)]
    points = FixedBase(group, n).multiply(from_ints(full))
    ark: Any = G1Point if group is G1 else G2Point
    start = time.perf_counter()
    theirs = [
        ark.from_xy_bytes_unchecked_be(b"".join(x.to_bytes(48, "big") for x in coordinates))
        for coordinates in (group.decode(point) for point in points)
        if coordinates is not None
    ]
    converting = time.perf_counter() - start
    mixed = [rng.randrange(2) if i % 3 == 0 else x for i, x in enumerate(full)]
    print(f"{group.name}, 2^{log_size} points (making py_arkworks' points: {converting:.1f} s)")
    for name, numbers in (("full-size scalars", full), ("a third bits", mixed)):
        scalars = from_ints(numbers)
        ours = min(seconds(partial(multiply_and_add, group, points, scalars)) for _ in range(3))
        alone = seconds(partial(one_thread, group, points, scalars))
        their_scalars = [Scalar(number) for number in numbers]
        reference = seconds(partial(ark.multiexp_unchecked, theirs, their_scalars))
        print(
            f"  {name:18} ours {ours / n * 1e6:6.2f} us a point on {worker_count()} processors, "
            f"{alone / n * 1e6:6.2f} on one; py_arkworks {reference / n * 1e6:6.2f}: "
            f"{reference / ours:.1f} and {reference / alone:.1f} times as long"
        )
    got = group.decode(multiply_and_add(group, points, from_ints(mixed)))
    want = ark.multiexp_unchecked(theirs, [Scalar(number) for number in mixed])
    data = want.to_xy_bytes_be()
    assert got == tuple(int.from_bytes(data[i : i + 48], "big") for i in range(0, len(data), 48))


def main() -> None:
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    warm()
    for group in (G1, G2):
        compare(group, log_size)


if __name__ == "__main__":
    main()
