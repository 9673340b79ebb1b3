"""Invariant: a sum made on a device is, word for word, the one that the CPU makes.

The same method as prover/curves/msm.py: signed windows, points sorted into buckets, buckets added
as trees of affine additions that share inversions, then weighted bit by bit. Affine coordinates
in canonical form are unique, so the order of additions leaves no trace. All windows go through
the device together, or as many as its memory holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Kernel
from prover.curves.fr import Elements
from prover.curves.group_kernels import BLOCK, Points, Refs
from prover.curves.groups import G1, Group
from prover.curves.scalar_kernels import SCALAR_BITS
from prover.gpu import kernels
from prover.gpu.device import Buffer, Device
from prover.gpu.errors import DeviceFailed

Offsets = NDArray[np.int64]

_LEAST_SHARE, _MOST_SHARE = 8, min(128, BLOCK)
"""Additions of one thread that share an inversion, which costs as much as six additions."""
_PAIRS_A_LAUNCH = 1 << 22
"""So much room is there for products; it keeps the largest device busy."""
_MEMORY_SHARE = 0.8
"""Of the free memory: the rest is for what allocation rounds up."""


def window_bits(n_points: int) -> int:
    """The window size with the fewest additions: n for the points and two for each bucket."""
    choices = range(2, 17)
    return min(choices, key=lambda bits: (SCALAR_BITS // bits + 1) * (n_points + (1 << bits)))


def window_parts(device: Device, group: Group, points: Buffer, scalars: Elements) -> Points:
    """uint64[n_windows * bits, width]: the sum over i of 2^i parts[i] is that of scalars * points.

    points: uint64[n, width] on the device; scalars: uint64[n, 4], Montgomery form, n > 0.
    Raises DeviceFailed.
    """
    n = scalars.shape[0]
    bits = window_bits(n)
    n_windows = SCALAR_BITS // bits + 1
    on_device = device.upload(scalars)
    digits = device.empty((n_windows, n), np.int32)
    device.run(kernels.digits_of, n, on_device, bits, digits)
    sums = _Sums(device, group)
    at_once = _windows_at_once(device, group, n, 1 << bits - 1)
    parts = [
        sums.windows(points, digits, first, min(at_once, n_windows - first), bits - 1)
        for first in range(0, n_windows, at_once)
    ]
    return np.concatenate(parts)


def _windows_at_once(device: Device, group: Group, n: int, n_buckets: int) -> int:
    """As many windows as the free memory holds. Raises DeviceFailed where it is not one."""
    point_bytes = 8 * group.width
    rounds = (n + 2 * n_buckets) * (point_bytes * 3 // 4 + 12)  # sums of two rounds, references
    window_bytes = rounds + 2 * n_buckets * point_bytes
    prefix_bytes = min(_PAIRS_A_LAUNCH, n) * point_bytes // 2
    have_bytes = int(device.free_bytes() * _MEMORY_SHARE) - prefix_bytes
    if have_bytes < window_bytes:
        need = (window_bytes + prefix_bytes) / _MEMORY_SHARE
        raise DeviceFailed(device.name, f"{n} points need {need / 2**30:.1f} GiB of its memory")
    most_refs = (1 << 30) // (n + 2 * n_buckets)  # a reference has 31 bits
    return max(1, min(have_bytes // window_bytes, most_refs))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of points of a group on a device."""

    device: Device
    group: Group

    def windows(
        self, points: Buffer, digits: Buffer, first: int, n_windows: int, log_buckets: int
    ) -> Points:
        """For each window log_buckets + 1 sums, those of buckets.sum_by_bits; on the host."""
        device, n = self.device, digits.shape[1]
        n_buckets = 1 << log_buckets
        n_digits = n_windows * n
        counts = device.upload(np.zeros(n_windows * n_buckets, dtype=np.int32))
        device.run(kernels.count_digits, n_digits, digits, first, n_buckets, counts)
        offsets = _ends(device.download(counts))
        refs = device.empty((max(1, int(offsets[-1])),), np.int32)
        ends = device.upload(offsets[:-1].astype(np.int32))
        device.run(kernels.sort_digits, n_digits, digits, first, n_buckets, ends, refs)
        levels = device.empty((2 * n_windows * n_buckets, self.group.width), np.uint64)
        self.segments(points, refs, offsets, levels)
        return self._by_bits(levels, n_windows, log_buckets)

    def _by_bits(self, levels: Buffer, n_windows: int, log_buckets: int) -> Points:
        """`levels` holds all windows' buckets; behind them come sums of neighbours, and so on."""
        device, start, size = self.device, 0, n_windows << log_buckets
        for _ in range(log_buckets - 1):
            half = size // 2
            left, right = (device.empty((half,), np.int32) for _ in range(2))
            device.run(kernels.neighbours, half, start, left, right)
            self.add(levels, left, right, levels, start + size, half)
            start, size = start + size, half
        refs, offsets = _odd_entries(n_windows, log_buckets)
        sums = device.empty((n_windows * (log_buckets + 1), self.group.width), np.uint64)
        self.segments(levels, device.upload(refs), offsets, sums)
        on_host: Points = device.download(sums)
        return on_host

    def segments(self, points: Buffer, refs: Buffer, offsets: Offsets, out: Buffer) -> None:
        """out[s] = the sum of the points refs[offsets[s] : offsets[s + 1]]."""
        device, n_segments = self.device, offsets.shape[0] - 1
        on_device = device.upload(offsets)
        longest, rounds = int(np.diff(offsets).max()), 0
        while longest > 1:
            entries = _entries(offsets, rounds + 1)
            left, right = (device.empty((entries,), np.int32) for _ in range(2))
            device.run(kernels.pair_up, entries, refs, on_device, rounds, left, right)
            sums = device.empty((entries, self.group.width), np.uint64)
            self.add(points, left, right, sums, 0, entries)
            points, rounds, longest = sums, rounds + 1, (longest + 1) // 2
        left, right = (device.empty((n_segments,), np.int32) for _ in range(2))
        device.run(kernels.take_ends, n_segments, refs, on_device, rounds, left, right)
        self.add(points, left, right, out, 0, n_segments)

    def add(
        self, points: Buffer, left: Buffer, right: Buffer, out: Buffer, at: int, count: int
    ) -> None:
        """out[at + i] = points[left[i]] + points[right[i]] for i < count."""
        device = self.device
        kernel: Kernel[..., None] = kernels.add_g1 if self.group is G1 else kernels.add_g2
        room = min(count, _PAIRS_A_LAUNCH)
        prefix = device.empty((room, self.group.width // 2), np.uint64)
        for begin in range(0, count, room):
            end = min(begin + room, count)
            share = min(max((end - begin) // device.threads, _LEAST_SHARE), _MOST_SHARE)
            n_items = -(-(end - begin) // share)
            device.run(kernel, n_items, points, left, right, out, at, begin, end, share, prefix)


def _ends(counts: Refs) -> Offsets:
    offsets = np.zeros(counts.shape[0] + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _entries(offsets: Offsets, rounds: int) -> int:
    """How many entries all segments have after so many rounds: kernels.place of the end."""
    last: int = offsets.shape[0] - 1
    return (int(offsets[last]) + last * ((1 << rounds) - 1)) >> rounds


@lru_cache(maxsize=4)
def _odd_entries(n_windows: int, log_buckets: int) -> tuple[Refs, Offsets]:
    """Segments of `levels`: for each window the odd entries of each level, then bucket 0."""
    pieces, lengths = [], []
    for window in range(n_windows):
        start, size = 0, 1 << log_buckets
        for _ in range(log_buckets):
            pieces.append(np.arange(1, size, 2, dtype=np.int32) + np.int32(start + window * size))
            start, size = start + n_windows * size, size // 2
        pieces.append(np.array([window << log_buckets], dtype=np.int32))
    lengths = [piece.shape[0] for piece in pieces]
    return 2 * np.concatenate(pieces), _ends(np.array(lengths, dtype=np.int32))
