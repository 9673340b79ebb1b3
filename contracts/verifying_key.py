"""A Groth16 verifying key in EIP-2537 bytes, and in the form that the contract holds it.

The contract keeps alpha, gamma and delta negated, so that nothing is negated on chain.
Ref: EIP-2537: field elements of 64 bytes, big-endian; G1 as x, y; G2 as x.c0, x.c1, y.c0, y.c1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import L1Error

P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
    "1eabfffeb153ffffb9feffffffffaaab",
    16,
)
"""Order of the base field of BLS12-381."""
FIELD_BYTES = 64
G1_BYTES = 128
G2_BYTES = 256
IC_POINTS = 5
"""One more than a circuit has public inputs."""

PROOF_BYTES = 2 * G1_BYTES + G2_BYTES

PointWords = tuple[int, ...]
KeyWords = tuple[PointWords, PointWords, PointWords, PointWords, tuple[PointWords, ...]]


@dataclass
class MalformedKey(L1Error):
    """A point of a verifying key or proof has the wrong length."""

    what: str
    given_bytes: int

    def __str__(self) -> str:
        return f"{self.what} has {self.given_bytes} bytes"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """alpha and the five IC points in G1 (128 bytes each); beta, gamma, delta in G2 (256).

    IC_0 is the constant's point, IC_i that of public input i. Raises MalformedKey.
    """

    alpha_g1: bytes
    beta_g2: bytes
    gamma_g2: bytes
    delta_g2: bytes
    ic_g1: tuple[bytes, ...]

    def __post_init__(self) -> None:
        for point in (self.alpha_g1, *self.ic_g1):
            if len(point) != G1_BYTES:
                raise MalformedKey("a G1 point of the verifying key", len(point))
        for point in (self.beta_g2, self.gamma_g2, self.delta_g2):
            if len(point) != G2_BYTES:
                raise MalformedKey("a G2 point of the verifying key", len(point))
        if len(self.ic_g1) != IC_POINTS:
            raise MalformedKey("the list of IC points", G1_BYTES * len(self.ic_g1))

    def for_contract(self) -> KeyWords:
        """The constructor's argument."""
        return (
            words(negate(self.alpha_g1)),
            words(self.beta_g2),
            words(negate(self.gamma_g2)),
            words(negate(self.delta_g2)),
            tuple(words(point) for point in self.ic_g1),
        )


def key_from_contract(
    neg_alpha_g1: Sequence[int],
    beta_g2: Sequence[int],
    neg_gamma_g2: Sequence[int],
    neg_delta_g2: Sequence[int],
    ic_g1: Sequence[Sequence[int]],
) -> VerifyingKey:
    """The inverse of `for_contract`."""
    return VerifyingKey(
        alpha_g1=negate(joined(neg_alpha_g1)),
        beta_g2=joined(beta_g2),
        gamma_g2=negate(joined(neg_gamma_g2)),
        delta_g2=negate(joined(neg_delta_g2)),
        ic_g1=tuple(joined(point) for point in ic_g1),
    )


def negate(point: bytes) -> bytes:
    """The negative of a G1 or G2 point: each coordinate of y becomes p - y; infinity stays."""
    half = len(point) // 2
    negated = bytearray(point)
    for start in range(half, len(point), FIELD_BYTES):
        y = int.from_bytes(point[start : start + FIELD_BYTES], "big")
        negated[start : start + FIELD_BYTES] = ((P - y) % P).to_bytes(FIELD_BYTES, "big")
    return bytes(negated)


def words(point: bytes) -> PointWords:
    """A point as 32-byte words."""
    return tuple(int.from_bytes(point[i : i + 32], "big") for i in range(0, len(point), 32))


def proof_words(proof_bytes: bytes) -> tuple[PointWords, PointWords, PointWords]:
    """A, B, C of a proof, 512 bytes, as the contracts take them. Raises MalformedKey."""
    if len(proof_bytes) != PROOF_BYTES:
        raise MalformedKey("the proof", len(proof_bytes))
    a_g1 = proof_bytes[:G1_BYTES]
    b_g2 = proof_bytes[G1_BYTES : G1_BYTES + G2_BYTES]
    c_g1 = proof_bytes[G1_BYTES + G2_BYTES :]
    return words(a_g1), words(b_g2), words(c_g1)


def joined(point_words: Sequence[int]) -> bytes:
    """A point from its 32-byte words."""
    return b"".join(word.to_bytes(32, "big") for word in point_words)
