"""Invariant: a contribution multiplies delta by a factor that is forgotten, and proves it.

L and H are divided by the same factor. One honest contributor of all is enough: nobody then knows
delta, and nobody can forge. The factor lives in this process's memory only, in its own call frame.
Ref: Bowe, Gabizon, Miers, ePrint 2017/1050; snarkjs, src/zkey_contribute.js, zkey_beacon.js.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from protocol.crypto.field import R
from protocol.crypto.field_code import FR
from prover.curves.buckets import all_refs
from prover.curves.fr import from_ints
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates
from prover.curves.variable_base import multiply_each
from prover.groth16.setup import require_entropy
from prover.iden3.binfile import Buffer, write_file
from prover.iden3.contributions import Beacon, Contribution
from prover.iden3.derived import Stream, beacon_stream, hash_to_g2, multiply
from prover.iden3.errors import FormatError
from prover.iden3.points import POINT_BYTES, put_point
from prover.iden3.zkey import (
    B_G1,
    B_G2,
    CEREMONY,
    COEFFICIENTS,
    HEADER,
    IC,
    PROTOCOL,
    A,
    H,
    L,
    Zkey,
)
from prover.progress import Progress, silent

MIN_ITERATIONS_LOG, MAX_ITERATIONS_LOG = 10, 26  # a minute; snarkjs takes up to 63
MAX_BEACON_BYTES = 255


def contribute(
    zkey: Zkey, path: Path, *, entropy: bytes, name: str | None = None, progress: Progress = silent
) -> bytes:
    """Write the key with one more contribution; the contribution's hash, to be published.

    entropy: at least 32 bytes, secret and fresh; forget it. Raises TooLittleEntropy,
    MalformedFile, UnreadableFile.
    """
    require_entropy(entropy)
    seed = hashlib.blake2b(b"wattlane contribution" + entropy, digest_size=32).digest()
    return _apply(zkey, path, Stream(seed), name, None, progress)


@dataclass(eq=False)
class BadBeacon(FormatError):
    """A beacon that snarkjs does not take, or whose hashing would never end."""

    what: str

    def __str__(self) -> str:
        return f"no beacon for a ceremony: {self.what}"


def check_beacon(beacon: Beacon) -> None:
    """Raise BadBeacon unless the value has 1 to 255 bytes and is hashed 2^10 to 2^26 times."""
    if not 0 < len(beacon.value) <= MAX_BEACON_BYTES:
        raise BadBeacon(f"it has {len(beacon.value)} bytes, not 1 to {MAX_BEACON_BYTES}")
    if not MIN_ITERATIONS_LOG <= beacon.iterations_log <= MAX_ITERATIONS_LOG:
        limits = f"2^{MIN_ITERATIONS_LOG} to 2^{MAX_ITERATIONS_LOG}"
        raise BadBeacon(f"it is to be hashed 2^{beacon.iterations_log} times, not {limits}")


def apply_beacon(
    zkey: Zkey, path: Path, beacon: Beacon, *, name: str | None = None, progress: Progress = silent
) -> bytes:
    """Write the key with a last contribution that anyone can repeat; its hash.

    beacon: public randomness, not known before the contribution before it was published. Raises
    BadBeacon, MalformedFile, UnreadableFile.
    """
    check_beacon(beacon)
    stream = beacon_stream(beacon.value, beacon.iterations_log)
    return _apply(zkey, path, stream, name, beacon, progress)


def _apply(
    zkey: Zkey,
    path: Path,
    stream: Stream,
    name: str | None,
    beacon: Beacon | None,
    progress: Progress,
) -> bytes:
    factor, s_g1 = stream.element(FR), stream.point(G1)
    sx_g1 = multiply(G1, s_g1, factor)
    transcript = zkey.ceremony.transcript(len(zkey.ceremony.contributions), s_g1, sx_g1)
    made = Contribution(
        name=name,
        delta_g1=multiply(G1, zkey.delta_g1, factor),
        s_g1=s_g1,
        sx_g1=sx_g1,
        spx_g2=multiply(G2, hash_to_g2(transcript), factor),
        transcript=transcript,
        beacon=beacon,
    )
    write_file(path, "zkey", 1, _sections(zkey, made, factor, progress))
    return made.digest()


def _sections(
    zkey: Zkey, made: Contribution, factor: int, progress: Progress
) -> Iterator[tuple[int, Sequence[Buffer]]]:
    """Those of the old file, with another delta in the header, L, H and the record."""

    def old(number: int) -> tuple[int, Sequence[Buffer]]:
        return number, [zkey.file.array(number, "old key", 0, zkey.file.size(number, "old key"))]

    yield old(PROTOCOL)
    deltas = POINT_BYTES["G1"] + POINT_BYTES["G2"]
    kept = zkey.file.size(HEADER, "header") - deltas
    delta_g2 = multiply(G2, zkey.verifying_key.delta_g2, factor)
    header = zkey.file.array(HEADER, "header", 0, kept)
    yield HEADER, [header, put_point(G1, made.delta_g1), put_point(G2, delta_g2)]
    for number in (IC, COEFFICIENTS, A, B_G1, B_G2):
        yield old(number)
    inverse = pow(factor, -1, R)
    yield L, [_multiplied(zkey.l_points(), inverse, "contribution: L", progress)]
    yield H, [_multiplied(zkey.h_points(), inverse, "contribution: H", progress)]
    contributions = (*zkey.ceremony.contributions, made)
    yield CEREMONY, [replace(zkey.ceremony, contributions=contributions).encode()]


def _multiplied(points: Points, scalar: int, stage: str, progress: Progress) -> Points:
    scalars = np.repeat(from_ints([scalar]), points.shape[0], axis=0)
    return multiply_each(G1, points, all_refs(points.shape[0]), scalars, stage, progress)


def delta_of(zkey: Zkey, number: int) -> Coordinates:
    """delta in G1 before contribution `number`, from 0: the generator at the start."""
    return G1.generator if number == 0 else zkey.ceremony.contributions[number - 1].delta_g1
