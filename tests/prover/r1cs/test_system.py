"""A system knows its first failing row, its address, and refuses what is malformed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.errors import MalformedSystem, Unsatisfied
from prover.r1cs.system import R1CS
from tests.prover.random_system import cube_system, random_system


def test_a_satisfied_witness_passes() -> None:
    system, witness = cube_system()
    system.check(witness)
    system, witness = random_system(seed=1, n_constraints=500)
    system.check(witness)


@pytest.mark.parametrize("row", [0, 1, 250, 499])
def test_the_first_failing_row_is_named(row: int) -> None:
    system, witness = random_system(seed=2, n_constraints=500)
    wire = system.n_wires - 500 + row  # the wire that constraint `row` defines
    witness[wire] = from_ints([123])[0]
    with pytest.raises(Unsatisfied) as caught:
        system.check(witness)
    assert caught.value.row == row


def test_wire_zero_must_be_one() -> None:
    system, witness = cube_system()
    witness[0] = 0
    with pytest.raises(MalformedSystem, match="constant one"):
        system.check(witness)


def test_a_witness_of_another_shape_or_range_is_refused() -> None:
    system, witness = cube_system()
    with pytest.raises(MalformedSystem, match="wires"):
        system.check(np.ascontiguousarray(witness[:-1]))
    with pytest.raises(MalformedSystem, match="uint64"):
        system.check(witness.astype(np.int64))
    with pytest.raises(MalformedSystem, match="contiguous"):
        system.check(witness[::-1])
    witness[1] = [R >> 64 * i & 2**64 - 1 for i in range(4)]
    with pytest.raises(MalformedSystem, match="below r"):
        system.check(witness)


def test_the_digest_covers_every_part() -> None:
    system, _ = random_system(seed=3, n_constraints=20)
    digests = {system.digest()}
    assert R1CS(*(getattr(system, f.name) for f in dataclasses.fields(system))).digest() in digests
    changed = [
        dataclasses.replace(system, n_public=system.n_public + 1),
        dataclasses.replace(system, n_wires=system.n_wires + 1),
        dataclasses.replace(system, coefficients=np.roll(system.coefficients, 1, axis=0)),
    ]
    for name in ("a", "b", "c"):
        matrix = getattr(system, name)
        for part in ("wire", "coefficient"):
            entries = getattr(matrix, part).copy()
            entries[0] = 1 - min(entries[0], 1)
            changed.append(
                dataclasses.replace(
                    system, **{name: dataclasses.replace(matrix, **{part: entries})}
                )
            )
    for other in changed:
        assert other.digest() not in digests
        digests.add(other.digest())


def test_malformed_systems_are_refused() -> None:
    system, _ = cube_system()
    matrix = system.a
    bad_matrices = {
        "does not exist": dataclasses.replace(matrix, wire=matrix.wire + np.int32(system.n_wires)),
        "coefficient that": dataclasses.replace(
            matrix, coefficient=matrix.coefficient + np.int32(99)
        ),
        "ascend": dataclasses.replace(matrix, indptr=matrix.indptr[::-1].copy()),
        "int64, int32": dataclasses.replace(matrix, wire=matrix.wire.astype(np.int64)),
        "number of entries": dataclasses.replace(matrix, wire=matrix.wire[:-1].copy()),
    }
    for message, bad in bad_matrices.items():
        with pytest.raises(MalformedSystem, match=message):
            dataclasses.replace(system, a=bad)
    shorter = dataclasses.replace(
        matrix,
        indptr=matrix.indptr[:-1].copy(),
        wire=matrix.wire[: matrix.indptr[-2]].copy(),
        coefficient=matrix.coefficient[: matrix.indptr[-2]].copy(),
    )
    with pytest.raises(MalformedSystem, match="number of rows"):
        dataclasses.replace(system, a=shorter)
    with pytest.raises(MalformedSystem, match="public"):
        dataclasses.replace(system, n_public=system.n_wires)
    too_large = np.full((1, 4), 2**64 - 1, dtype=np.uint64)
    coefficients = np.concatenate([system.coefficients, too_large])
    with pytest.raises(MalformedSystem, match="below r"):
        dataclasses.replace(system, coefficients=coefficients)
