"""Invariant: every error that the prover raises on purpose is a ProverError with typed fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class ProverError(Exception):
    """Base of all errors of this package."""


@dataclass(eq=False)
class MalformedSystem(ProverError):
    """An R1CS or a witness does not have the shape that the prover works on."""

    what: str

    def __str__(self) -> str:
        return f"malformed constraint system or witness: {self.what}"


@dataclass(eq=False)
class Unsatisfied(ProverError):
    """The witness does not satisfy constraint number `row`, the first one that fails."""

    row: int

    def __str__(self) -> str:
        return f"the witness does not satisfy constraint {self.row}"


@dataclass(eq=False)
class WrongShape(ProverError):
    """What was executed has other slots than the circuit that is to prove it."""

    executed: str
    circuit: str

    def __str__(self) -> str:
        return f"executed for {self.executed}, but the circuit is for {self.circuit}"


class NotSetUp(ProverError):
    """A prover was used before its `setup`."""

    def __str__(self) -> str:
        return "the prover has no key yet: call setup() first"


@dataclass(eq=False)
class KeyNotFound(ProverError):
    """A cache folder does not hold the proving key that was asked for. Hex digests."""

    key: str
    circuit: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.folder} holds no key {self.key[:16]} of circuit {self.circuit[:16]}"


@dataclass(eq=False)
class OtherKey(ProverError):
    """A key file holds another key than the one that is needed. Hex digests of verifying keys."""

    path: Path
    given: str
    wanted: str

    def __str__(self) -> str:
        return (
            f"{self.path} holds key {self.given[:16]}, but {self.wanted[:16]} is needed: get the "
            "file of this rollup"
        )
