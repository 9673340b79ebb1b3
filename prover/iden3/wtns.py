"""Invariant: a .wtns file and a witness hold the same numbers, each below r, the first 1.

Ref: snarkjs, src/wtns_utils.js, version 2.
"""

from __future__ import annotations

from pathlib import Path

from protocol.crypto.field import R
from prover.curves.fr import Elements, from_canonical, to_canonical
from prover.iden3.binfile import FR_BYTES, BinFile, prime_header, u32, write_file
from prover.iden3.errors import MalformedFile
from prover.r1cs.system import below_order

HEADER, NUMBERS = 1, 2


def read_wtns(path: Path) -> Elements:
    """The witness, uint64[n_wires, 4] in Montgomery form.

    Raises MalformedFile, WrongField, UnreadableFile.
    """
    file = BinFile.open(path, "wtns", 2)
    header = file.reader(HEADER, "header")
    header.prime(FR_BYTES, R)
    count = header.u32()
    header.end()
    numbers = file.words(NUMBERS, "numbers", count, 4)
    if not below_order(numbers):
        raise MalformedFile(path, "numbers", "one is not below r")
    if count == 0 or numbers[0].tolist() != [1, 0, 0, 0]:
        raise MalformedFile(path, "numbers", "the first is not the constant 1")
    return from_canonical(numbers)


def write_wtns(path: Path, witness: Elements) -> None:
    """Write a witness (uint64[n_wires, 4], Montgomery form). Raises UnreadableFile."""
    header = prime_header(R) + u32(witness.shape[0])
    write_file(path, "wtns", 2, [(HEADER, [header]), (NUMBERS, [to_canonical(witness)])])
