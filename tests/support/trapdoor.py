"""A Groth16 key whose trapdoor the tests keep: valid proofs of anything, in a millisecond.

For tests that need many batches. The verification path is the shipped one, unchanged: only whoever
made this key can simulate, as ePrint 2016/260 section 3.2 says any maker of a key can.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.crypto.field import R
from prover.curves.groups import Coordinates
from prover.groth16 import points
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof

COORDINATE_BYTES = 48


def _numbers(data: bytes) -> Coordinates:
    starts = range(0, len(data), COORDINATE_BYTES)
    return tuple(int.from_bytes(data[i : i + COORDINATE_BYTES], "big") for i in starts)


def g1(scalar: int) -> Coordinates:
    """A multiple of G1's generator."""
    return _numbers(bytes((G1Point() * Scalar(scalar)).to_xy_bytes_be()))


def g2(scalar: int) -> Coordinates:
    """A multiple of G2's generator."""
    return _numbers(bytes((G2Point() * Scalar(scalar)).to_xy_bytes_be()))


@dataclass(frozen=True, slots=True)
class Trapdoor:
    """The scalars behind a verifying key for `len(ic) - 1` public inputs."""

    alpha: int
    beta: int
    gamma: int
    delta: int
    ic: tuple[int, ...]

    @classmethod
    def make(cls, n_public: int = 7, seed: int = 1) -> Trapdoor:
        """The same seed gives the same key."""
        draw = random.Random(f"trapdoor {seed}")
        a, b, c, d, *ic = (draw.randrange(1, R) for _ in range(5 + n_public))
        return cls(a, b, c, d, tuple(ic))

    @property
    def verifying_key(self) -> VerifyingKey:
        """The key as the prover's verifiers take it."""
        return VerifyingKey(
            alpha_g1=g1(self.alpha),
            beta_g2=g2(self.beta),
            gamma_g2=g2(self.gamma),
            delta_g2=g2(self.delta),
            ic_g1=tuple(g1(scalar) for scalar in self.ic),
            insecure=True,
        )

    @property
    def contract_key(self) -> ContractKey:
        """The key as deployment takes it."""
        key = self.verifying_key
        return ContractKey(
            alpha_g1=points.encode(key.alpha_g1),
            beta_g2=points.encode(key.beta_g2),
            gamma_g2=points.encode(key.gamma_g2),
            delta_g2=points.encode(key.delta_g2),
            ic_g1=tuple(points.encode(point) for point in key.ic_g1),
        )

    def prove(self, publics: Sequence[int], seed: int = 1) -> Proof:
        """A proof that verifies for these public inputs, whether or not a witness exists."""
        draw = random.Random(f"proof {seed} {list(publics)}")
        a, b = draw.randrange(1, R), draw.randrange(1, R)
        inputs = sum(x * k for x, k in zip((1, *publics), self.ic, strict=True))
        c = (a * b - self.alpha * self.beta - inputs * self.gamma) * pow(self.delta, -1, R) % R
        return Proof(g1(a), g2(b), g1(c))
