"""Invariant: numbers and points that a ceremony derives from a hash are those of snarkjs.

A seed of 32 bytes gives a ChaCha20 stream; numbers are read from it as Montgomery forms, points
as an x and a choice of y, times the cofactor. Ref: ffjavascript, src/chacha.js, wasm_curve.js.
"""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from protocol.crypto.field_code import FQ, PrimeField
from prover.curves.groups import G2, Coordinates, Group

_Q = FQ.modulus
_COFACTOR = {
    "G1": 0x396C8C005555E1568C00AAAB0000AAAB,
    "G2": int(
        "5d543a95414e7f1091d50792876a202cd91de4547085abaa68a205b2e5a7ddfa628f1cb4d9e82ef2"
        "1537e293a6691ae1616ec6e786f0c70cf1c38e31c7238e5",
        16,
    ),
}
"""Ref: draft-irtf-cfrg-pairing-friendly-curves, 4.2.1."""
_CHUNK_BYTES = 64


class Stream:
    """The numbers that follow from a seed: its first 32 bytes, as big-endian words."""

    def __init__(self, seed: bytes) -> None:
        key = b"".join(seed[i : i + 4][::-1] for i in range(0, 32, 4))
        self._cipher = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()
        self._words: list[int] = []

    def word(self) -> int:
        """The next 32 bits."""
        if not self._words:
            block = self._cipher.update(bytes(_CHUNK_BYTES))
            self._words = np.frombuffer(block, dtype="<u4").tolist()
        return self._words.pop(0)

    def element(self, field: PrimeField) -> int:
        """A uniform element of the field."""
        mask = (1 << field.modulus.bit_length()) - 1
        while True:
            pairs = [(self.word(), self.word()) for _ in range(field.limbs)]
            words = [high << 32 | low for high, low in pairs]
            number = sum(word << 64 * i for i, word in enumerate(words)) & mask
            if number < field.modulus:
                return field.decode([number >> 64 * i & (1 << 64) - 1 for i in range(field.limbs)])

    def point(self, group: Group) -> Coordinates:
        """A point of the subgroup."""
        while True:
            x = tuple(self.element(FQ) for _ in range(len(group.generator) // 2))
            upper = bool(self.word() & 1)
            y = _square_root(_curve(x))
            if y is not None:
                if upper != _is_upper(y):
                    y = tuple(-each % _Q for each in y)
                return multiply(group, x + y, _COFACTOR[group.name])


def beacon_stream(value: bytes, iterations_log: int) -> Stream:
    """The stream of a beacon: SHA-256 of its value, 2^iterations_log times over."""
    digest = value
    for _ in range(1 << iterations_log):
        digest = hashlib.sha256(digest).digest()
    return Stream(digest)


def multiply(group: Group, point: Coordinates, scalar: int) -> Coordinates:
    """scalar * point for any point of the curve, in the subgroup or not, and scalar > 0."""
    words = np.zeros((scalar.bit_length(), group.width), dtype=np.uint64)
    for i in range(scalar.bit_length()):
        if scalar >> i & 1:
            words[i] = group.encode(point)
    product = group.decode(group.sum_of_doublings(words))
    assert product is not None  # of order r, and not a multiple
    return product


def _curve(x: Coordinates) -> Coordinates:
    """x^3 + 4, or x^3 + 4 (1 + u)."""
    if len(x) == 1:
        return ((x[0] ** 3 + 4) % _Q,)
    a, b = x
    return (a**3 - 3 * a * b * b + 4) % _Q, (3 * a * a * b - b**3 + 4) % _Q


def _square_root(square: Coordinates) -> Coordinates | None:
    """A square root in Fq or Fq2 = Fq[u] / (u^2 + 1), or None. q is 3 mod 4."""
    if len(square) == 1:
        root = _root(square[0])
        return None if root is None else (root,)
    real, imaginary = square
    norm = _root((real * real + imaginary * imaginary) % _Q)
    if norm is None:
        return None
    for sign in (1, -1):
        a = _root((real + sign * norm) * pow(2, -1, _Q) % _Q)
        if a:
            return a, imaginary * pow(2 * a, -1, _Q) % _Q
    return None  # of a real square alone, which nobody meets


def _root(square: int) -> int | None:
    root = pow(square, (_Q + 1) // 4, _Q)
    return root if root * root % _Q == square else None


def _is_upper(y: Coordinates) -> bool:
    """Whether the last part of y that is not 0 is above q / 2."""
    decisive = next((each for each in reversed(y) if each), 0)
    return decisive > _Q // 2


def hash_to_g2(digest: bytes) -> Coordinates:
    """The point of G2 that a transcript's hash (64 bytes) gives."""
    return Stream(digest).point(G2)
