"""Invariant: the prover asks here first, and None means that the CPU is to do it.

A GPU that fails is given up for the rest of the process, and the CPU does the work after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from prover.curves.fr import Elements
from prover.curves.group_kernels import Points
from prover.curves.groups import Group
from prover.curves.parallel import run_all
from prover.gpu.errors import DeviceFailed
from prover.gpu.selection import chosen, give_up
from prover.progress import Progress, silent

if TYPE_CHECKING:
    from prover.curves.ntt import Domain

LEAST_POINTS = LEAST_ELEMENTS = 1 << 14
"""Below, the CPU is done before a GPU has filled its multiprocessors."""


def add_up(
    terms: Sequence[tuple[Group, Points, Elements]], stage: str = "msm", progress: Progress = silent
) -> list[Points] | None:
    """The sum of scalars[i] * points[i] for each (group, points, scalars), uint64[group.width].

    points: uint64[n, group.width], unchanged as long as they live; scalars: uint64[n, 4],
    Montgomery form.
    """
    if max((scalars.shape[0] for _, _, scalars in terms), default=0) < LEAST_POINTS:
        return None
    gpu = chosen()
    if gpu is None:
        return None
    full = [i for i, (_, _, scalars) in enumerate(terms) if scalars.shape[0] > 0]
    totals = [np.zeros(group.width, dtype=np.uint64) for group, _, _ in terms]
    try:
        parts = gpu.add_up([terms[i] for i in full], stage, progress)
    except DeviceFailed as error:
        give_up(error)
        return None

    def finish(i: int, of_bits: Points) -> None:
        totals[i][:] = terms[i][0].sum_of_doublings(of_bits)

    run_all([partial(finish, *pair) for pair in zip(full, parts, strict=True)])
    return totals


def quotient(
    domain: Domain, a: Elements, b: Elements, c: Elements, to_coset: Elements
) -> Elements | None:
    """a b - c on the coset, uint64[n, 4], given the values over the domain and the factors that
    take coefficients to the coset."""
    if domain.size < LEAST_ELEMENTS:
        return None
    gpu = chosen()
    if gpu is None:
        return None
    try:
        return gpu.quotient(domain, a, b, c, to_coset)
    except DeviceFailed as error:
        give_up(error)
        return None
