"""Invariant: no proof leaves that was not verified, none is tried for a witness that fails.

Ref: Groth16, ePrint 2016/260 section 3.2.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Protocol

import numpy as np

from protocol.crypto.field import R
from prover.curves.fr import Elements, from_ints, to_ints
from prover.curves.groups import G1, G2, Coordinates, Group
from prover.curves.msm import Sum, compute, multiply_and_add
from prover.groth16.errors import WrongCircuit
from prover.groth16.keys import ProvingKey
from prover.groth16.polynomials import quotient_scalars
from prover.groth16.proof import Proof
from prover.groth16.setup import require_entropy, scalar_from
from prover.groth16.verify_arkworks import verify_arkworks
from prover.memory import require_memory
from prover.progress import Progress, silent
from prover.r1cs.products import Products

_log = logging.getLogger(__name__)
_BYTES_A_ROW = 1500
"""Memory of a proof, measured: so many bytes for each wire or row of the domain."""


class Constraints(Protocol):
    """What the prover asks of a constraint system: an R1CS, or the rows that a .zkey holds."""

    @property
    def n_public(self) -> int: ...

    @property
    def n_wires(self) -> int: ...

    def digest(self) -> bytes:
        """What ProvingKey.circuit names, in hex."""

    def check_shape(self, witness: Elements) -> None:
        """Raise MalformedSystem unless `witness` can be one of this system."""

    def evaluate(self, witness: Elements, size: int) -> Products:
        """A w, B w, C w over `size` rows. Raises Unsatisfied where it can tell."""


def prove(
    key: ProvingKey,
    r1cs: Constraints,
    witness: Elements,
    *,
    entropy: bytes,
    progress: Progress = silent,
) -> Proof:
    """A proof that the prover knows `witness`; its public inputs are witness[1 : n_public + 1].

    witness: uint64[n_wires, 4], Montgomery form. entropy: at least 32 bytes, secret and fresh,
    which blind the proof; witness and key are hashed in, so that a repeated one leaks nothing.
    Raises WrongCircuit, MalformedSystem, Unsatisfied, TooLittleEntropy, NotEnoughMemory.
    """
    require_entropy(entropy)
    if r1cs.digest().hex() != key.circuit:
        raise WrongCircuit(key.circuit, r1cs.digest().hex())
    require_memory("a Groth16 proof", max(r1cs.n_wires, 1 << key.log_size) * _BYTES_A_ROW)
    r1cs.check_shape(witness)
    _log.info("proving with %s", key.label)
    progress("witness", 0, 1)
    evaluated = r1cs.evaluate(witness, 1 << key.log_size)
    progress("witness", 1, 1)
    seed = hashlib.sha512(entropy + hashlib.sha256(witness.tobytes()).digest())
    seed.update(key.verifying_key.digest())
    r, s = (scalar_from(entropy + seed.digest(), label) for label in ("r", "s"))
    progress("quotient", 0, 1)
    h = quotient_scalars(evaluated, witness, r1cs.n_public)
    progress("quotient", 1, 1)
    proof = _assemble(key, witness, h, r, s, progress)
    progress("verify", 0, 1)
    publics = to_ints(witness[1 : r1cs.n_public + 1])
    verify_arkworks(key.verifying_key, publics, proof)
    progress("verify", 1, 1)
    return proof


def _assemble(
    key: ProvingKey, witness: Elements, h: Elements, r: int, s: int, progress: Progress
) -> Proof:
    blinding = from_ints([1, r, s])
    one, r_element, s_element = blinding[:1], blinding[1:2], blinding[2:]
    with_r = np.concatenate([witness[key.a_wire], one, r_element])
    with_s = np.concatenate([witness[key.b_wire], one, s_element])
    b_g2, a_g1, b_g1, l_g1, h_g1 = compute(
        [
            Sum(G2, key.b_g2, with_s),
            Sum(G1, key.a_g1, with_r),
            Sum(G1, key.b_g1, with_s),
            Sum(G1, key.l_g1, witness[key.l_wire]),
            Sum(G1, key.h_g1, h),
        ],
        "multi-scalar multiplication",
        progress,
    )
    c_g1 = multiply_and_add(
        G1,
        np.stack([l_g1, h_g1, a_g1, b_g1, key.a_g1[-1]]),
        from_ints([1, 1, s, r, -r * s % R]),
    )
    return Proof(_point(G1, a_g1), _point(G2, b_g2), _point(G1, c_g1))


def _point(group: Group, words: Elements) -> Coordinates:
    """The ints of a point; all zeros for infinity, which the verifier then refuses."""
    return group.decode(words) or (0,) * len(group.generator)
