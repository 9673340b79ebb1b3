"""Invariant: a .r1cs file and an R1CS state the same constraints, in the same order.

Wires stand as circom numbers them: the constant one, public outputs and inputs, all others.
Ref: iden3/r1csfile, doc/r1cs_bin_format.md, version 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import from_canonical, to_canonical
from prover.errors import MalformedSystem
from prover.iden3.binfile import FR_BYTES, BinFile, Buffer, prime_header, u32, u64, write_file
from prover.iden3.errors import MalformedFile
from prover.iden3.rows import Entries, entries_of, system_of
from prover.r1cs.system import R1CS, below_order

HEADER, CONSTRAINTS, LABELS, GATES, GATE_USES = 1, 2, 3, 4, 5
_ENTRY_WORDS = 1 + FR_BYTES // 4  # of 32 bits: wire and coefficient
_Words = NDArray[np.uint32]


def read_r1cs(path: Path) -> R1CS:
    """The constraint system of a .r1cs file for BLS12-381; its labels are not looked at.

    Raises MalformedFile, WrongField, UnreadableFile.
    """
    file = BinFile.open(path, "r1cs", 1)
    header = file.reader(HEADER, "header")
    header.prime(FR_BYTES, R)
    n_wires, n_outputs, n_inputs, _ = (header.u32() for _ in range(4))
    header.u64()
    n_rows = header.u32()
    header.end()
    if GATE_USES in file.sections and file.size(GATE_USES, "custom gates") > 4:
        raise MalformedFile(path, "custom gates", "Groth16 has none: use PLONK for this circuit")
    if file.size(LABELS, "labels") != 8 * n_wires:  # so that the number of wires is credible
        raise file.malformed(LABELS, "labels", f"not 8 bytes for each of {n_wires} wires")
    size = file.size(CONSTRAINTS, "constraints")
    if size < 12 * n_rows or size % 4:
        raise MalformedFile(path, "constraints", f"{size} bytes for {n_rows} constraints")
    words = file.array(CONSTRAINTS, "constraints", 0, size).view("<u4")
    starts, lengths = _table(path, words, 3 * n_rows)
    matrices = [_entries(path, words, starts[i::3], lengths[i::3], n_wires) for i in range(3)]
    try:
        return system_of(n_outputs + n_inputs, n_wires, n_rows, matrices)
    except MalformedSystem as error:
        raise MalformedFile(path, "constraints", error.what) from error


def _table(path: Path, words: _Words, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each sum begins, in words, and how many entries it has."""
    starts, lengths = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    at, end, view = 0, words.shape[0], words.astype(np.uint32, copy=False).data
    for i in range(count):
        if at >= end:
            raise MalformedFile(path, "constraints", f"end within constraint {i // 3}")
        length = view[at]
        starts[i], lengths[i] = at + 1, length
        at += 1 + length * _ENTRY_WORDS
    if at != end:
        raise MalformedFile(
            path, "constraints", f"{count // 3} constraints do not fill the section"
        )
    return starts, lengths


def _entries(
    path: Path,
    words: _Words,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    n_wires: int,
) -> Entries:
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if ends.size else 0
    at = np.repeat(starts - (ends - lengths) * _ENTRY_WORDS, lengths)
    at += np.arange(total) * _ENTRY_WORDS
    wire = words[at].astype(np.int64)
    if wire.size and wire.max() >= n_wires:
        raise MalformedFile(path, "constraints", f"wire {wire.max()} of {n_wires}")
    numbers = words[at[:, None] + np.arange(1, _ENTRY_WORDS)].astype("<u4", copy=False)
    coefficient = numbers.view("<u8").astype(np.uint64, copy=False)
    if not below_order(coefficient):
        raise MalformedFile(path, "constraints", "a coefficient is not below r")
    row = np.repeat(np.arange(lengths.shape[0], dtype=np.int64), lengths)
    place = np.sort(row * n_wires + wire)
    if (place[1:] == place[:-1]).any():
        what = "a wire occurs twice in a sum: programs disagree whether the first counts"
        raise MalformedFile(path, "constraints", what)
    return Entries(row, wire, from_canonical(coefficient))


def write_r1cs(path: Path, r1cs: R1CS) -> None:
    """Write the system as a .r1cs file. Raises UnreadableFile.

    All private wires count as private inputs, as whoever makes a witness gives them all; wires
    that occur twice in a row are added up, as readers keep the last one only.
    """
    n_private = r1cs.n_wires - r1cs.n_public - 1
    counts = (r1cs.n_wires, 0, r1cs.n_public, n_private)
    header = prime_header(R) + b"".join(u32(count) for count in counts)
    header += u64(r1cs.n_wires) + u32(r1cs.n_constraints)
    labels = np.arange(r1cs.n_wires, dtype=np.uint64)
    sections: list[tuple[int, list[Buffer]]] = [
        (HEADER, [header]),
        (CONSTRAINTS, [_words(r1cs)]),
        (LABELS, [labels]),
    ]
    write_file(path, "r1cs", 1, sections)


def _words(r1cs: R1CS) -> _Words:
    """The constraints' section: for each row A, B and C: how many entries, then each."""
    matrices = [entries_of(r1cs, matrix) for matrix in (r1cs.a, r1cs.b, r1cs.c)]
    lengths = np.stack(
        [np.bincount(each.row, minlength=r1cs.n_constraints) for each in matrices], axis=1
    )
    sizes = 1 + lengths.reshape(-1) * _ENTRY_WORDS
    starts = (np.cumsum(sizes) - sizes).reshape(-1, 3)
    words = np.zeros(int(sizes.sum()), dtype=np.uint32)
    words[starts.reshape(-1)] = lengths.reshape(-1)
    for i, each in enumerate(matrices):
        before = np.cumsum(lengths[:, i]) - lengths[:, i]
        at = np.arange(each.row.shape[0]) - before[each.row]
        at = starts[each.row, i] + 1 + at * _ENTRY_WORDS
        words[at] = each.wire
        numbers = to_canonical(each.coefficient).astype("<u8", copy=False).view("<u4")
        words[at[:, None] + np.arange(1, _ENTRY_WORDS)] = numbers
    return words
