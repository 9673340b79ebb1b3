"""A transform of 2^20 elements against zksnake's fft (arkworks behind Python ints), in one run.

    python -m benches.prover_ntt [log2 of the size, default 20]

Each library works on what it keeps its elements in: ours on arrays, zksnake on lists of ints. The
second figure converts ours from ints and back too, which our prover never does.
"""

from __future__ import annotations

import random
import sys

from benches.figures import against, best_of, emit, peer
from protocol.crypto.field import R
from prover.curves.fr import from_ints, to_ints
from prover.curves.ntt import domain
from prover.kernels import warm

RUNS = 5


def main() -> None:
    fft = peer("zksnake.polynomial").fft
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    warm()
    rng = random.Random(log_size)
    numbers = [rng.randrange(R) for _ in range(1 << log_size)]
    roots, elements = domain(log_size), from_ints(numbers)

    def ours_on_ints() -> list[int]:
        values = from_ints(numbers)
        roots.interpolate(values)
        return to_ints(values)

    spectrum, ours = fft(numbers, R), ours_on_ints()
    # the libraries' roots of unity are powers of each other: the same values in another order
    assert sorted(spectrum) == sorted(ours)
    arrays, ints, theirs = best_of(
        RUNS,
        lambda: roots.interpolate(elements),
        ours_on_ints,
        lambda: fft(numbers, R),
    )
    command = f"python -m benches.prover_ntt {log_size}"
    name = f"NTT 2^{log_size} against zksnake's fft"
    emit([against(name, arrays, theirs, "s", 3, command)])
    emit([against(f"{name}, from and to ints", ints, theirs, "s", None, command)])


if __name__ == "__main__":
    main()
