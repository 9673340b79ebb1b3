"""Invariant: a linear combination is reduced (coefficients in 1 .. R - 1) and never changes.

Additions and products with constants are free: they only make another combination. A product of
two combinations costs a constraint, so only the Builder makes it (`Builder.mul`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol.crypto.field import R

ONE = 0
"""The wire that holds the constant one."""


class Lc:
    """sum of coefficient * wire over Fr; the constant is the coefficient of wire ONE.

    A key >= 0 is a wire; a key < 0 is a temporary, a value of the tape that no constraint may name.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[int, int] | None = None) -> None:
        """`terms` maps wires to coefficients in 1 .. R - 1; it is kept, not copied."""
        self.terms: Mapping[int, int] = terms if terms is not None else {}

    @staticmethod
    def of(value: Lc | int) -> Lc:
        """A combination as it is, or an int as a constant mod R."""
        if isinstance(value, Lc):
            return value
        reduced = value % R
        return Lc({ONE: reduced} if reduced else {})

    @staticmethod
    def total(parts: Iterable[tuple[int, Lc | int]]) -> Lc:
        """The sum of factor * part: cheaper than adding one by one."""
        terms: dict[int, int] = {}
        for factor, part in parts:
            for wire, coefficient in Lc.of(part).terms.items():
                terms[wire] = terms.get(wire, 0) + factor * coefficient
        return Lc({wire: c for wire, raw in terms.items() if (c := raw % R)})

    def __add__(self, other: Lc | int) -> Lc:
        return Lc.total(((1, self), (1, other)))

    __radd__ = __add__

    def __sub__(self, other: Lc | int) -> Lc:
        return Lc.total(((1, self), (-1, other)))

    def __rsub__(self, other: Lc | int) -> Lc:
        return Lc.total(((1, other), (-1, self)))

    def __neg__(self) -> Lc:
        return Lc.total(((-1, self),))

    def __mul__(self, factor: int) -> Lc:
        """Times a constant."""
        return Lc.total(((factor, self),))

    __rmul__ = __mul__

    @property
    def constant(self) -> int | None:
        """The value, if it is the same in every witness."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and ONE in self.terms:
            return self.terms[ONE]
        return None

    @property
    def wire(self) -> int | None:
        """The wire, if this is just one wire with coefficient 1 (the constant one is none)."""
        if len(self.terms) != 1:
            return None
        ((wire, coefficient),) = self.terms.items()
        return wire if coefficient == 1 and wire != ONE else None

    def __repr__(self) -> str:
        return " + ".join(f"{c}*w{w}" for w, c in self.terms.items()) or "0"


class Uint(Lc):
    """A combination that the circuit's constraints keep in 0 .. 2^bits - 1, as an integer.

    Only gadgets that prove the range make one (`enforce_uint`, `Uint.literal`, ...), or
    `unsafe_uint`, whose caller says who proves it. Arithmetic on it gives a plain Lc again.
    """

    __slots__ = ("bits",)

    def __init__(self, terms: Mapping[int, int], bits: int) -> None:
        super().__init__(terms)
        self.bits = bits

    @staticmethod
    def literal(value: int, bits: int | None = None) -> Uint:
        """A constant in 0 .. 2^bits - 1; `bits` defaults to the value's own length."""
        width = value.bit_length() if bits is None else bits
        if value < 0 or value >> width or width > 254:
            raise ValueError(f"{value} is no constant of {width} bits")
        return Uint(Lc.of(value).terms, width)


class Bit(Uint):
    """A combination that the circuit's constraints keep at 0 or 1."""

    __slots__ = ()

    def __init__(self, terms: Mapping[int, int]) -> None:
        super().__init__(terms, 1)

    def __invert__(self) -> Bit:
        """Not: 1 - self, free."""
        return Bit((1 - self).terms)


FALSE = Bit({})
TRUE = Bit({ONE: 1})
