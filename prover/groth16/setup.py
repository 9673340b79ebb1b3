"""Invariant: a development key follows from its entropy alone, and says that it is insecure.

Whoever knows the entropy can prove anything: such a key is for development and tests. A key for
real money comes from a ceremony of many parties.
Ref: Groth16, ePrint 2016/260 section 3.2.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import partial

import numpy as np

from protocol.crypto.field import R
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import Elements, from_ints
from prover.curves.fr_kernels import combine
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates, Group
from prover.curves.ntt import root_of_unity
from prover.curves.parallel import ranges, run_all, worker_count
from prover.groth16.errors import TooLittleEntropy
from prover.groth16.keys import INSECURE, ProvingKey, VerifyingKey
from prover.groth16.polynomials import lagrange, log_domain_size, wire_polynomials
from prover.memory import require_memory
from prover.progress import Progress, silent
from prover.r1cs.system import R1CS

_log = logging.getLogger(__name__)
MIN_ENTROPY_BYTES = 32
_TABLE_BYTES = 90 * 2**20
_BYTES_A_ROW = 1500
"""Memory of a setup, measured: so many bytes for each wire or row of the domain."""


@dataclass(frozen=True, slots=True)
class _Secrets:
    tau: int
    alpha: int
    beta: int
    gamma: int
    delta: int


def setup(r1cs: R1CS, *, entropy: bytes, progress: Progress = silent) -> ProvingKey:
    """An INSECURE DEVELOPMENT KEY for the system, made by one party out of `entropy`.

    entropy: at least 32 bytes. Raises TooLittleEntropy, CircuitTooLarge, NotEnoughMemory.
    """
    require_entropy(entropy)
    circuit = r1cs.digest().hex()
    log_size = log_domain_size(r1cs)
    rows = max(r1cs.n_wires, 1 << log_size)
    require_memory("the Groth16 setup", _TABLE_BYTES + rows * _BYTES_A_ROW)
    secret = _draw(entropy, log_size)
    transcript = hashlib.sha256(b"wattlane development transcript" + entropy).hexdigest()
    _log.warning("making an %s for circuit %s", INSECURE, circuit[:16])
    u, v, w = wire_polynomials(r1cs, secret.tau)
    _combine(u, v, w, r1cs.n_public, secret)
    a_wire, b_wire = _nonzero(u), _nonzero(v)
    l_wire = _nonzero(w, first=r1cs.n_public + 1)
    fixed = from_ints([secret.alpha, secret.beta, secret.delta])
    alpha, beta, delta = fixed[:1], fixed[1:2], fixed[2:]
    base_g1 = FixedBase(G1, len(a_wire) + len(b_wire) + r1cs.n_wires + (1 << log_size))
    a_g1 = base_g1.multiply(np.concatenate([u[a_wire], alpha, delta]), "key: a in G1", progress)
    b_scalars = np.concatenate([v[b_wire], beta, delta])
    b_g1 = base_g1.multiply(b_scalars, "key: b in G1", progress)
    l_g1 = base_g1.multiply(w[l_wire], "key: l in G1", progress)
    ic_g1 = base_g1.multiply(w[: r1cs.n_public + 1])
    h_g1 = base_g1.multiply(_quotient_points(secret, log_size), "key: h in G1", progress)
    del base_g1
    base_g2 = FixedBase(G2, len(b_wire))
    b_g2 = base_g2.multiply(b_scalars, "key: b in G2", progress)
    gamma_g2 = base_g2.multiply(from_ints([secret.gamma]))
    verifying_key = VerifyingKey(
        alpha_g1=_point(G1, a_g1[-2]),
        beta_g2=_point(G2, b_g2[-2]),
        gamma_g2=_point(G2, gamma_g2[0]),
        delta_g2=_point(G2, b_g2[-1]),
        ic_g1=tuple(_point(G1, point) for point in ic_g1),
        insecure=True,
    )
    return ProvingKey(
        circuit=circuit,
        transcript=transcript,
        log_size=log_size,
        verifying_key=verifying_key,
        a_wire=a_wire,
        a_g1=a_g1,
        b_wire=b_wire,
        b_g1=b_g1,
        b_g2=b_g2,
        l_wire=l_wire,
        l_g1=l_g1,
        h_g1=h_g1,
    )


def require_entropy(entropy: bytes) -> None:
    """Raise TooLittleEntropy unless there are 32 bytes of it."""
    if len(entropy) < MIN_ENTROPY_BYTES:
        raise TooLittleEntropy(len(entropy))


def scalar_from(entropy: bytes, label: str) -> int:
    """A number in 1 .. r - 1 that follows from entropy and label; bias below 2^-250."""
    require_entropy(entropy)
    text = b"wattlane groth16 " + label.encode() + b"\0" + entropy
    return int.from_bytes(hashlib.sha512(text).digest(), "big") % (R - 1) + 1


def _draw(entropy: bytes, log_size: int) -> _Secrets:
    names = ("tau", "alpha", "beta", "gamma", "delta")
    secret = _Secrets(*(scalar_from(entropy, name) for name in names))
    # one chance in 2^200 each, so that no entropy is known to come here
    assert pow(secret.tau, 2 << log_size, R) != 1
    assert secret.gamma not in (secret.delta, R - secret.delta)
    return secret


def _combine(u: Elements, v: Elements, w: Elements, n_public: int, secret: _Secrets) -> None:
    """w = (beta u + alpha v + w) / gamma for public wires, / delta for private ones."""
    for first, last, divisor in (
        (0, n_public + 1, secret.gamma),
        (n_public + 1, w.shape[0], secret.delta),
    ):
        factors = from_ints([secret.beta, secret.alpha, pow(divisor, -1, R)])
        pieces = ranges(last - first, worker_count())
        run_all([partial(combine, u, v, w, factors, first + a, first + b) for a, b in pieces])


def _quotient_points(secret: _Secrets, log_size: int) -> Elements:
    """The Lagrange polynomials of the odd 2n-th roots of unity at tau, over delta."""
    double = 2 << log_size
    factor = (pow(secret.tau, double, R) - 1) * pow(double * secret.delta, -1, R) % R
    return lagrange(secret.tau, root_of_unity(log_size + 1), log_size, factor)


def _nonzero(elements: Elements, first: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    wires = first + np.flatnonzero(elements[first:].any(axis=1))
    return wires.astype(np.int64, copy=False)


def _point(group: Group, words: Points) -> Coordinates:
    point = group.decode(words)
    assert point is not None  # a nonzero multiple of the generator
    return point
