"""Invariant: a .ptau prepared here is the one that snarkjs prepares, bit for bit.

Only needed to set up circuits with snarkjs: `setup_from_ptau` takes files that are not prepared,
and computes for its circuit what takes many times as long for all orders.
Ref: snarkjs, src/powersoftau_preparephase2.js.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from protocol.crypto.field_code import FQ
from prover.curves.group_kernels import Points
from prover.iden3.binfile import Buffer, prime_header, u32, write_file
from prover.iden3.lagrange import lagrange_of
from prover.iden3.ptau import CONTRIBUTIONS, GROUPS, HEADER, LAGRANGE, NAMES, TAU_G1, Ptau
from prover.progress import Progress, silent


def prepare_phase2(path: Path, ptau: Ptau, progress: Progress = silent) -> None:
    """Write the powers of tau with the Lagrange polynomials of all orders as a new .ptau.

    Raises MalformedFile, UnreadableFile.
    """
    write_file(path, "ptau", 1, _sections(ptau, progress))


def _sections(ptau: Ptau, progress: Progress) -> Iterator[tuple[int, Sequence[Buffer]]]:
    yield HEADER, [prime_header(FQ.modulus) + u32(ptau.power) + u32(ptau.power)]
    for number in range(HEADER + 1, CONTRIBUTIONS + 1):
        size = ptau.file.size(number, "powers of tau")
        yield number, [ptau.file.array(number, "powers of tau", 0, size)]
    for section, number in LAGRANGE.items():
        group, last = GROUPS[section], ptau.power + (section == TAU_G1)
        stage = f"Lagrange points: {NAMES[section]}"
        yield (
            number,
            [
                lagrange_of(group, _powers(ptau, section, log_size), stage, progress)
                for log_size in range(last + 1)
            ],
        )


def _powers(ptau: Ptau, section: int, log_size: int) -> Points:
    """The first 2^log_size powers; the one that the file does not have is infinity."""
    count = 1 << log_size
    if log_size <= ptau.power:
        return ptau.powers(section, 0, count)
    points = ptau.powers(section, 0, count - 1)
    return np.concatenate([points, np.zeros((1, points.shape[1]), dtype=np.uint64)])
