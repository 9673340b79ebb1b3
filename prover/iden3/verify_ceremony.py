"""Invariant: passes only if the key is the circuit's, with every recorded contribution in delta.

The first key is made again from circuit and powers of tau and compared, so nothing of the .zkey is
believed; each contribution's author must have known its factor, which the next ones keep. Who the
authors are, and that one of them forgot the factor, is for people to know: they publish their
contribution hashes. The powers of tau are checked by `snarkjs powersoftau verify`.
Ref: snarkjs, src/zkey_verify_frominit.js.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocol.crypto.field import R
from protocol.crypto.field_code import FR
from prover.curves.fr import from_ints
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates
from prover.curves.msm import Sum, compute
from prover.curves.subgroup import first_off_subgroup
from prover.iden3.circuit_hash import circuit_hash
from prover.iden3.contributions import Beacon, Contribution
from prover.iden3.derived import beacon_stream, hash_to_g2, multiply
from prover.iden3.errors import FormatError
from prover.iden3.phase2 import MAX_ITERATIONS_LOG, delta_of
from prover.iden3.points import same_ratio
from prover.iden3.ptau import Ptau
from prover.iden3.setup_from_ptau import first_key
from prover.iden3.zkey import Zkey
from prover.progress import Progress, silent
from prover.r1cs.system import R1CS


@dataclass(eq=False)
class CeremonyRejected(FormatError):
    """A .zkey is not what honest contributions to the circuit's first key give."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} is not the result of the ceremony that it records: {self.what}"


def verify_ceremony(zkey: Zkey, r1cs: R1CS, ptau: Ptau, progress: Progress = silent) -> None:
    """Raise CeremonyRejected unless the key is right; CircuitMismatch where A or B are others.

    Raises PtauTooSmall, CircuitTooLarge, MalformedFile, UnreadableFile, too.
    """
    zkey.check_circuit(r1cs)
    check_contributions(zkey)
    _check_beacons(zkey)
    first = first_key(r1cs, ptau, progress)
    _require(zkey, zkey.log_size == first.log_size, "the domain is another")
    given, want = zkey.verifying_key, first.verifying_key
    pairs = (
        ("alpha", given.alpha_g1, want.alpha_g1),
        ("beta", given.beta_g2, want.beta_g2),
        ("gamma", given.gamma_g2, want.gamma_g2),
        ("IC", given.ic_g1, want.ic_g1),
    )
    for name, found, made in pairs:
        _require(zkey, found == made, f"{name} is not that of circuit and powers of tau")
    key = zkey.proving_key(r1cs.digest())
    for name in ("a_wire", "b_wire"):
        _require(zkey, np.array_equal(getattr(key, name), getattr(first, name)), "A or B")
    for name in ("a_g1", "b_g1", "b_g2"):  # but for the last point, which is delta
        same = np.array_equal(getattr(key, name)[:-1], getattr(first, name)[:-1])
        _require(zkey, same, f"the points of {name} are not those of circuit and powers of tau")
    if zkey.ceremony.circuit_hash != circuit_hash(first, ptau, r1cs.n_wires):
        raise CeremonyRejected(zkey.file.path, "its circuit hash is another")
    for name, before, after in (("L", first.l_g1, key.l_g1), ("H", first.h_g1, key.h_g1)):
        whole = first_off_subgroup(after) is None  # which the pairing below cannot see
        _require(zkey, whole, f"a point of {name} is not in the subgroup of order r")
        _require(zkey, _divided(before, after, given.delta_g2), f"{name} is not divided by delta")


def check_contributions(zkey: Zkey) -> None:
    """Raise CeremonyRejected unless each contribution proves its factor over all before it, and
    takes delta one factor further, from 1 to the key's.
    """
    ceremony = zkey.ceremony
    for number, each in enumerate(ceremony.contributions):
        name = f"contribution {number + 1}"
        transcript = ceremony.transcript(number, each.s_g1, each.sx_g1)
        _require(zkey, each.transcript == transcript, f"the transcript of {name}")
        base_g2 = hash_to_g2(transcript)
        known = same_ratio(each.s_g1, each.sx_g1, base_g2, each.spx_g2)
        _require(zkey, known, f"{name} does not prove that its factor was known")
        moved = same_ratio(delta_of(zkey, number), each.delta_g1, base_g2, each.spx_g2)
        _require(zkey, moved, f"{name} changed delta by another factor than it proves")
    last = delta_of(zkey, len(ceremony.contributions))
    _require(zkey, zkey.delta_g1 == last, "delta is not what the contributions made of it")


def _check_beacons(zkey: Zkey) -> None:
    for number, each in enumerate(zkey.ceremony.contributions):
        if each.beacon is not None:
            name = f"contribution {number + 1}"
            few = each.beacon.iterations_log <= MAX_ITERATIONS_LOG
            _require(zkey, few, f"{name} hashes its beacon too often for this check: use snarkjs")
            _require(zkey, _is_beacon(each, each.beacon), f"{name} is not that of its beacon")


def _is_beacon(given: Contribution, beacon: Beacon) -> bool:
    stream = beacon_stream(beacon.value, beacon.iterations_log)
    factor, s_g1 = stream.element(FR), stream.point(G1)
    return given.s_g1 == s_g1 and given.sx_g1 == multiply(G1, s_g1, factor)


def _divided(before: Points, after: Points, delta_g2: Coordinates) -> bool:
    """Whether after[i] = before[i] / delta for all i, by one random sum of each."""
    if before.shape[0] == 0:
        return True
    scalars = from_ints([secrets.randbelow(R) for _ in range(before.shape[0])])
    sums = compute([Sum(G1, before, scalars), Sum(G1, after, scalars)])
    left, right = (G1.decode(point) for point in sums)
    if left is None or right is None:
        return left is None and right is None
    return same_ratio(right, left, G2.generator, delta_g2)


def _require(zkey: Zkey, holds: bool, what: str) -> None:
    if not holds:
        raise CeremonyRejected(zkey.file.path, what)
