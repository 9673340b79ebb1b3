"""Invariant: one piece of work at a time is on the device, and a key's points go there once.

An array of points or roots that was uploaded stays on the device as long as the array itself
lives on this side, and must not be changed meanwhile; nobody changes those of a key or a domain.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import Elements, from_ints
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Group
from prover.curves.ntt import Domain
from prover.gpu.device import Buffer, Device
from prover.gpu.errors import DeviceFailed
from prover.gpu.msm import window_parts
from prover.gpu.transform import DeviceDomain, quotient
from prover.progress import Progress, silent

Term = tuple[Group, Points, Elements]


class Engine:
    """What the prover does on a device. Raises DeviceFailed."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._lock = threading.RLock()
        self._resident: dict[int, Buffer] = {}

    def add_up(
        self, terms: Sequence[Term], stage: str = "msm", progress: Progress = silent
    ) -> list[Points]:
        """For each (group, points, scalars) the points whose doublings, summed, are the sum.

        points: uint64[n, group.width]; scalars: uint64[n, 4], Montgomery form; n > 0. The sum is
        group.sum_of_doublings(result), which is left to the caller's processors.
        """
        parts = []
        with self._lock:
            for done, (group, points, scalars) in enumerate(terms):
                progress(stage, done, len(terms))
                parts.append(window_parts(self.device, group, self.resident(points), scalars))
            progress(stage, len(terms), len(terms))
        return parts

    def quotient(
        self, domain: Domain, a: Elements, b: Elements, c: Elements, to_coset: Elements
    ) -> Elements:
        """transform.quotient over a domain, whose tables stay on the device."""
        with self._lock:
            roots, inverse = self.resident(domain.roots), self.resident(domain.inverse_roots)
            on_device = DeviceDomain(self.device, domain.log_size, roots, inverse)
            return quotient(on_device, a, b, c, to_coset)

    def resident(self, array: NDArray[np.uint64]) -> Buffer:
        """The array on the device, uploaded if it is not there yet."""
        with self._lock:
            known = self._resident.get(id(array))
            if known is None:
                known = self._resident[id(array)] = self.device.upload(array)
                weakref.finalize(array, self._resident.pop, id(array), None)
            return known

    def check(self) -> None:
        """Raise DeviceFailed unless the device makes 2 P of P + 2 P - P, as the CPU does."""
        for group in (G1, G2):
            points = np.stack([group.encode(group.generator)] * 3)
            [parts] = self.add_up([(group, points, from_ints([1, 2, R - 1]))])
            twice = group.sum_of_doublings(points[:2] * np.array([[0], [1]], dtype=np.uint64))
            if not np.array_equal(group.sum_of_doublings(parts), twice):
                raise DeviceFailed(self.device.name, "it does not compute what the CPU does")
