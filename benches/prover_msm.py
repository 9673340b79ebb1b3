"""Multi-scalar multiplication against py_arkworks, on the same points and scalars, in one run.

    python -m benches.prover_msm [--g1 18] [--g2 16] [--runs 5]

The sizes are log2 of the number of points. Scalars are uniform in 0 .. r - 1. Both sides get what
they compute with: ours arrays of words, py_arkworks lists of its own point and scalar objects,
so making these is in neither's time; that `multiexp_unchecked` converts them inside is in its
time, as it is for whoever calls it. It runs on one thread; ours on all processors, as a proof does.
The two take turns. Printed besides: ours on one thread, and scalars as in a circuit (a third bits).
No table made from the points beforehand is used.
"""

from __future__ import annotations

import argparse
import random
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from benches.figures import against, emit
from protocol.crypto.field import R
from prover.curves import msm, windows
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2, Coordinates, Group
from prover.curves.msm import multiply_and_add
from prover.curves.parallel import run_all, worker_count
from prover.kernels import warm

COMMAND = "python -m benches.prover_msm"


def take_turns(runs: int, *works: partial[Any]) -> list[list[float]]:
    """The seconds of each run of each work."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, taken in zip(works, times, strict=True):
            start = perf_counter()
            work()
            taken.append(perf_counter() - start)
    return times


def on_one_thread(group: Group, points: Any, scalars: Any) -> None:
    """The same sum, its tasks one after the other."""

    def run_in_turn(tasks: Any, *_: object) -> None:
        for task in tasks:
            task()

    everywhere = run_all
    try:
        vars(msm)["run_all"] = vars(windows)["run_all"] = run_in_turn
        multiply_and_add(group, points, scalars)
    finally:
        vars(msm)["run_all"] = vars(windows)["run_all"] = everywhere


def coordinates(point: Any) -> Coordinates:
    data = point.to_xy_bytes_be()
    return tuple(int.from_bytes(data[i : i + 48], "big") for i in range(0, len(data), 48))


def compare(group: Group, log_size: int, runs: int, times: float | None) -> None:
    n = 1 << log_size
    rng = random.Random(log_size)
    full = [rng.randrange(R) for _ in range(n)]
    points = FixedBase(group, n).multiply(from_ints([rng.randrange(1, R) for _ in range(n)]))
    ark: Any = G1Point if group is G1 else G2Point
    theirs = [
        ark.from_xy_bytes_unchecked_be(b"".join(x.to_bytes(48, "big") for x in decoded))
        for decoded in map(group.decode, points)
        if decoded is not None
    ]
    mixed = [rng.randrange(2) if i % 3 == 0 else x for i, x in enumerate(full)]
    for name, numbers in (("random scalars", full), ("a third bits", mixed)):
        scalars, their_scalars = from_ints(numbers), [Scalar(number) for number in numbers]
        ours = partial(multiply_and_add, group, points, scalars)
        reference = partial(ark.multiexp_unchecked, theirs, their_scalars)
        assert group.decode(ours()) == coordinates(reference())
        alone = partial(on_one_thread, group, points, scalars)
        taken = take_turns(runs, ours, reference, alone)
        us = [[1e6 * seconds / n for seconds in row] for row in taken]
        mine, their, single = map(min, us)
        print(
            f"{group.name} 2^{log_size}, {name}: us a point, best (median) of {runs}: ours "
            f"{mine:.2f} ({median(us[0]):.2f}) on {worker_count()} threads, {single:.2f} "
            f"({median(us[2]):.2f}) on one; py_arkworks {their:.2f} ({median(us[1]):.2f}); "
            f"{their / mine:.2f} times as fast ({median(us[1]) / median(us[0]):.2f}), "
            f"on one thread {their / single:.2f}",
            flush=True,
        )
        if numbers is full:
            title = f"{group.name} MSM 2^{log_size} against py_arkworks"
            emit([against(title, mine, their, "us a point", times, COMMAND)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--g1", type=int, default=18)
    parser.add_argument("--g2", type=int, default=16)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    warm()
    compare(G1, chosen.g1, chosen.runs, 4)
    compare(G2, chosen.g2, chosen.runs, 3)


if __name__ == "__main__":
    main()
