"""Fr, the scalar field of BLS12-381: every value that a circuit sees is an int in 0 .. R - 1."""

from __future__ import annotations

from protocol.errors import OutOfRange

R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Order of the BLS12-381 subgroups. Ref: draft-irtf-cfrg-pairing-friendly-curves, 4.2.1."""


def check_fr(field: str, given: int) -> int:
    """Return `given` if it is a canonical field element, else raise OutOfRange."""
    if type(given) is not int or not 0 <= given < R:
        raise OutOfRange(f"{field} (a field element below r)", given, 255)
    return given


def inverse(element: int) -> int:
    """1 / element mod R. Raises ZeroDivisionError for 0."""
    if element % R == 0:
        raise ZeroDivisionError("0 has no inverse in Fr")
    return pow(element, -1, R)


def sqrt(element: int) -> int | None:
    """A square root of `element` mod R, or None if there is none (Tonelli-Shanks)."""
    element %= R
    if element == 0:
        return 0
    if pow(element, (R - 1) // 2, R) != 1:
        return None
    odd, twos = R - 1, 0
    while odd % 2 == 0:
        odd //= 2
        twos += 1
    c = pow(7, odd, R)  # 7 generates the multiplicative group, so it is no square
    t, root, m = pow(element, odd, R), pow(element, (odd + 1) // 2, R), twos
    while t != 1:
        i, square = 0, t
        while square != 1:
            square = square * square % R
            i += 1
        b = pow(c, 1 << (m - i - 1), R)
        root, c, m = root * b % R, b * b % R, i
        t = t * c % R
    return root
