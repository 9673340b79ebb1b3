"""Invariant: points of keys and proofs are plain ints that encode to the same bytes everywhere.

G1: (x, y); G2: (x.c0, x.c1, y.c0, y.c1). None is infinity, which no encoding here accepts.
JSON is that of snarkjs: decimal strings in projective form with z = 1.
Ref: EIP-2537 for `encode`: 64-byte big-endian field elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from protocol.crypto.field_code import FQ
from prover.curves.groups import Coordinates
from prover.groth16.errors import MalformedEncoding

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
FIELD_BYTES = 64


def encode(point: Coordinates) -> bytes:
    """128 bytes for G1, 256 for G2."""
    return b"".join(number.to_bytes(FIELD_BYTES, "big") for number in point)


def decode(data: bytes, n_coordinates: int) -> Coordinates:
    """The point of `encode`. Raises MalformedEncoding for another length or elements >= q."""
    if len(data) != FIELD_BYTES * n_coordinates:
        raise MalformedEncoding(f"a point of {len(data)} bytes")
    parts = [data[i : i + FIELD_BYTES] for i in range(0, len(data), FIELD_BYTES)]
    point = tuple(int.from_bytes(part, "big") for part in parts)
    if max(point) >= FQ.modulus:
        raise MalformedEncoding("a coordinate is not below q")
    return point


def to_json(point: Coordinates) -> Json:
    """A point as snarkjs writes it."""
    texts: list[Json] = [str(number) for number in point]
    if len(texts) == 2:
        return [*texts, "1"]
    return [texts[:2], texts[2:], ["1", "0"]]


def from_json(name: str, given: Json) -> Coordinates:
    """The point of `to_json`. Raises MalformedEncoding; does not look at the curve."""
    if not isinstance(given, list) or len(given) != 3:
        raise MalformedEncoding(f"{name} is not a list of three")
    if isinstance(given[0], list):
        rows = [_row(name, row, 2) for row in given]
        if rows[2] != (1, 0):
            raise MalformedEncoding(f"{name} is at infinity or not affine")
        return rows[0] + rows[1]
    x, y, z = _row(name, given, 3)
    if z != 1:
        raise MalformedEncoding(f"{name} is at infinity or not affine")
    return x, y


def _row(name: str, given: Json, length: int) -> Coordinates:
    if not isinstance(given, list) or len(given) != length:
        raise MalformedEncoding(f"{name} does not have {length} elements")
    return tuple(_decimal(name, text) for text in given)


def _decimal(name: str, text: Json) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 120:
        raise MalformedEncoding(f"{name} holds something that is no decimal number")
    if text.startswith("0") and text != "0":
        raise MalformedEncoding(f"{name} holds a number that begins with a needless 0")
    return int(text)


def member(given: Mapping[str, Json], name: str) -> Json:
    """given[name]. Raises MalformedEncoding if it is missing."""
    if name not in given:
        raise MalformedEncoding(f"{name} is missing")
    return given[name]


def check_header(given: Json) -> Mapping[str, Json]:
    """The members of a JSON object of Groth16 over this curve. Raises MalformedEncoding."""
    if not isinstance(given, dict):
        raise MalformedEncoding("not a JSON object")
    for name, want in (("protocol", "groth16"), ("curve", "bls12381")):
        if member(given, name) != want:
            raise MalformedEncoding(f"{name} is not {want}")
    return given


HEADER: Mapping[str, Json] = {"protocol": "groth16", "curve": "bls12381"}


def points_from_json(name: str, given: Json) -> Sequence[Coordinates]:
    """A list of points. Raises MalformedEncoding."""
    if not isinstance(given, list):
        raise MalformedEncoding(f"{name} is not a list")
    return [from_json(f"{name}[{i}]", point) for i, point in enumerate(given)]
