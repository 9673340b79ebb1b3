"""What a table of multiples of every point would save: one set of buckets for all windows.

    python -m benches.prover_tables [log2 of the number of points, default 18]

The table is stood for by as many other points in random places: what is added where costs the same.
Processor time of the additions and the weighing, against all of a sum as it is made now.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

import numpy as np

from prover.curves.buckets import sum_segments, weigh
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_canonical
from prover.curves.groups import G1
from prover.curves.msm import multiply_and_add
from prover.kernels import warm

SCALAR_BITS = 254


def seconds(work: Callable[[], object], runs: int = 3) -> float:
    """The shortest processor time of some runs."""
    times = []
    for _ in range(runs):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def main() -> None:
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 18
    n, bits = 1 << log_size, log_size + 1
    windows = SCALAR_BITS // bits + 1
    warm()
    rng = np.random.default_rng(log_size)
    scalars = from_canonical(rng.integers(0, 2**62, size=(n, 4), dtype=np.uint64))
    points = FixedBase(G1, n).multiply(scalars)
    table = np.concatenate([points[rng.permutation(n)] for _ in range(windows)])
    refs = rng.permutation(2 * windows * n)[: windows * n].astype(np.int32)
    n_buckets = 1 << (bits - 1)
    counts = np.bincount(rng.integers(0, n_buckets, size=windows * n), minlength=n_buckets)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def with_table() -> None:
        buckets = np.empty((3 * n_buckets, G1.width), dtype=np.uint64)
        sum_segments(G1, table, refs, offsets, buckets[:n_buckets])
        weigh(G1, buckets, bits - 1)

    now, then = seconds(lambda: multiply_and_add(G1, points, scalars)), seconds(with_table)
    print(f"G1 2^{log_size}: a sum now {now / n * 1e6:.2f} us a point, {points.nbytes >> 20} MiB;")
    print(f"with {windows} multiples of each point {then / n * 1e6:.2f}, {table.nbytes >> 20} MiB")


if __name__ == "__main__":
    main()
