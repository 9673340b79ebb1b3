"""Invariant: a key names its circuit, its transcript and how far it can be trusted.

A proving key in memory and on disk is the same arrays; on disk each is a .npy file that is
mapped, not read, next to key.json. Ref: Groth16, ePrint 2016/260 section 3.2.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates
from prover.groth16 import points
from prover.groth16.errors import MalformedEncoding, MalformedKeyFile
from prover.groth16.points import Json

PARAMETERS = "wattlane groth16 bls12-381, version 2"
INSECURE = "INSECURE DEVELOPMENT KEY"
_ARRAYS = {
    "a_wire": None,
    "a_g1": G1,
    "b_wire": None,
    "b_g1": G1,
    "b_g2": G2,
    "l_wire": None,
    "l_g1": G1,
    "h_g1": G1,
}


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """What a verifier needs. `insecure`: one party made the key alone and can forge proofs."""

    alpha_g1: Coordinates
    beta_g2: Coordinates
    gamma_g2: Coordinates
    delta_g2: Coordinates
    ic_g1: tuple[Coordinates, ...]
    insecure: bool

    @property
    def n_public(self) -> int:
        return len(self.ic_g1) - 1

    def to_json(self) -> dict[str, Json]:
        """The key as snarkjs writes it, with a member `security` of our own."""
        return {
            **points.HEADER,
            "security": INSECURE if self.insecure else "ceremony",
            "nPublic": self.n_public,
            "vk_alpha_1": points.to_json(self.alpha_g1),
            "vk_beta_2": points.to_json(self.beta_g2),
            "vk_gamma_2": points.to_json(self.gamma_g2),
            "vk_delta_2": points.to_json(self.delta_g2),
            "IC": [points.to_json(point) for point in self.ic_g1],
        }

    @classmethod
    def from_json(cls, given: Json) -> VerifyingKey:
        """The key of `to_json`. Raises MalformedEncoding; points are checked by the verifiers."""
        members = points.check_header(given)

        def point(name: str, length: int) -> Coordinates:
            found = points.from_json(name, points.member(members, name))
            if len(found) != length:
                raise MalformedEncoding(f"{name} is in the wrong group")
            return found

        ic_g1 = tuple(points.points_from_json("IC", points.member(members, "IC")))
        if not ic_g1 or any(len(found) != 2 for found in ic_g1):
            raise MalformedEncoding("IC is empty or not in G1")
        if points.member(members, "nPublic") != len(ic_g1) - 1:
            raise MalformedEncoding("IC has another number of points than nPublic says")
        return cls(
            alpha_g1=point("vk_alpha_1", 2),
            beta_g2=point("vk_beta_2", 4),
            gamma_g2=point("vk_gamma_2", 4),
            delta_g2=point("vk_delta_2", 4),
            ic_g1=ic_g1,
            insecure=members.get("security") == INSECURE,
        )

    def digest(self) -> bytes:
        """The SHA-256 of all points, which names this key."""
        parts = (self.alpha_g1, self.beta_g2, self.gamma_g2, self.delta_g2, *self.ic_g1)
        return hashlib.sha256(b"".join(points.encode(point) for point in parts)).digest()


@dataclass(frozen=True, slots=True, eq=False)
class ProvingKey:
    """Points (words, as in prover/curves/groups.py) by wire; wires whose point is infinity are
    left out.

    a_g1[i] is u(tau) of wire a_wire[i], then alpha and delta; b_g1 and b_g2 alike v(tau), then
    beta and delta; l_g1 that of (beta u + alpha v + w)(tau) / delta for private wires.
    h_g1[i], 2^log_size points: L(tau) / delta for the Lagrange polynomial, over the 2^(log_size+1)
    roots of unity, of root number 2 i + 1, so that the values of a b - c at these odd roots are
    the scalars (as in snarkjs).
    """

    circuit: str
    transcript: str
    log_size: int
    verifying_key: VerifyingKey
    a_wire: NDArray[np.int64]
    a_g1: Points
    b_wire: NDArray[np.int64]
    b_g1: Points
    b_g2: Points
    l_wire: NDArray[np.int64]
    l_g1: Points
    h_g1: Points

    @property
    def label(self) -> str:
        """For every log line that names this key."""
        kind = INSECURE if self.verifying_key.insecure else "ceremony key"
        return f"{kind} {self.transcript[:16]} for circuit {self.circuit[:16]}"


def address(circuit: str, transcript: str) -> str:
    """The content address of a key: hash of circuit, parameters and transcript."""
    text = json.dumps([PARAMETERS, circuit, transcript])
    return hashlib.sha256(text.encode()).hexdigest()


def save(key: ProvingKey, folder: Path) -> None:
    """Write the key's files into an existing, empty folder."""
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(key, name), allow_pickle=False)
    header: dict[str, Json] = {
        "security": INSECURE if key.verifying_key.insecure else "ceremony",
        "parameters": PARAMETERS,
        "circuit": key.circuit,
        "transcript": key.transcript,
        "log_size": key.log_size,
        "verifying_key": key.verifying_key.to_json(),
    }
    (folder / "key.json").write_text(json.dumps(header, indent=1))


def load(folder: Path) -> ProvingKey:
    """The key in a folder, its arrays mapped. Raises MalformedKeyFile."""
    try:
        header = json.loads((folder / "key.json").read_text())
        arrays: dict[str, Any] = {name: _mapped(folder / f"{name}.npy") for name in _ARRAYS}
        if header["parameters"] != PARAMETERS:
            raise MalformedKeyFile(str(folder), f"made for {header['parameters']}")
        key = ProvingKey(
            circuit=str(header["circuit"]),
            transcript=str(header["transcript"]),
            log_size=int(header["log_size"]),
            verifying_key=VerifyingKey.from_json(header["verifying_key"]),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, MalformedEncoding) as error:
        raise MalformedKeyFile(str(folder), str(error)) from error
    _check_shapes(key, folder)
    return key


def _mapped(path: Path) -> NDArray[np.uint64]:
    # copy-on-write: the same array type as a new one, so no second compilation of any kernel
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def _check_shapes(key: ProvingKey, folder: Path) -> None:
    counts = {
        "a_g1": key.a_wire.shape[0] + 2,
        "b_g1": key.b_wire.shape[0] + 2,
        "b_g2": key.b_wire.shape[0] + 2,
        "l_g1": key.l_wire.shape[0],
        "h_g1": 1 << key.log_size,
    }
    for name, group in _ARRAYS.items():
        array = getattr(key, name)
        if group is None:
            good = array.ndim == 1 and array.dtype == np.int64
        else:
            good = array.shape == (counts[name], group.width) and array.dtype == np.uint64
        if not good or not array.flags.c_contiguous:
            raise MalformedKeyFile(str(folder), f"{name} has another type or shape")
