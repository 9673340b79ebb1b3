"""Invariant: points of a file become words or ints only after their form has been checked.

Files hold affine points in the words of prover/curves/groups.py: coordinates in Montgomery form,
least significant word first, infinity all zeros (snarkjs calls it LEM).
Ref: ffjavascript, src/wasm_curve.js, toRprLEM.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from py_arkworks_bls12381 import GT

from prover.curves.group_kernels import Points
from prover.curves.groups import G1, Coordinates, Group
from prover.curves.parallel import first_found, ranges, worker_count
from prover.curves.point_checks import first_bad_g1, first_bad_g2
from prover.groth16.errors import BadPoint
from prover.groth16.statement import check_point
from prover.groth16.verify_arkworks import Arkworks, arkworks_g1, arkworks_g2
from prover.iden3.binfile import BinFile, SectionReader

POINT_BYTES = {"G1": 96, "G2": 192}


def first_bad_point(group: Group, points: Points) -> int | None:
    """The first of `points` (uint64[n, group.width]) that is no point of the curve, or None."""
    kernel = first_bad_g1 if group is G1 else first_bad_g2

    def look(start: int, stop: int) -> int | None:
        index = int(kernel(points, start, stop))
        return None if index < 0 else index

    return first_found(look, ranges(points.shape[0], worker_count()))


def read_points(file: BinFile, number: int, name: str, group: Group, count: int) -> Points:
    """A whole section of `count` points, each on the curve or infinity, uint64[count, width].

    Raises MalformedFile for another size or a point off the curve, UnreadableFile.
    """
    return checked(file, number, name, group, file.words(number, name, count, group.width))


def checked(file: BinFile, number: int, name: str, group: Group, points: Points) -> Points:
    """The points of a section. Raises MalformedFile for one that is not on the curve."""
    index = first_bad_point(group, points)
    if index is not None:
        raise file.malformed(number, name, f"point {index} is not on the curve of {group.name}")
    return points


def take_point(reader: SectionReader, name: str, group: Group) -> Coordinates:
    """The next point, in the subgroup of order r and not infinity. Raises MalformedFile."""
    words = np.frombuffer(reader.take(POINT_BYTES[group.name]), dtype="<u8").astype(np.uint64)
    index = first_bad_point(group, words.reshape(1, -1).copy())
    point = group.decode(words)
    if index is not None or point is None:
        raise reader.fail(f"{name} is infinity or not on the curve of {group.name}")
    try:
        check_point(name, point, Arkworks())
    except BadPoint as error:
        raise reader.fail(str(error)) from error
    return point


def same_ratio(
    a_g1: Coordinates, ax_g1: Coordinates, b_g2: Coordinates, bx_g2: Coordinates
) -> bool:
    """Whether ax / a = bx / b, for points of the subgroups that are not infinity."""
    left = [arkworks_g1(a_g1), -arkworks_g1(ax_g1)]
    return bool(GT.pairing_check(left, [arkworks_g2(bx_g2), arkworks_g2(b_g2)]))


def put_point(group: Group, point: Coordinates) -> bytes:
    """What take_point takes."""
    return group.encode(point).astype("<u8").tobytes()


def uncompressed(point: Coordinates) -> bytes:
    """Big-endian coordinates, c1 before c0: what transcripts hash. Ref: ffjavascript LEMtoU."""
    half = len(point) // 2  # numbers of a coordinate
    coordinates = point[:half][::-1] + point[half:][::-1]
    return b"".join(number.to_bytes(48, "big") for number in coordinates)


def by_wire(points: Points, wire: NDArray[np.int64], count: int) -> Points:
    """Points in the places of their wires, infinity (zeros) elsewhere: uint64[count, width]."""
    placed = np.zeros((count, points.shape[1]), dtype=np.uint64)
    placed[wire] = points
    return placed
