"""Points that must be refused: off the curve, or on it but outside the subgroup of order r."""

from __future__ import annotations

from functools import cache

from contracts.verifying_key import P

FIELD_BYTES = 64


def encode(*coordinates: int) -> bytes:
    """Coordinates as EIP-2537 field elements."""
    return b"".join(c.to_bytes(FIELD_BYTES, "big") for c in coordinates)


def off_curve_g1() -> bytes:
    """(1, 1): 1 is not 1 + 4."""
    return encode(1, 1)


def off_curve_g2() -> bytes:
    """((1, 0), (1, 0)): 1 is not 1 + 4 (1 + u)."""
    return encode(1, 0, 1, 0)


@cache
def off_subgroup_g1(start: int = 1) -> bytes:
    """The first point with x >= start: by a chance of 1 - 2^-125 not in the subgroup."""
    x = start
    while True:
        square = (pow(x, 3, P) + 4) % P
        root = pow(square, (P + 1) // 4, P)
        if root * root % P == square:
            return encode(x, root)
        x += 1


@cache
def off_subgroup_g2(start: int = 1) -> bytes:
    """The first point of the twist with x = (x0, 0), x0 >= start; not in the subgroup."""
    x = start
    while True:
        root = _sqrt_fp2((pow(x, 3, P) + 4) % P, 4)
        if root is not None:
            return encode(x, 0, *root)
        x += 1


def _sqrt_fp2(real: int, imaginary: int) -> tuple[int, int] | None:
    """A square root of real + imaginary u, where u^2 = -1, by the norm; None if there is none."""
    norm = (real * real + imaginary * imaginary) % P
    norm_root = pow(norm, (P + 1) // 4, P)
    if norm_root * norm_root % P != norm:
        return None
    half = pow(2, -1, P)
    for candidate in ((real + norm_root) * half % P, (real - norm_root) * half % P):
        a = pow(candidate, (P + 1) // 4, P)
        if a and a * a % P == candidate:
            b = imaginary * pow(2 * a, -1, P) % P
            return a, b
    return None
