"""Schnorr: what verify accepts and refuses, at every edge that a stranger can choose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from protocol.crypto.jubjub import (
    GENERATOR,
    IDENTITY,
    SUBGROUP_ORDER,
    Point,
    add,
    is_on_curve,
    multiply,
)
from protocol.crypto.poseidon import Tag, h2, h4
from protocol.crypto.schnorr import (
    Signature,
    challenge,
    check_secret,
    is_safe_key,
    key_hash,
    public_key,
    sign,
    verify,
)
from protocol.errors import OutOfRange
from tests.protocol.crypto.test_jubjub import SMALL

SECRET, MESSAGE, FRESH = 0xDEADBEEF << 190, 424_242, bytes(range(32))
GOOD = sign(SECRET, MESSAGE, FRESH)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, SUBGROUP_ORDER - 1),
    st.integers(0, R - 1),
    st.binary(min_size=32, max_size=32),
)
def test_what_is_signed_verifies_and_no_other_message(
    secret: int, message: int, fresh: bytes
) -> None:
    signature = sign(secret, message, fresh)
    assert signature.key == public_key(secret)
    assert 0 <= signature.s < SUBGROUP_ORDER
    assert verify(signature, message)
    assert not verify(signature, (message + 1) % R)


def test_the_challenge_is_128_bits_of_the_tagged_hash_over_r_key_and_message() -> None:
    hashed = key_hash(GOOD.key)
    assert hashed == h2(Tag.KEY, GOOD.key.x, GOOD.key.y)
    full = h4(Tag.SIG, GOOD.r.x, GOOD.r.y, hashed, MESSAGE)
    assert challenge(GOOD.r, hashed, MESSAGE) == full % 2**128


def test_the_nonce_depends_on_secret_fresh_bytes_and_message() -> None:
    others = [
        sign(SECRET + 1, MESSAGE, FRESH),
        sign(SECRET, MESSAGE + 1, FRESH),
        sign(SECRET, MESSAGE, bytes(32)),
    ]
    assert len({GOOD.r, *(one.r for one in others)}) == 4
    assert sign(SECRET, MESSAGE, FRESH) == GOOD


@pytest.mark.parametrize(
    "spoilt",
    [
        replace(GOOD, s=SUBGROUP_ORDER),
        replace(GOOD, s=GOOD.s + SUBGROUP_ORDER),
        replace(GOOD, s=GOOD.s - SUBGROUP_ORDER),
        replace(GOOD, s=-1),
        replace(GOOD, s=(GOOD.s + 1) % SUBGROUP_ORDER),
        replace(GOOD, s=0),
        replace(GOOD, r=Point(GOOD.r.x + R, GOOD.r.y)),
        replace(GOOD, r=Point(GOOD.r.x, GOOD.r.y + R)),
        replace(GOOD, r=Point(GOOD.r.y, GOOD.r.x)),
        replace(GOOD, r=Point(1, 1)),
        replace(GOOD, r=Point(-GOOD.r.x % R, GOOD.r.y)),
        replace(GOOD, r=IDENTITY),
        replace(GOOD, r=add(GOOD.r, SMALL[1])),
        replace(GOOD, key=Point(GOOD.key.x + R, GOOD.key.y)),
        replace(GOOD, key=Point(GOOD.key.x, GOOD.key.y - R)),
        replace(GOOD, key=Point(2, 3)),
        replace(GOOD, key=Point(2**400, -(2**400))),
        replace(GOOD, key=public_key(SECRET + 1)),
        replace(GOOD, key=IDENTITY),
        replace(GOOD, key=add(GOOD.key, SMALL[1])),
    ],
)
def test_a_changed_signature_is_refused(spoilt: Signature) -> None:
    assert not verify(spoilt, MESSAGE)


def test_s_of_l_is_refused_even_where_s_of_zero_verifies() -> None:
    """With the identity as key and R, 0 G = R + eA holds, and so would l G."""
    signature = Signature(IDENTITY, IDENTITY, 0)
    assert verify(signature, MESSAGE)
    assert not verify(replace(signature, s=SUBGROUP_ORDER), MESSAGE)


def test_verify_accepts_the_identity_as_key_and_the_policy_refuses_it() -> None:
    signature = Signature(IDENTITY, multiply(5, GENERATOR), 5)
    assert all(verify(signature, message) for message in range(3))
    assert not is_safe_key(IDENTITY)


@pytest.mark.parametrize("order", range(1, 8))
def test_verify_accepts_small_keys_and_the_policy_refuses_them(order: int) -> None:
    key = SMALL[order]
    for s in range(1, 200):
        base = multiply(s, GENERATOR)
        for k in range(8):
            r = add(base, multiply(k, key))  # R = sG - eA where e = -k mod 8
            signature = Signature(key, r, s)
            if (challenge(r, key_hash(key), MESSAGE) + k) % 8 == 0:
                assert verify(signature, MESSAGE)
                assert not is_safe_key(key)
                return
    raise AssertionError("one challenge in eight fits")


def test_safe_keys_are_on_the_curve_and_of_prime_order() -> None:
    assert is_safe_key(GOOD.key)
    assert not is_safe_key(add(GOOD.key, SMALL[1]))
    assert not is_safe_key(Point(1, 1))
    assert not is_safe_key(Point(GOOD.key.x + R, GOOD.key.y))
    assert is_on_curve(add(GOOD.key, SMALL[1]))


@pytest.mark.parametrize("secret", [0, -1, SUBGROUP_ORDER, 2**256, True])
def test_a_bad_secret_is_refused_and_never_quoted(secret: int) -> None:
    for use in (check_secret, public_key, lambda one: sign(one, MESSAGE, FRESH)):
        with pytest.raises(OutOfRange) as caught:
            use(secret)
        assert caught.value.given == "hidden"
        assert caught.value.args[1] == "hidden"


def test_the_largest_secret_works() -> None:
    assert verify(sign(SUBGROUP_ORDER - 1, MESSAGE, FRESH), MESSAGE)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_fresh_bytes_are_32(length: int) -> None:
    with pytest.raises(OutOfRange, match="fresh_bytes"):
        sign(SECRET, MESSAGE, bytes(length))
