"""Compiled Poseidon, Jubjub and Schnorr equal the plain ones, for every int that may reach them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto import compiled, jubjub, poseidon, schnorr
from protocol.crypto.field import R
from protocol.crypto.jubjub import GENERATOR, IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from protocol.crypto.poseidon import Tag

EDGES = [0, 1, 2, R - 1, R - 2, 1 << 64, (1 << 128) - 1, (1 << 255) - 19 - R]
elements = st.one_of(st.sampled_from(EDGES), st.integers(0, R - 1))
unchecked = st.one_of(elements, st.integers(-(1 << 300), 1 << 300))
scalars = st.one_of(
    st.sampled_from([0, 1, 15, 16, 17, SUBGROUP_ORDER - 1, SUBGROUP_ORDER, SUBGROUP_ORDER + 1]),
    st.integers(0, (1 << 256) - 1),
    st.integers(0, 1 << 300),
)


def a_point_of_order_eight() -> Point:
    """A point whose multiples are the whole small subgroup."""
    for y in range(2, 100):
        found = jubjub.from_y(y, False)
        if found is not None:
            small = jubjub.multiply_plainly(SUBGROUP_ORDER, found)
            if jubjub.multiply_plainly(4, small) != IDENTITY:
                return small
    raise AssertionError("one y in four gives a point whose order is a multiple of 8")


SMALL = a_point_of_order_eight()
SMALL_POINTS = [jubjub.multiply_plainly(k, SMALL) for k in range(8)]
MIXED = jubjub.add(jubjub.multiply_plainly(0xC0FFEE, GENERATOR), SMALL)
points = st.one_of(
    st.sampled_from([GENERATOR, MIXED, *SMALL_POINTS]),
    st.integers(1, SUBGROUP_ORDER).map(lambda k: jubjub.multiply_plainly(k, MIXED)),
)


@pytest.fixture
def plain() -> Iterator[None]:
    """Starts from plain Python, whatever was installed, and puts it back."""
    hashed, multiplied = poseidon._permutation, jubjub._multiplication
    compiled.uninstall()
    yield
    poseidon.use_permutation(hashed)
    jubjub.use_multiplication(multiplied)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.tuples(*[unchecked] * 3), st.tuples(*[unchecked] * 5)))
def test_permutation_equals_the_plain_one_also_for_ints_that_are_no_field_elements(
    state: tuple[int, ...],
) -> None:
    assert compiled.permute(state) == poseidon.permute(state)


@settings(max_examples=60, deadline=None)
@given(scalars, points)
def test_multiplication_equals_the_plain_one_on_every_kind_of_point(k: int, point: Point) -> None:
    assert compiled.multiply(k, point) == jubjub.multiply_plainly(k, point)


@settings(max_examples=40, deadline=None)
@given(scalars)
def test_multiplication_of_the_base_point_equals_the_plain_one(k: int) -> None:
    assert compiled.multiply(k, GENERATOR) == jubjub.multiply_plainly(k, GENERATOR)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, SUBGROUP_ORDER - 1), elements, st.binary(min_size=32, max_size=32))
def test_signatures_are_the_same_and_verify_on_both_sides(
    secret: int, message: int, fresh_bytes: bytes
) -> None:
    before = poseidon._permutation, jubjub._multiplication
    try:
        assert compiled.install()
        fast = schnorr.sign(secret, message, fresh_bytes)
        assert schnorr.verify(fast, message)
        compiled.uninstall()
        assert schnorr.sign(secret, message, fresh_bytes) == fast
        assert schnorr.verify(fast, message)
    finally:
        poseidon.use_permutation(before[0])
        jubjub.use_multiplication(before[1])


def test_every_small_multiple_of_the_small_points_agrees() -> None:
    for point in SMALL_POINTS:
        for k in range(33):
            assert compiled.multiply(k, point) == jubjub.multiply_plainly(k, point)


def test_install_switches_this_process_and_uninstall_switches_back(plain: None) -> None:
    assert poseidon._permutation is poseidon.permute
    assert compiled.install()
    assert poseidon._permutation is compiled.permute
    assert jubjub._multiplication is compiled.multiply
    compiled.uninstall()
    assert poseidon._permutation is poseidon.permute
    assert jubjub._multiplication is jubjub.multiply_plainly


def test_a_cache_folder_that_cannot_be_made_is_named_and_nothing_switched(
    plain: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    script = (
        "from protocol.crypto import compiled, poseidon\n"
        "try: compiled.install()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(poseidon._permutation is poseidon.permute)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={"WATTLANE_CACHE": str(occupied), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = run.stdout.splitlines()
    assert first.startswith(KernelCacheUnwritable.__name__)
    assert str(occupied) in first
    assert second == "True"


def test_without_numba_install_says_false_and_all_still_works() -> None:
    root = Path(compiled.__file__).parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(root)!r})\n"
        "from protocol.crypto import compiled, poseidon\n"
        "print(compiled.install(), poseidon.h2(poseidon.Tag.KEY, 3, 4))\n"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", str(poseidon.h2(Tag.KEY, 3, 4))]
