"""Invariant: whatever is wrong with a circuit or its inputs is said with the names that it uses."""

from __future__ import annotations

from dataclasses import dataclass

from prover.errors import ProverError, Unsatisfied


@dataclass(eq=False)
class BadCircuit(ProverError):
    """A circuit is written wrongly: a programming error, found when it is recorded or joined."""

    circuit: str
    what: str

    def __str__(self) -> str:
        return f"circuit {self.circuit}: {self.what}"


@dataclass(eq=False)
class UnconstrainedWires(BadCircuit):
    """Wires that occur in no constraint: a prover could give them any value."""

    wires: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.wires[:8]) + (", ..." if len(self.wires) > 8 else "")
        return f"circuit {self.circuit}: {len(self.wires)} wires occur in no constraint: {shown}"


@dataclass(eq=False)
class WrongInputs(ProverError):
    """The inputs of a circuit lack names, have names too many, or values that are no elements."""

    circuit: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    out_of_range: tuple[str, ...]

    def __str__(self) -> str:
        parts = [
            f"{what}: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
            for what, names in (
                ("missing", self.missing),
                ("unknown", self.unknown),
                ("not a field element", self.out_of_range),
            )
            if names
        ]
        return f"inputs of circuit {self.circuit} - " + "; ".join(parts)


@dataclass(eq=False)
class ConstraintFailed(ProverError):
    """The values do not satisfy `constraint`, the first one that fails: a * b is not c."""

    circuit: str
    constraint: str
    row: int
    a: int
    b: int
    c: int

    def __str__(self) -> str:
        return (
            f"circuit {self.circuit}: constraint {self.constraint} (row {self.row}) fails: "
            f"{self.a:#x} * {self.b:#x} != {self.c:#x}"
        )


@dataclass(eq=False)
class LinkMismatch(ProverError):
    """An instance was given another value for a link than the wire that it is tied to has."""

    instance: str
    link: str
    target: str
    given: int
    actual: int

    def __str__(self) -> str:
        return (
            f"{self.instance}: link {self.link} was given {self.given:#x}, "
            f"but {self.target} is {self.actual:#x}"
        )


@dataclass(eq=False)
class BrokenConstraint(Unsatisfied):
    """The witness does not satisfy the constraint `name`, the first one that fails."""

    name: str

    def __str__(self) -> str:
        return f"the witness does not satisfy constraint {self.name} (row {self.row})"
