"""The EIP-2537 precompiles 0x0b, 0x0c and 0x0f at compiled speed, with the EIP's exact rules.

Whatever the EIP refuses raises `InvalidInput`: a wrong length, padding that is not zero, a
coordinate >= p, a point off the curve, and in MSM and pairing a point off its subgroup. Scalars may
be any 256-bit number. Infinity is all zeros. A test compares every rule with anvil.
Ref: EIP-2537.
"""

from __future__ import annotations

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from contracts.errors import L1Error
from contracts.verifying_key import FIELD_BYTES, G1_BYTES, G2_BYTES, P

MSM_ITEM_BYTES = G1_BYTES + 32
PAIR_BYTES = G1_BYTES + G2_BYTES
PADDING_BYTES = 16


class InvalidInput(L1Error):
    """The EIP refuses this input; the precompile call fails and takes all its gas."""


def g1_add(data: bytes) -> bytes:
    """The sum of two points on the curve; their subgroup is not checked."""
    if len(data) != 2 * G1_BYTES:
        raise InvalidInput(f"G1ADD takes 256 bytes, not {len(data)}")
    return _encode(_g1(data[:G1_BYTES]) + _g1(data[G1_BYTES:]))


def g1_msm(data: bytes) -> bytes:
    """The sum of scalar multiples of points in the subgroup."""
    if not data or len(data) % MSM_ITEM_BYTES:
        raise InvalidInput(f"G1MSM takes a positive multiple of 160 bytes, not {len(data)}")
    total = G1Point.identity()
    for start in range(0, len(data), MSM_ITEM_BYTES):
        item = data[start : start + MSM_ITEM_BYTES]
        scalar = Scalar.from_be_bytes_mod_order(item[G1_BYTES:])
        total += _g1_in_subgroup(item[:G1_BYTES]) * scalar
    return _encode(total)


def pairing_check(data: bytes) -> bytes:
    """1 as a 32-byte word if the product of all pairings is 1, else 0."""
    if not data or len(data) % PAIR_BYTES:
        raise InvalidInput(f"PAIRING takes a positive multiple of 384 bytes, not {len(data)}")
    g1_points, g2_points = [], []
    for start in range(0, len(data), PAIR_BYTES):
        g1_points.append(_g1_in_subgroup(data[start : start + G1_BYTES]))
        g2_points.append(_g2_in_subgroup(data[start + G1_BYTES : start + PAIR_BYTES]))
    return int(GT.pairing_check(g1_points, g2_points)).to_bytes(32, "big")


def _coordinates(data: bytes) -> bytes:
    """48-byte field elements out of 64-byte ones."""
    unpadded = []
    for start in range(0, len(data), FIELD_BYTES):
        element = data[start : start + FIELD_BYTES]
        if int.from_bytes(element, "big") >= P:
            raise InvalidInput("a coordinate is not below p")
        unpadded.append(element[PADDING_BYTES:])
    return b"".join(unpadded)


def _g1(data: bytes) -> G1Point:
    try:
        return G1Point.from_xy_bytes_unchecked_be(_coordinates(data))
    except ValueError as error:
        raise InvalidInput("a G1 point is not on the curve") from error


def _g1_in_subgroup(data: bytes) -> G1Point:
    point = _g1(data)
    if not point.is_in_subgroup():
        raise InvalidInput("a G1 point is not in the subgroup")
    return point


def _g2_in_subgroup(data: bytes) -> G2Point:
    try:
        point = G2Point.from_xy_bytes_unchecked_be(_coordinates(data))
    except ValueError as error:
        raise InvalidInput("a G2 point is not on the curve") from error
    if not point.is_in_subgroup():
        raise InvalidInput("a G2 point is not in the subgroup")
    return point


def _encode(point: G1Point) -> bytes:
    packed = point.to_xy_bytes_be()
    half = len(packed) // 2
    return bytes(PADDING_BYTES) + packed[:half] + bytes(PADDING_BYTES) + packed[half:]
