"""Work on eight elements at once against the same work one at a time, on one thread, in one run.

    python -m benches.prover_lanes [--runs 40]

Additions of points in random order: among 1,024 (in the processor's cache) and among 2^18 (in
memory), inversions included; and the layers of a transform of 2^13. Both sides are our own kernels
from one source (docs/adr/0008-avx512.md), and the two take turns.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from benches.figures import Figure, against, best_of, emit, not_measured
from protocol.crypto.lane_types import AVAILABLE
from prover.curves import group_entries, group_lane_entries
from prover.curves import transform_entries as layers
from prover.curves import transform_lane_entries as lane_layers
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.group_kernels import BLOCK
from prover.curves.groups import G1, G2, Group
from prover.curves.ntt import domain

COMMAND = "python -m benches.prover_lanes"
_LOG_BLOCK = 13


def additions(group: Group, log_points: int, runs: int, times: float | None) -> Figure:
    """ns an addition, of 4,096."""
    rng, count = np.random.default_rng(log_points), 4096
    table = FixedBase(group, 1 << log_points).multiply(from_ints(range(1 << log_points)))
    refs = [rng.integers(2, 2 << log_points, (runs, count), dtype=np.int32) for _ in range(2)]
    out = np.empty((count, group.width), dtype=np.uint64)
    scratch = np.empty((BLOCK, 8 * (group.width // 12)), dtype=np.uint64)

    def work(entries: Any) -> None:
        kernel = entries.add_pairs_g1 if group is G1 else entries.add_pairs_g2
        left, right = (rows[rng.integers(runs)] for rows in refs)
        kernel(table, left, table, right, out, 0, count, scratch)

    alone, eight = best_of(runs, partial(work, group_entries), partial(work, group_lane_entries))
    name = f"{group.name} addition among 2^{log_points} points, eight at a time against one"
    return against(name, eight / count * 1e9, alone / count * 1e9, "ns", times, COMMAND)


def transform(runs: int) -> Figure:
    """ns a butterfly, all layers of a block that stays in the cache."""
    roots = domain(_LOG_BLOCK).roots
    values = from_ints(range(1 << _LOG_BLOCK))
    units = 1 << _LOG_BLOCK

    def work(entries: Any) -> None:
        for log_half in range(_LOG_BLOCK - 2, 0, -2):
            entries.split_layers(values, roots, log_half, 0, units >> 2)
        entries.split_layer(values, roots, 0, 0, units >> 1)

    alone, eight = best_of(runs, partial(work, layers), partial(work, lane_layers))
    count = _LOG_BLOCK * units // 2
    name = "butterfly of a transform, eight at a time against one"
    return against(name, eight / count * 1e9, alone / count * 1e9, "ns", None, COMMAND)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    if not AVAILABLE:
        why = "no AVX-512 IFMA on this processor, or WATTLANE_SCALAR is set"
        emit([not_measured("additions eight at a time", "ns", "", why, COMMAND)])
        return
    emit([additions(G1, 10, runs, 2.5), additions(G1, 18, runs, None)])
    emit([additions(G2, 10, runs, 2.5), additions(G2, 16, runs, None)])
    emit([transform(runs)])


if __name__ == "__main__":
    main()
