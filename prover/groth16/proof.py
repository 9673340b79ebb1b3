"""Invariant: a proof is three points and one encoding each for JSON and for L1."""

from __future__ import annotations

from dataclasses import dataclass

from prover.curves.groups import Coordinates
from prover.groth16 import points
from prover.groth16.errors import MalformedEncoding
from prover.groth16.points import Json

PROOF_BYTES = 512


@dataclass(frozen=True, slots=True)
class Proof:
    """a and c in G1, b in G2, as ints; the verifiers check ranges, curves and subgroups."""

    a_g1: Coordinates
    b_g2: Coordinates
    c_g1: Coordinates

    def encode(self) -> bytes:
        """a (128 bytes), b (256), c (128) for L1. Ref: EIP-2537."""
        return b"".join(points.encode(point) for point in (self.a_g1, self.b_g2, self.c_g1))

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """The proof of `encode`. Raises MalformedEncoding."""
        if len(data) != PROOF_BYTES:
            raise MalformedEncoding(f"a proof has {PROOF_BYTES} bytes, not {len(data)}")
        a, b, c = data[:128], data[128:384], data[384:]
        return cls(points.decode(a, 2), points.decode(b, 4), points.decode(c, 2))

    def to_json(self) -> dict[str, Json]:
        """The proof as snarkjs writes it."""
        return {
            **points.HEADER,
            "pi_a": points.to_json(self.a_g1),
            "pi_b": points.to_json(self.b_g2),
            "pi_c": points.to_json(self.c_g1),
        }

    @classmethod
    def from_json(cls, given: Json) -> Proof:
        """The proof of `to_json`. Raises MalformedEncoding."""
        members = points.check_header(given)
        a, b, c = (
            points.from_json(name, points.member(members, name))
            for name in ("pi_a", "pi_b", "pi_c")
        )
        if (len(a), len(b), len(c)) != (2, 4, 2):
            raise MalformedEncoding("a point is in the wrong group")
        return cls(a, b, c)
