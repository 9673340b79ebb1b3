"""Invariant: the circuit hash of a ceremony is snarkjs': it binds all points of the first key.

BLAKE2b, 64 bytes, of points in big-endian form and of counts.
Ref: snarkjs, src/zkey_new.js, csHasher.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Protocol

import numpy as np

from prover.curves.buckets import all_refs
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Group
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.point_checks import leave_montgomery_q
from prover.groth16.keys import ProvingKey
from prover.iden3.points import by_wire, uncompressed
from prover.iden3.ptau import TAU_G1, Ptau

HASHED_LOG = 14
"""log2 of the points for H hashed at once: whole pieces, so beyond it one power more is read."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


def uncompressed_all(group: Group, points: Points) -> bytes:
    """Points (uint64[n, width]) as transcripts hash them; infinity is all zeros."""
    elements = np.ascontiguousarray(points).reshape(-1, 6)
    numbers = np.empty_like(elements)
    pieces = ranges(elements.shape[0], worker_count())
    run_all([partial(leave_montgomery_q, elements, numbers, *piece) for piece in pieces])
    n_parts = group.width // 12  # numbers of a coordinate: c1 stands before c0
    ordered = numbers.reshape(-1, 2, n_parts, 6)[:, :, ::-1, ::-1].astype(">u8")
    return ordered.tobytes()


def circuit_hash(key: ProvingKey, ptau: Ptau, n_wires: int) -> bytes:
    """The hash of a first key (gamma = delta = 1) made from `ptau`, 64 bytes.

    Raises MalformedFile, UnreadableFile.
    """
    verifying = key.verifying_key
    state: _Hash = hashlib.blake2b()
    for point in (verifying.alpha_g1, ptau.beta_g1, verifying.beta_g2):
        state.update(uncompressed(point))
    for point in (G2.generator, G1.generator, G2.generator):  # gamma, delta, delta
        state.update(uncompressed(point))
    ic_g1 = np.stack([G1.encode(point) for point in verifying.ic_g1])
    _hash_all(state, G1, ic_g1)
    size = 1 << key.log_size
    state.update((size - 1).to_bytes(4, "big"))
    for start in range(0, size - 1, 1 << HASHED_LOG):
        count = min(size - 1, 1 << HASHED_LOG)
        state.update(uncompressed_all(G1, _steps(ptau, start, size, count)))
    _hash_all(state, G1, key.l_g1)
    _hash_all(state, G1, by_wire(key.a_g1[:-2], key.a_wire, n_wires))
    _hash_all(state, G1, by_wire(key.b_g1[:-2], key.b_wire, n_wires))
    _hash_all(state, G2, by_wire(key.b_g2[:-2], key.b_wire, n_wires))
    return state.digest()


def _hash_all(state: _Hash, group: Group, points: Points) -> None:
    state.update(points.shape[0].to_bytes(4, "big"))
    state.update(uncompressed_all(group, points))


def _steps(ptau: Ptau, start: int, size: int, count: int) -> Points:
    """tau^(i + size) - tau^i in G1, for i = start .. start + count - 1."""
    far, near = ptau.powers(TAU_G1, start + size, count), ptau.powers(TAU_G1, start, count)
    out = np.empty_like(far)
    here = all_refs(count)
    G1.add_pairs(far, here, near, here + np.int32(1), out)
    return out
