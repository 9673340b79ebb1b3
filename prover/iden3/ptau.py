"""Invariant: powers of tau are read with their sizes and curves checked, level by level.

Sections 2 to 6: tau^i in G1 (2^(power + 1) - 1 points) and in G2 (2^power), alpha tau^i and
beta tau^i in G1, beta in G2. Prepared files add 12 to 15: for tau in G1 and G2, alpha, beta the
Lagrange polynomials at tau over the roots of unity, of all orders 1, 2, 4 ... one after the
other. That the points are powers of one tau, and who contributed, is checked by
`snarkjs powersoftau verify`. Ref: snarkjs, src/powersoftau_new.js, powersoftau_preparephase2.js.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocol.crypto.field_code import FQ
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates, Group
from prover.curves.ntt import TWO_ADICITY
from prover.iden3.binfile import FQ_BYTES, BinFile
from prover.iden3.points import POINT_BYTES, checked, take_point

HEADER, TAU_G1, TAU_G2, ALPHA_G1, BETA_G1, BETA_G2, CONTRIBUTIONS = range(1, 8)
LAGRANGE = {TAU_G1: 12, TAU_G2: 13, ALPHA_G1: 14, BETA_G1: 15}
GROUPS = {TAU_G1: G1, TAU_G2: G2, ALPHA_G1: G1, BETA_G1: G1}
NAMES = {TAU_G1: "tau in G1", TAU_G2: "tau in G2", ALPHA_G1: "alpha in G1", BETA_G1: "beta in G1"}


@dataclass(frozen=True, slots=True, eq=False)
class Ptau:
    """A .ptau's header, checked; points are read when asked for. power: log2 of its size."""

    file: BinFile
    power: int
    alpha_g1: Coordinates
    beta_g1: Coordinates
    beta_g2: Coordinates

    @property
    def is_prepared(self) -> bool:
        """Whether it holds the Lagrange polynomials (`snarkjs powersoftau prepare phase2`)."""
        return all(number in self.file.sections for number in LAGRANGE.values())

    def powers(self, section: int, start: int, count: int) -> Points:
        """Points start .. start + count - 1 of TAU_G1, TAU_G2, ALPHA_G1 or BETA_G1.

        uint64[count, width]. Raises MalformedFile, UnreadableFile.
        """
        return self._points(section, section, start, count)

    def lagrange(self, section: int, log_size: int) -> Points:
        """The Lagrange polynomials over 2^log_size roots of unity at tau, from a prepared file.

        uint64[2^log_size, width]. Raises MalformedFile, UnreadableFile.
        """
        size = 1 << log_size
        return self._points(LAGRANGE[section], section, size - 1, size)

    def _points(self, number: int, section: int, start: int, count: int) -> Points:
        group, name = GROUPS[section], NAMES[section]
        width = POINT_BYTES[group.name]
        data = self.file.array(number, name, start * width, count * width)
        points = data.view("<u8").astype(np.uint64, copy=False).reshape(count, group.width)
        return checked(self.file, number, name, group, points)


def open_ptau(path: Path) -> Ptau:
    """Read the header of a .ptau, and alpha and beta.

    Raises MalformedFile, WrongField, UnreadableFile.
    """
    file = BinFile.open(path, "ptau", 1)
    header = file.reader(HEADER, "header")
    header.prime(FQ_BYTES, FQ.modulus)
    power, _ = header.u32(), header.u32()
    header.end()
    if not 1 <= power < TWO_ADICITY:
        raise header.fail(f"2^{power} powers of tau")
    size = 1 << power
    counts = {TAU_G1: 2 * size - 1, TAU_G2: size, ALPHA_G1: size, BETA_G1: size}
    for section, count in counts.items():
        _check_size(file, section, NAMES[section], GROUPS[section], count)
    for section, number in LAGRANGE.items():
        if number in file.sections:
            count = 4 * size - 1 if section == TAU_G1 else 2 * size - 1
            _check_size(file, number, f"Lagrange {NAMES[section]}", GROUPS[section], count)
    beta_g2 = file.reader(BETA_G2, "beta in G2")
    first = [
        take_point(file.prefix(section, NAMES[section], POINT_BYTES["G1"]), NAMES[section], G1)
        for section in (ALPHA_G1, BETA_G1)
    ]
    return Ptau(file, power, first[0], first[1], take_point(beta_g2, "beta in G2", G2))


def _check_size(file: BinFile, number: int, name: str, group: Group, count: int) -> None:
    want = count * POINT_BYTES[group.name]
    if file.size(number, name) != want:
        what = f"has {file.size(number, name)} bytes, not {want}: {count} points of {group.name}"
        raise file.malformed(number, name, what)
