"""Invariant: a key from powers of tau is the one that `snarkjs groth16 setup` makes, bit for bit.

gamma and delta are 1: anyone can forge proofs for such a key until somebody contributes to it
(`snarkjs zkey contribute`). So it comes as a .zkey only, not as a key to prove with.
Ref: snarkjs, src/zkey_new.js; Bowe, Gabizon, Miers, ePrint 2017/1050.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.buckets import sum_segments
from prover.curves.fr import Elements, from_ints, to_canonical
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Group
from prover.curves.variable_base import multiply_each
from prover.groth16.keys import ProvingKey, VerifyingKey
from prover.groth16.polynomials import log_domain_size
from prover.iden3.circuit_hash import HASHED_LOG, circuit_hash
from prover.iden3.contributions import Ceremony
from prover.iden3.errors import FormatError
from prover.iden3.lagrange import lagrange_points, odd_lagrange_points
from prover.iden3.ptau import ALPHA_G1, BETA_G1, TAU_G1, TAU_G2, Ptau
from prover.iden3.rows import Entries, entries_of
from prover.iden3.zkey_write import write_zkey
from prover.memory import require_memory
from prover.progress import Progress, silent
from prover.r1cs.system import R1CS

_BYTES_A_ROW = 2000
"""Memory, about, for each wire or row of the domain."""


@dataclass(eq=False)
class PtauTooSmall(FormatError):
    """The powers of tau do not reach the circuit's domain."""

    path: Path
    power: int
    needed: int

    def __str__(self) -> str:
        return f"{self.path} has 2^{self.power} powers of tau, the circuit needs 2^{self.needed}"


def setup_from_ptau(path: Path, r1cs: R1CS, ptau: Ptau, progress: Progress = silent) -> bytes:
    """Write the circuit's first key, without contributions, as a .zkey; its circuit hash.

    The .ptau may be prepared for phase 2 or not: if it is not, what the circuit needs is computed.
    Raises PtauTooSmall, CircuitTooLarge, NotEnoughMemory, MalformedFile, UnreadableFile.
    """
    key = first_key(r1cs, ptau, progress)
    digest = circuit_hash(key, ptau, r1cs.n_wires)
    write_zkey(path, key, r1cs, Ceremony(digest, ()))
    return digest


def first_key(r1cs: R1CS, ptau: Ptau, progress: Progress = silent) -> ProvingKey:
    """The key with gamma = delta = 1, to compare with: its verifying key accepts forgeries.

    Raises PtauTooSmall, CircuitTooLarge, NotEnoughMemory, MalformedFile, UnreadableFile.
    """
    log_size = log_domain_size(r1cs)
    needed = log_size + 1 if log_size > HASHED_LOG else log_size
    if ptau.power < needed:
        raise PtauTooSmall(ptau.file.path, ptau.power, needed)
    rows = max(r1cs.n_wires, 1 << log_size)
    require_memory("a key from powers of tau", rows * _BYTES_A_ROW)
    a, b, c = (entries_of(r1cs, matrix) for matrix in (r1cs.a, r1cs.b, r1cs.c))
    a = _with_public_rows(a, r1cs)
    n_wires, first = r1cs.n_wires, r1cs.n_public + 1
    tau_g2 = lagrange_points(ptau, TAU_G2, log_size, progress)
    b_g2 = columns(G2, [(tau_g2, b)], n_wires, "key: B in G2", progress)
    del tau_g2
    tau_g1 = lagrange_points(ptau, TAU_G1, log_size, progress)
    a_g1 = columns(G1, [(tau_g1, a)], n_wires, "key: A", progress)
    b_g1 = columns(G1, [(tau_g1, b)], n_wires, "key: B in G1", progress)
    alpha = lagrange_points(ptau, ALPHA_G1, log_size, progress)
    beta = lagrange_points(ptau, BETA_G1, log_size, progress)
    parts = [(beta, a), (alpha, b), (tau_g1, c)]
    mixed = columns(G1, parts, n_wires, "key: IC and L", progress)
    del tau_g1, alpha, beta, parts
    verifying_key = VerifyingKey(
        alpha_g1=ptau.alpha_g1,
        beta_g2=ptau.beta_g2,
        gamma_g2=G2.generator,
        delta_g2=G2.generator,
        ic_g1=tuple(G1.decode(point) or (0, 0) for point in mixed[:first]),
        insecure=True,
    )
    a_wire, b_wire = (np.flatnonzero(each.any(axis=1)) for each in (a_g1, b_g1))
    ends_a, ends_b = (
        np.stack([G1.encode(point), G1.encode(G1.generator)])
        for point in (ptau.alpha_g1, ptau.beta_g1)
    )
    ends_b_g2 = np.stack([G2.encode(ptau.beta_g2), G2.encode(G2.generator)])
    return ProvingKey(
        circuit=r1cs.digest().hex(),
        transcript="",
        log_size=log_size,
        verifying_key=verifying_key,
        a_wire=a_wire,
        a_g1=np.concatenate([a_g1[a_wire], ends_a]),
        b_wire=b_wire,
        b_g1=np.concatenate([b_g1[b_wire], ends_b]),
        b_g2=np.concatenate([b_g2[b_wire], ends_b_g2]),
        l_wire=np.arange(first, n_wires, dtype=np.int64),
        l_g1=mixed[first:],
        h_g1=odd_lagrange_points(ptau, log_size, progress),
    )


def _with_public_rows(a: Entries, r1cs: R1CS) -> Entries:
    """A with the rows behind the constraints: row n + i is public wire i."""
    publics = np.arange(r1cs.n_public + 1, dtype=np.int64)
    ones = np.repeat(from_ints([1]), publics.shape[0], axis=0)
    return Entries(
        np.concatenate([a.row, r1cs.n_constraints + publics]),
        np.concatenate([a.wire, publics]),
        np.concatenate([a.coefficient, ones]),
    )


def columns(
    group: Group,
    parts: Sequence[tuple[Points, Entries]],
    n_wires: int,
    stage: str = "",
    progress: Progress = silent,
) -> Points:
    """For each wire the sum, over all parts and their entries, of coefficient * points[row].

    uint64[n_wires, width]. Entries of 1 and -1 cost an addition, others a multiplication.
    """
    one, minus_one = from_ints([1, R - 1])
    tables, wires, references, start = [], [], [], 0
    for points, entries in parts:
        refs = (2 * entries.row).astype(np.int32)
        negative = (entries.coefficient == minus_one).all(axis=1)
        plain = negative | (entries.coefficient == one).all(axis=1)
        refs[negative] += 1
        others = np.flatnonzero(~plain)
        others = others[np.argsort(_size_order(entries.coefficient[others]), kind="stable")]
        products = multiply_each(
            group, points, refs[others], entries.coefficient[others], stage, progress
        )
        refs[others] = 2 * (points.shape[0] + np.arange(others.shape[0]))
        references.append(refs + np.int32(2 * start))
        wires.append(entries.wire)
        tables += [points, products]
        start += points.shape[0] + products.shape[0]
    wire, refs = np.concatenate(wires), np.concatenate(references)
    order = np.argsort(wire, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(wire, minlength=n_wires))])
    sums = np.empty((n_wires, group.width), dtype=np.uint64)
    table = np.concatenate(tables)
    sum_segments(group, table, refs[order], offsets.astype(np.int64), sums)
    return sums


def _size_order(elements: Elements) -> NDArray[np.float64]:
    """About the magnitudes of elements, so that small ones share batches."""
    numbers = to_canonical(elements).astype(np.float64)
    large = (numbers * np.array([1.0, 2.0**64, 2.0**128, 2.0**192])).sum(axis=1)
    magnitudes: NDArray[np.float64] = np.minimum(large, float(R) - large)
    return magnitudes
