"""Invariant: whatever is wrong with a file says which file, where in it, and what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prover.errors import ProverError


class FormatError(ProverError):
    """Base of the errors of files in iden3's formats."""


@dataclass(eq=False)
class MalformedFile(FormatError):
    """The file does not hold what its kind of file holds; `where` names the section or member."""

    path: Path
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.where}: {self.what}"


@dataclass(eq=False)
class WrongField(FormatError):
    """The file is for another curve: its prime is that of bn128, for instance."""

    path: Path
    prime: int

    def __str__(self) -> str:
        known = _PRIMES.get(self.prime)
        found = f"curve {known}" if known else f"the prime {self.prime}"
        return (
            f"{self.path} is for {found}, this prover works on bls12381: "
            "compile the circuit with --prime bls12381, start the ceremony with bls12-381"
        )


@dataclass(eq=False)
class UnreadableFile(FormatError):
    """The system does not let the file be read or written."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read or written: {self.what}"


@dataclass(eq=False)
class CircuitMismatch(FormatError):
    """Two files, or a file and a circuit, belong to different circuits."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} is of another circuit: {self.what}"


@dataclass(eq=False)
class WitnessOrKeyWrong(FormatError):
    """A proof from a .zkey did not verify: the file has no matrix C to say why beforehand."""

    path: Path

    def __str__(self) -> str:
        return (
            f"the proof made from {self.path} does not verify: the witness does not satisfy the "
            "circuit (`snarkjs wtns check` names the constraint), or the key is damaged"
        )


_PRIMES = {
    21888242871839275222246405745257275088548364400416034343698204186575808495617: "bn128",
    21888242871839275222246405745257275088696311157297823662689037894645226208583: "bn128",
    18446744069414584321: "goldilocks",
    28948022309329048855892746252171976963363056481941647379679742748393362948097: "vesta",
    28948022309329048855892746252171976963363056481941560715954676764349967630337: "pallas",
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF: "secp256r1",
}
