"""Invariant: Lagrange polynomials at tau, from powers of tau or from a prepared file, are equal.

L_j(tau) = 1/n sum over i of root^(-i j) tau^i: an inverse transform whose values are points. It
is computed here where a .ptau is not prepared: n log(n) / 2 multiplications of points, some
milliseconds for each row on two cores, all told; and only one order is made, not all.
Ref: snarkjs, src/powersoftau_preparephase2.js.
"""

from __future__ import annotations

import numpy as np

from protocol.crypto.field import R
from prover.curves.buckets import all_refs
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, Group
from prover.curves.ntt import powers, root_of_unity
from prover.curves.variable_base import multiply_each
from prover.iden3.ptau import GROUPS, NAMES, TAU_G1, Ptau
from prover.progress import Progress, silent


def lagrange_points(ptau: Ptau, section: int, log_size: int, progress: Progress = silent) -> Points:
    """The Lagrange polynomials over 2^log_size roots at tau, times alpha or beta as the section.

    uint64[2^log_size, width]. Raises MalformedFile, UnreadableFile.
    """
    if ptau.is_prepared:
        return ptau.lagrange(section, log_size)
    points = ptau.powers(section, 0, 1 << log_size)
    return lagrange_of(GROUPS[section], points, f"Lagrange points: {NAMES[section]}", progress)


def lagrange_of(
    group: Group, points: Points, stage: str = "", progress: Progress = silent
) -> Points:
    """The Lagrange polynomials at tau from the first 2^k powers of it (uint64[2^k, width])."""
    size = points.shape[0]
    scale = powers(pow(size, -1, R), 1, size.bit_length() - 1)
    scaled = multiply_each(group, points, all_refs(size), scale)
    return inverse_transform(group, scaled, stage, progress)


def odd_lagrange_points(ptau: Ptau, log_size: int, progress: Progress = silent) -> Points:
    """Of the Lagrange polynomials over 2^(log_size + 1) roots at tau those of odd number, in G1.

    Where the file ends at tau^(2^(log_size + 1) - 2), its next power counts as 0, as in snarkjs:
    no polynomial that is divided has that degree. Raises MalformedFile, UnreadableFile.
    """
    if ptau.is_prepared:
        return ptau.lagrange(TAU_G1, log_size + 1)[1::2].copy()
    size = 1 << log_size
    count = size if ptau.power > log_size else size - 1
    near = ptau.powers(TAU_G1, 0, size)
    far = np.zeros_like(near)
    far[:count] = ptau.powers(TAU_G1, size, count)
    here = all_refs(size)
    G1.add_pairs(near, here, far, here + np.int32(1), near)
    root = root_of_unity(log_size + 1)
    twist = powers(pow(2 * size, -1, R), pow(root, -1, R), log_size)
    stage = "Lagrange points: quotient"
    twisted = multiply_each(G1, near, here, twist)
    return inverse_transform(G1, twisted, stage, progress)


def inverse_transform(
    group: Group, points: Points, stage: str = "", progress: Progress = silent
) -> Points:
    """For each j: sum over i of root^(-i j) points[i], for 2^k points and roots of unity.

    Ref: Gentleman, Sande, decimation in frequency; here the sums alternate between two arrays.
    """
    size = points.shape[0]
    log_size = size.bit_length() - 1
    for layer in range(log_size):
        half = size >> layer + 1
        low = np.arange(size).reshape(-1, 2, half)
        first, second = (2 * low[:, side].reshape(-1).astype(np.int32) for side in (0, 1))
        sums = np.empty_like(points)
        group.add_pairs(points, first, points, second, sums)
        group.add_pairs(points, first, points, second + np.int32(1), sums, size // 2)
        factors = _twiddles(log_size - layer, size // 2)
        differences = np.ascontiguousarray(sums[size // 2 :])
        turned = multiply_each(group, differences, all_refs(size // 2), factors)
        points = np.empty_like(points)
        points[low[:, 0].reshape(-1)] = sums[: size // 2]
        points[low[:, 1].reshape(-1)] = turned
        progress(stage, layer + 1, log_size)
    return points[_reversed_bits(log_size)]


def _twiddles(log_block: int, count: int) -> Elements:
    """root^-k for k = 0 .. half a block, again and again, uint64[count, 4]."""
    root = pow(root_of_unity(log_block), -1, R)
    block = powers(1, root, log_block - 1)
    return np.tile(block, (count // block.shape[0], 1))


def _reversed_bits(log_size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each index the one with its bits in reverse."""
    reversed_bits = np.zeros(1, dtype=np.int64)
    for _ in range(log_size):
        reversed_bits = np.concatenate([2 * reversed_bits, 2 * reversed_bits + 1])
    return reversed_bits
