"""Invariant: the record of a ceremony's second phase is read and written whole, in order.

Section 10 of a .zkey: the hash of the circuit and the first phase, then for each contribution
what it did to delta, and a proof that its author knew the factor. This module reads; whether the
proofs hold is checked by verify_ceremony.py. Ref: snarkjs, src/zkey_utils.js.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from prover.curves.groups import G1, G2, Coordinates
from prover.iden3.binfile import SectionReader, u32
from prover.iden3.points import put_point, take_point, uncompressed

HASH_BYTES = 64
MAX_BYTES = 1 << 26
"""Of the whole section: 80,000 contributions."""
_NAME, _ITERATIONS, _BEACON = 1, 2, 3
_PLAIN_TYPE, _BEACON_TYPE = 0, 1


@dataclass(frozen=True, slots=True)
class Beacon:
    """A contribution from public randomness: value, hashed 2^iterations_log times."""

    value: bytes
    iterations_log: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """One party's part. delta_g1: delta after it; s, sx, spx: the proof of its factor."""

    name: str | None
    delta_g1: Coordinates
    s_g1: Coordinates
    sx_g1: Coordinates
    spx_g2: Coordinates
    transcript: bytes
    beacon: Beacon | None

    @property
    def hashed(self) -> bytes:
        """What hashes of the contribution, and of those after it, take in."""
        points = (self.delta_g1, self.s_g1, self.sx_g1, self.spx_g2)
        return b"".join(uncompressed(point) for point in points) + self.transcript

    def digest(self) -> bytes:
        """The contribution hash that snarkjs prints, 64 bytes: its author publishes it."""
        return hashlib.blake2b(self.hashed).digest()


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Section 10: the circuit hash (64 bytes) and the contributions, oldest first."""

    circuit_hash: bytes
    contributions: tuple[Contribution, ...]

    @classmethod
    def take(cls, reader: SectionReader) -> Ceremony:
        """Read the section. Raises MalformedFile."""
        circuit_hash = reader.take(HASH_BYTES)
        contributions = []
        for _ in range(reader.u32()):
            contributions.append(_take(reader))
        reader.end()
        return cls(circuit_hash, tuple(contributions))

    def transcript(self, number: int, s_g1: Coordinates, sx_g1: Coordinates) -> bytes:
        """The hash (64 bytes) that contribution `number`, from 0, must prove its factor over."""
        before = b"".join(each.hashed for each in self.contributions[:number])
        points = uncompressed(s_g1) + uncompressed(sx_g1)
        return hashlib.blake2b(self.circuit_hash + before + points).digest()

    def encode(self) -> bytes:
        """What `take` reads."""
        parts = [_put(each) for each in self.contributions]
        return self.circuit_hash + u32(len(parts)) + b"".join(parts)


def _take(reader: SectionReader) -> Contribution:
    delta_g1, s_g1, sx_g1 = (
        take_point(reader, f"{name} of a contribution", G1) for name in ("delta", "s", "sx")
    )
    spx_g2 = take_point(reader, "spx of a contribution", G2)
    transcript, kind, size = reader.take(HASH_BYTES), reader.u32(), reader.u32()
    parameters = SectionReader(reader.path, reader.where, reader.take(size))
    name, iterations, value = _take_parameters(parameters)
    if kind not in (_PLAIN_TYPE, _BEACON_TYPE):
        raise reader.fail(f"a contribution of type {kind}")
    beacon = None
    if kind == _BEACON_TYPE:
        if iterations is None or value is None:
            raise reader.fail("a beacon without its value or number of iterations")
        beacon = Beacon(value, iterations)
    return Contribution(name, delta_g1, s_g1, sx_g1, spx_g2, transcript, beacon)


def _take_parameters(reader: SectionReader) -> tuple[str | None, int | None, bytes | None]:
    name, iterations, value, last = None, None, None, 0
    while reader.left:
        tag = reader.take(1)[0]
        if tag <= last or tag > _BEACON:
            raise reader.fail(f"parameter {tag} of a contribution, after {last}")
        last = tag
        if tag == _ITERATIONS:
            iterations = reader.take(1)[0]
        elif tag == _NAME:
            name = reader.take(reader.take(1)[0]).decode("utf-8", errors="replace")
        else:
            value = reader.take(reader.take(1)[0])
    return name, iterations, value


def _put(given: Contribution) -> bytes:
    points = (given.delta_g1, given.s_g1, given.sx_g1)
    data = b"".join(put_point(G1, point) for point in points) + put_point(G2, given.spx_g2)
    parameters = b""
    if given.name is not None:
        name = given.name.encode(errors="replace")[:255]
        parameters += bytes([_NAME, len(name)]) + name
    if given.beacon is not None:
        beacon = given.beacon
        parameters += bytes([_ITERATIONS, beacon.iterations_log])
        parameters += bytes([_BEACON, len(beacon.value)]) + beacon.value
    kind = _PLAIN_TYPE if given.beacon is None else _BEACON_TYPE
    return data + given.transcript + u32(kind) + u32(len(parameters)) + parameters
