"""A batch's data as an EIP-4844 blob: the polynomial whose coefficients they are.

A blob is a polynomial's values at the 4096th roots of unity, in bit-reversed order, each 32 bytes,
big-endian. Its field is the circuit's own, so L1's point evaluation of the blob at z and the
circuit's D(z) are the same number, and nothing has to be hashed or packed to tie the two together.
Ref: EIP-4844; consensus-specs, deneb/polynomial-commitments.md (root of unity, bit reversal).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from protocol.crypto.field import R, check_fr
from protocol.errors import MalformedBlob

BLOB_ELEMENTS = 4096
ELEMENT_BYTES = 32
BLOB_BYTES = BLOB_ELEMENTS * ELEMENT_BYTES
COMMITMENT_BYTES = 48
"""A KZG commitment, and a KZG proof: a compressed G1 point."""
VERSION = b"\x01"
PRIMITIVE_ROOT = 7
"""Of Fr, as the consensus specification chooses it; the circuit's own domains have nothing to do
with it."""


def blob_of(coefficients: Sequence[int]) -> bytes:
    """The blob of the polynomial with these coefficients, lowest first: 131,072 bytes.

    Raises MalformedBlob where there are more than 4,096, OutOfRange where one is not below r.
    """
    if len(coefficients) > BLOB_ELEMENTS:
        raise MalformedBlob(f"{len(coefficients)} coefficients do not fit a blob's 4,096")
    values = [check_fr("coefficient", given) for given in coefficients]
    values += [0] * (BLOB_ELEMENTS - len(values))
    half = BLOB_ELEMENTS // 2
    while half:
        # Natural order in, bit-reversed order out: x -> (a + b, (a - b) w^i), blocks halving.
        powers = _powers(2 * half)
        for start in range(0, BLOB_ELEMENTS, 2 * half):
            for i in range(start, start + half):
                a, b = values[i], values[i + half]
                values[i] = (a + b) % R
                values[i + half] = (a - b) * powers[i - start] % R
        half //= 2
    return b"".join(value.to_bytes(ELEMENT_BYTES, "big") for value in values)


def coefficients_of(blob: bytes, count: int) -> tuple[int, ...]:
    """The first `count` coefficients of a blob's polynomial; the inverse of `blob_of`.

    Raises MalformedBlob where it is no blob, or where a later coefficient is not 0.
    """
    values = _elements(blob)
    half = 1
    while half < BLOB_ELEMENTS:
        # Each step of `blob_of` backwards, but for a factor of 2: w^-i = -w^(half - i).
        powers = _powers(2 * half)
        for start in range(0, BLOB_ELEMENTS, 2 * half):
            a, b = values[start], values[start + half]
            values[start], values[start + half] = a + b, a - b
            for i in range(1, half):
                a, b = values[start + i], values[start + half + i] * powers[half - i]
                values[start + i] = (a - b) % R
                values[start + half + i] = (a + b) % R
        half *= 2
    scale = pow(BLOB_ELEMENTS, -1, R)
    values = [value * scale % R for value in values]
    beyond = next((i for i in range(count, BLOB_ELEMENTS) if values[i]), None)
    if beyond is not None:
        raise MalformedBlob(f"its coefficient {beyond} is not 0, but a batch has only {count}")
    return tuple(values[:count])


def versioned_hash(commitment: bytes) -> bytes:
    """What L1 calls a blob by: 0x01 and the last 31 bytes of SHA-256 of its KZG commitment."""
    return VERSION + hashlib.sha256(commitment).digest()[1:]


def _elements(blob: bytes) -> list[int]:
    if len(blob) != BLOB_BYTES:
        raise MalformedBlob(f"it has {len(blob)} bytes, not {BLOB_BYTES}")
    values = [
        int.from_bytes(blob[start : start + ELEMENT_BYTES], "big")
        for start in range(0, BLOB_BYTES, ELEMENT_BYTES)
    ]
    if max(values) >= R:
        raise MalformedBlob("an element is not below r")
    return values


@cache
def _powers(size: int) -> tuple[int, ...]:
    """w^0 .. w^(size / 2 - 1) of the chosen primitive root w of unity of this order."""
    root, power, powers = pow(PRIMITIVE_ROOT, (R - 1) // size, R), 1, []
    for _ in range(size // 2):
        powers.append(power)
        power = power * root % R
    return tuple(powers)
