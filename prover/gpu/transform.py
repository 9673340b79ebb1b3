"""Invariant: values transformed on a device are, word for word, those of prover/curves/ntt.py."""

from __future__ import annotations

from dataclasses import dataclass

from prover.curves.fr import Elements
from prover.gpu import kernels
from prover.gpu.device import Buffer, Device


@dataclass(frozen=True, slots=True)
class DeviceDomain:
    """A Domain of prover/curves/ntt.py whose tables lie on a device."""

    device: Device
    log_size: int
    roots: Buffer
    inverse_roots: Buffer

    @property
    def size(self) -> int:
        return 1 << self.log_size

    def interpolate(self, values: Buffer) -> None:
        """In place: n values to n times the coefficients; two layers at once, the last alone."""
        run, roots = self.device.run, self.inverse_roots
        for log_half in range(self.log_size - 2, -1, -2):
            run(kernels.split_four, self.size // 4, values, roots, log_half)
        if self.log_size % 2:
            run(kernels.split, self.size // 2, values, roots, 0)

    def evaluate(self, coefficients: Buffer) -> None:
        """In place: coefficients to values; the first layer alone where they are odd in number."""
        run, roots = self.device.run, self.roots
        if self.log_size % 2:
            run(kernels.merge, self.size // 2, coefficients, roots, 0)
        for log_half in range(self.log_size % 2, self.log_size, 2):
            run(kernels.merge_four, self.size // 4, coefficients, roots, log_half)

    def scale(self, elements: Buffer, factors: Buffer) -> None:
        """In place: elements[i] *= factors[i]."""
        self.device.run(kernels.scale, self.size, elements, factors)


def quotient(
    domain: DeviceDomain, a: Elements, b: Elements, c: Elements, to_coset: Elements
) -> Elements:
    """a b - c on the coset, given the values over the domain, uint64[n, 4]. Raises DeviceFailed."""
    device = domain.device
    factors = device.upload(to_coset)
    values = [device.upload(each) for each in (a, b, c)]
    for each in values:
        domain.interpolate(each)
        domain.scale(each, factors)
        domain.evaluate(each)
    device.run(kernels.multiply_subtract, domain.size, *values)
    result: Elements = device.download(values[0])
    return result
