"""Proofs for any public inputs, made with a key whose trapdoor the test keeps.

The contract's verification is unchanged: it checks such a proof as it checks any other. Whoever
knows alpha, beta, gamma, delta and the IC scalars picks a and b and solves the pairing equation for
c. Ref: ePrint 2016/260 section 3.2, the simulator.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from contracts.verifying_key import IC_POINTS, VerifyingKey
from protocol.crypto.field import R


def g1_bytes(scalar: int) -> bytes:
    """scalar * G1's generator, as 128 bytes of EIP-2537."""
    return padded((G1Point() * Scalar(scalar % R)).to_xy_bytes_be())


def g2_bytes(scalar: int) -> bytes:
    """scalar * G2's generator, as 256 bytes of EIP-2537."""
    return padded((G2Point() * Scalar(scalar % R)).to_xy_bytes_be())


def padded(coordinates: bytes) -> bytes:
    """48-byte field elements, each with 16 zero bytes before it."""
    parts = [coordinates[i : i + 48] for i in range(0, len(coordinates), 48)]
    return b"".join(bytes(16) + part for part in parts)


class SimulatedKey:
    """A verifying key with its trapdoor. The same seed gives the same key and proofs."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self.alpha, self.beta, self.gamma, self.delta = (self._scalar() for _ in range(4))
        self.ic = [self._scalar() for _ in range(IC_POINTS)]
        self.key = VerifyingKey(
            alpha_g1=g1_bytes(self.alpha),
            beta_g2=g2_bytes(self.beta),
            gamma_g2=g2_bytes(self.gamma),
            delta_g2=g2_bytes(self.delta),
            ic_g1=tuple(g1_bytes(scalar) for scalar in self.ic),
        )

    def prove(self, inputs: Sequence[int], off_by: int = 0) -> bytes:
        """A, B, C for these four public inputs: 512 bytes that the contract accepts.

        With `off_by` the equation's product is e(G1, G2)^off_by, not 1: a wrong proof whose points
        are all valid.
        """
        a, b = self._scalar(), self._scalar()
        statement = self.ic[0] + sum(x * u for x, u in zip(inputs, self.ic[1:], strict=True))
        rest = a * b - self.alpha * self.beta - self.gamma * statement - off_by
        c = rest * pow(self.delta, -1, R) % R
        return g1_bytes(a) + g2_bytes(b) + g1_bytes(c)

    def _scalar(self) -> int:
        return self._rng.randrange(1, R)


EXIT_KEY = SimulatedKey(1_001)
"""Of the exodus of every rollup that a test deploys."""
