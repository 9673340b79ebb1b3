"""Invariant: returns only if the proof is right, by py_ecc, which is pure Python (seconds).

Nothing of the prover's arithmetic and nothing of py_arkworks takes part.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from prover.curves.groups import Coordinates
from prover.groth16.errors import ProofRejected
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.statement import check_statement

_Point = Any  # py_ecc's points are plain tuples of its field elements


@cache
def _library() -> Any:
    """Loaded when it is first used: it takes a fifth of a second, which few commands need."""
    return import_module("py_ecc.optimized_bls12_381")


def verify_py_ecc(key: VerifyingKey, publics: Sequence[int], proof: Proof) -> None:
    """As verify_arkworks: raises a VerificationError unless the proof is right."""
    ecc = _library()
    check_statement(key, publics, proof, _PyEcc())
    inputs = _point(key.ic_g1[0])
    for point, number in zip(key.ic_g1[1:], publics, strict=True):
        inputs = ecc.add(inputs, ecc.multiply(_point(point), number))
    pairs = (
        (proof.b_g2, _point(proof.a_g1)),
        (key.beta_g2, ecc.neg(_point(key.alpha_g1))),
        (key.gamma_g2, ecc.neg(inputs)),
        (key.delta_g2, ecc.neg(_point(proof.c_g1))),
    )
    product = ecc.FQ12.one()
    for g2_point, g1_point in pairs:
        product *= ecc.pairing(_point(g2_point), g1_point, final_exponentiate=False)
    if ecc.final_exponentiate(product) != ecc.FQ12.one():
        raise ProofRejected


class _PyEcc:
    def on_curve(self, point: Coordinates) -> bool:
        ecc = _library()
        return bool(ecc.is_on_curve(_point(point), ecc.b if len(point) == 2 else ecc.b2))

    def in_subgroup(self, point: Coordinates) -> bool:
        ecc = _library()
        return bool(ecc.is_inf(ecc.multiply(_point(point), ecc.curve_order)))


def _point(point: Coordinates) -> _Point:
    ecc = _library()
    if len(point) == 2:
        return ecc.FQ(point[0]), ecc.FQ(point[1]), ecc.FQ.one()
    return ecc.FQ2(point[:2]), ecc.FQ2(point[2:]), ecc.FQ2.one()
