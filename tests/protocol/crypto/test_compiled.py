"""Compiled Poseidon, Jubjub and Schnorr equal the plain ones, for every int that may reach them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto import compiled, jubjub, poseidon, schnorr
from protocol.crypto.field import R
from protocol.crypto.jubjub import GENERATOR, IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from protocol.crypto.poseidon import Tag
from protocol.crypto.schnorr import Signature

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


@contextmanager
def kept() -> Iterator[None]:
    """Puts back what was installed."""
    hashed, multiplied, engine = poseidon._permutation, jubjub._multiplication, schnorr._engine
    try:
        yield
    finally:
        poseidon.use_permutation(hashed)
        jubjub.use_multiplication(multiplied)
        schnorr.use_engine(engine)


@pytest.fixture
def plain() -> Iterator[None]:
    """Starts from plain Python, whatever was installed, and puts it back."""
    with kept():
        compiled.uninstall()
        yield


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
    with kept():
        assert compiled.install()
        fast = schnorr.sign(secret, message, fresh_bytes)
        assert [schnorr.verify(fast, message) for _ in range(3)] == [True] * 3
        assert not schnorr.verify(fast, message + 1)
        compiled.uninstall()
        assert schnorr.sign(secret, message, fresh_bytes) == fast
        assert schnorr.verify(fast, message)


KEYS = [GENERATOR, MIXED, *SMALL_POINTS, Point(1, 1), Point(R, 1), Point(-1, 0)]
numbers = st.one_of(unchecked, scalars)


def signed_under(key: Point, secret: int, nonce: int, message: int) -> Signature:
    """A signature that verifies wherever `key` is `secret` times the base point."""
    r = jubjub.multiply_plainly(nonce, GENERATOR)
    e = schnorr.challenge(r, schnorr.key_hash(key), message)
    return Signature(key, r, (nonce + e * secret) % SUBGROUP_ORDER)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_verification_equals_the_plain_one_for_anything_that_a_stranger_sends(
    data: st.DataObject,
) -> None:
    """Twice: a key that is seen again is verified with a table of its own."""
    message, secret = data.draw(elements), data.draw(st.sampled_from([1, 2, SUBGROUP_ORDER - 1]))
    key = jubjub.multiply_plainly(secret, GENERATOR)
    good = signed_under(key, secret, data.draw(scalars), message)
    strange = Signature(
        data.draw(st.one_of(st.just(good.key), st.sampled_from(KEYS))),
        data.draw(st.one_of(st.just(good.r), points, st.builds(Point, numbers, numbers))),
        data.draw(st.one_of(st.just(good.s), st.just(good.s + SUBGROUP_ORDER), numbers)),
    )
    for signature in (good, strange):
        expected = schnorr.verify_plainly(signature, message)
        assert [compiled.verify(signature, message) for _ in range(2)] == [expected] * 2


def test_keys_with_a_part_of_small_order_verify_just_as_plainly() -> None:
    """sG = R + eA holds on the whole curve where the small parts of R and eA cancel."""
    verdicts = set()
    for nonce in range(1, 25):
        for small in SMALL_POINTS[1:4]:
            key = jubjub.add(GENERATOR, small)
            good = signed_under(key, 1, nonce, nonce)
            shifted = replace(good, r=jubjub.add(good.r, small))
            for signature in (good, shifted):
                expected = schnorr.verify_plainly(signature, nonce)
                assert compiled.verify(signature, nonce) is expected
                verdicts.add(expected)
    assert verdicts == {True, False}


@pytest.mark.parametrize("signs", [(-1, 1), (1, -1), (-1, -1)])
def test_a_commitment_with_one_coordinate_mirrored_does_not_verify(signs: tuple[int, int]) -> None:
    key, nonce, message = jubjub.multiply_plainly(5, GENERATOR), 77, 78
    r = jubjub.multiply_plainly(nonce, GENERATOR)
    mirrored = Point(r.x * signs[0] % R, r.y * signs[1] % R)
    e = schnorr.challenge(mirrored, schnorr.key_hash(key), message)
    signature = Signature(key, mirrored, (nonce + 5 * e) % SUBGROUP_ORDER)
    assert [compiled.verify(signature, message) for _ in range(2)] == [False] * 2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, SUBGROUP_ORDER - 1), elements, elements)
def test_commitments_and_challenges_are_the_plain_ones(nonce: int, hashed: int, m: int) -> None:
    assert compiled.commit(nonce, hashed, m) == schnorr.commit_plainly(nonce, hashed, m)


def test_every_small_multiple_of_the_small_points_agrees() -> None:
    for point in SMALL_POINTS:
        for k in range(33):
            assert compiled.multiply(k, point) == jubjub.multiply_plainly(k, point)


def test_install_switches_this_process_and_uninstall_switches_back(plain: None) -> None:
    assert poseidon._permutation is poseidon.permute
    assert compiled.install()
    assert poseidon._permutation is compiled.permute
    assert jubjub._multiplication is compiled.multiply
    assert schnorr._engine.verify is compiled.verify
    compiled.uninstall()
    assert poseidon._permutation is poseidon.permute
    assert jubjub._multiplication is jubjub.multiply_plainly
    assert schnorr._engine is schnorr.PLAIN


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
