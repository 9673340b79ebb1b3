"""Invariant: returns only if the proof is right, by py_arkworks' groups and pairing (fast)."""

from __future__ import annotations

from collections.abc import Sequence

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from protocol.crypto.field_code import FQ
from prover.curves.groups import Coordinates
from prover.groth16.errors import ProofRejected
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.statement import check_statement


def verify_arkworks(key: VerifyingKey, publics: Sequence[int], proof: Proof) -> None:
    """Raise a VerificationError unless `proof` shows that `publics` satisfy the key's circuit.

    ProofRejected is the equation itself; all others say what was unacceptable before it.
    """
    check_statement(key, publics, proof, Arkworks())
    inputs = G1Point.multiexp_unchecked(
        [arkworks_g1(point) for point in key.ic_g1], [Scalar(number) for number in (1, *publics)]
    )
    left = [arkworks_g1(proof.a_g1), -arkworks_g1(key.alpha_g1), -inputs, -arkworks_g1(proof.c_g1)]
    right = [arkworks_g2(point) for point in (proof.b_g2, key.beta_g2, key.gamma_g2, key.delta_g2)]
    if not GT.pairing_check(left, right):
        raise ProofRejected


class Arkworks:
    """The curve equations in ints, as py_arkworks has no check of its own; its subgroup check."""

    def on_curve(self, point: Coordinates) -> bool:
        q = FQ.modulus
        if len(point) == 2:
            x, y = point
            return (y * y - x * x * x - 4) % q == 0
        cube = _multiply(_multiply(point[:2], point[:2]), point[:2])
        square = _multiply(point[2:], point[2:])
        return ((square[0] - cube[0] - 4) % q, (square[1] - cube[1] - 4) % q) == (0, 0)

    def in_subgroup(self, point: Coordinates) -> bool:
        return (arkworks_g1(point) if len(point) == 2 else arkworks_g2(point)).is_in_subgroup()


def _multiply(a: Coordinates, b: Coordinates) -> Coordinates:
    q = FQ.modulus
    return ((a[0] * b[0] - a[1] * b[1]) % q, (a[0] * b[1] + a[1] * b[0]) % q)


def _bytes(point: Coordinates) -> bytes:
    return b"".join(number.to_bytes(48, "big") for number in point)


def arkworks_g1(point: Coordinates) -> G1Point:
    """The library's form of a point of G1; nothing is checked."""
    return G1Point.from_xy_bytes_unchecked_be(_bytes(point))


def arkworks_g2(point: Coordinates) -> G2Point:
    """The library's form of a point of G2; nothing is checked."""
    return G2Point.from_xy_bytes_unchecked_be(_bytes(point))
