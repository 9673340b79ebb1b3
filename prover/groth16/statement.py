"""Invariant: no pairing is computed before everything around it has been checked.

Two implementations of the point checks exist (py_arkworks, py_ecc), so that neither library is
believed alone; the rules that they apply are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.groups import Coordinates
from prover.groth16.errors import (
    CoordinateOutOfRange,
    GammaEqualsDelta,
    InputOutOfRange,
    PointAtInfinity,
    PointOffCurve,
    PointOffSubgroup,
    WrongInputCount,
)
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof


class PointChecks(Protocol):
    """What a library says of a point with coordinates below q that is not infinity."""

    def on_curve(self, point: Coordinates) -> bool: ...

    def in_subgroup(self, point: Coordinates) -> bool: ...


def check_statement(
    key: VerifyingKey, publics: Sequence[int], proof: Proof, checks: PointChecks
) -> None:
    """Raise the VerificationError that says what of key, inputs or proof is unacceptable."""
    if len(publics) != key.n_public:
        raise WrongInputCount(key.n_public, len(publics))
    for index, number in enumerate(publics):
        if not 0 <= number < R:
            raise InputOutOfRange(index, number)
    named = {
        "alpha of the key": key.alpha_g1,
        "beta of the key": key.beta_g2,
        "gamma of the key": key.gamma_g2,
        "delta of the key": key.delta_g2,
        **{f"IC {i} of the key": point for i, point in enumerate(key.ic_g1)},
        "a of the proof": proof.a_g1,
        "b of the proof": proof.b_g2,
        "c of the proof": proof.c_g1,
    }
    for name, point in named.items():
        check_point(name, point, checks)
    if key.gamma_g2[:2] == key.delta_g2[:2]:  # the same x: equal or opposite
        raise GammaEqualsDelta


def check_point(name: str, point: Coordinates, checks: PointChecks) -> None:
    """Raise the BadPoint that says what is wrong with the point called `name`."""
    if not any(point):
        raise PointAtInfinity(name)
    if not all(0 <= number < FQ.modulus for number in point):
        raise CoordinateOutOfRange(name)
    if not checks.on_curve(point):
        raise PointOffCurve(name)
    if not checks.in_subgroup(point):
        raise PointOffSubgroup(name)
