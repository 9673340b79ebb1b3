"""Invariant: a template is one instance of a circuit, sealed: every wire occurs in a
constraint, and every value is either given from outside or written by exactly one step of the tape.

Values live in one array: wires 0 .. n_wires - 1 (0 is the constant one), then the temporaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

Terms = Mapping[int, int]
"""Index into the values -> coefficient in 1 .. R - 1."""


class Op(IntEnum):
    """What a step of the tape writes into its `count` outputs from `first` on."""

    LINEAR = 0
    """a"""
    PRODUCT = 1
    """a * b + c"""
    QUOTIENT = 2
    """a / b, or 0 where b is 0"""
    BITS = 3
    """bits low, low + 1, ... of a, taken as an integer in 0 .. R - 1"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tape; b and c are empty where the op has none."""

    op: Op
    first: int
    count: int
    low: int
    a: Terms
    b: Terms
    c: Terms


@dataclass(frozen=True, slots=True)
class Row:
    """A constraint: a * b = c, over wires only."""

    a: Terms
    b: Terms
    c: Terms


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A recorded circuit.

    public, links, inputs, advice: name -> index of the value, given from outside.
      public: wires 1..n, the statement; links: wires that joining replaces by another instance's;
      inputs: private wires; advice: temporaries that only help to compute hints.
    exports: name -> wire that other instances' links may be tied to (public inputs are among them).
    row_names, value_names: for people.
    """

    name: str
    n_wires: int
    n_values: int
    public: Mapping[str, int]
    links: Mapping[str, int]
    inputs: Mapping[str, int]
    advice: Mapping[str, int]
    exports: Mapping[str, int]
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    row_names: tuple[str, ...]
    value_names: tuple[str, ...]

    @property
    def given(self) -> dict[str, int]:
        """Everything that is given from outside: name -> index of the value."""
        return {**self.public, **self.links, **self.inputs, **self.advice}
