"""Invariant: whatever is wrong with a key, a proof or its inputs is said by a type of its own."""

from __future__ import annotations

from dataclasses import dataclass

from prover.errors import ProverError


class Groth16Error(ProverError):
    """Base of the errors of setup, proving and verification."""


@dataclass(eq=False)
class TooLittleEntropy(Groth16Error):
    """Setup and proving need at least 32 bytes that nobody else can know."""

    given_bytes: int

    def __str__(self) -> str:
        return f"at least 32 bytes of entropy are needed, {self.given_bytes} were given"


@dataclass(eq=False)
class CircuitTooLarge(Groth16Error):
    """Fr has no domain for so many constraints."""

    n_rows: int

    def __str__(self) -> str:
        return f"{self.n_rows} rows do not fit a domain of 2^31"


@dataclass(eq=False)
class WrongCircuit(Groth16Error):
    """A key belongs to another constraint system than the one to be proved."""

    key_circuit: str
    circuit: str

    def __str__(self) -> str:
        return f"the key is for circuit {self.key_circuit[:16]}, not for {self.circuit[:16]}"


@dataclass(eq=False)
class MalformedKeyFile(Groth16Error):
    """A folder does not hold a proving key that this version can read."""

    folder: str
    what: str

    def __str__(self) -> str:
        return f"{self.folder} holds no usable proving key: {self.what}"


@dataclass(eq=False)
class MalformedEncoding(Groth16Error):
    """A JSON text or byte string does not encode a proof or verifying key."""

    what: str

    def __str__(self) -> str:
        return f"not a proof or verifying key: {self.what}"


class VerificationError(Groth16Error):
    """Base: a proof is not accepted."""


@dataclass(eq=False)
class BadPoint(VerificationError):
    """Base: the point `name` of a key or proof is unacceptable."""

    name: str


class PointAtInfinity(BadPoint):
    def __str__(self) -> str:
        return f"{self.name} is the point at infinity"


class CoordinateOutOfRange(BadPoint):
    def __str__(self) -> str:
        return f"a coordinate of {self.name} is not in 0 .. q - 1"


class PointOffCurve(BadPoint):
    def __str__(self) -> str:
        return f"{self.name} is not on its curve"


class PointOffSubgroup(BadPoint):
    def __str__(self) -> str:
        return f"{self.name} is not in the subgroup of order r"


@dataclass(eq=False)
class WrongInputCount(VerificationError):
    """The verifying key has points for another number of public inputs."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"the key takes {self.expected} public inputs, {self.given} were given"


@dataclass(eq=False)
class InputOutOfRange(VerificationError):
    """Public input number `index`, from 0, is not in 0 .. r - 1."""

    index: int
    given: int

    def __str__(self) -> str:
        return f"public input {self.index} is not in 0 .. r - 1: {self.given}"


class GammaEqualsDelta(VerificationError):
    """The key accepts forgeries: its gamma and delta are equal or opposite."""

    def __str__(self) -> str:
        return "gamma and delta of the verifying key are the same up to sign: it accepts forgeries"


class ProofRejected(VerificationError):
    """The pairing equation does not hold: the proof is not for these inputs and this key."""

    def __str__(self) -> str:
        return "the pairing equation does not hold"
