"""Invariant: returns only if the proof is right, by py_ecc, which is pure Python (seconds).

Nothing of the prover's arithmetic and nothing of py_arkworks takes part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from py_ecc import optimized_bls12_381 as ecc

from prover.curves.groups import Coordinates
from prover.groth16.errors import ProofRejected
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.statement import check_statement

_ecc: Any = ecc
_Point = Any  # py_ecc's points are plain tuples of its field elements


def verify_py_ecc(key: VerifyingKey, publics: Sequence[int], proof: Proof) -> None:
    """As verify_arkworks: raises a VerificationError unless the proof is right."""
    check_statement(key, publics, proof, _PyEcc())
    inputs = _point(key.ic_g1[0])
    for point, number in zip(key.ic_g1[1:], publics, strict=True):
        inputs = _ecc.add(inputs, _ecc.multiply(_point(point), number))
    pairs = (
        (proof.b_g2, _point(proof.a_g1)),
        (key.beta_g2, _ecc.neg(_point(key.alpha_g1))),
        (key.gamma_g2, _ecc.neg(inputs)),
        (key.delta_g2, _ecc.neg(_point(proof.c_g1))),
    )
    product = _ecc.FQ12.one()
    for g2_point, g1_point in pairs:
        product *= _ecc.pairing(_point(g2_point), g1_point, final_exponentiate=False)
    if _ecc.final_exponentiate(product) != _ecc.FQ12.one():
        raise ProofRejected


class _PyEcc:
    def on_curve(self, point: Coordinates) -> bool:
        return bool(_ecc.is_on_curve(_point(point), _ecc.b if len(point) == 2 else _ecc.b2))

    def in_subgroup(self, point: Coordinates) -> bool:
        return bool(_ecc.is_inf(_ecc.multiply(_point(point), _ecc.curve_order)))


def _point(point: Coordinates) -> _Point:
    if len(point) == 2:
        return _ecc.FQ(point[0]), _ecc.FQ(point[1]), _ecc.FQ.one()
    return _ecc.FQ2(point[:2]), _ecc.FQ2(point[2:]), _ecc.FQ2.one()
