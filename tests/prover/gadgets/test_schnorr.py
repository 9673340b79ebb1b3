from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.crypto import schnorr as plain
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
from protocol.crypto.poseidon import Tag, h4
from protocol.crypto.schnorr import Signature
from prover.gadgets.bits import input_bit
from prover.gadgets.schnorr import (
    DUMMY,
    enforce_signature,
    input_signature,
    is_signature,
    signature_inputs,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import evaluate, first_failure
from tests.prover.gadgets.test_jubjub import SMALL
from tests.prover.mutation import assert_every_value_is_bound, first_failing, output, record

SECRET, MESSAGE = 0x5EC237 << 200 | 99, 1 << 200 | 7


def always(b: Builder) -> None:
    message, signature = b.input("message"), input_signature(b, "given")
    b.export("key_hash", enforce_signature(b, signature, message))


def gated(b: Builder) -> None:
    message, signature = b.input("message"), input_signature(b, "given")
    enabled = input_bit(b, "enabled")
    b.export("key_hash", enforce_signature(b, signature, message, enabled=enabled))


def decided(b: Builder) -> None:
    message, signature = b.input("message"), input_signature(b, "given")
    verifies, key_hash = is_signature(b, signature, message)
    b.export("verifies", verifies)
    b.export("key_hash", key_hash)


ALWAYS, GATED, DECIDED = record(always), record(gated), record(decided)


def sign(message: int = MESSAGE, fresh: int = 0) -> Signature:
    return plain.sign(SECRET, message, fresh.to_bytes(32, "little"))


def given(signature: Signature, message: int = MESSAGE) -> dict[str, int]:
    return {"message": message, **signature_inputs("given", signature)}


def failing(signature: Signature, message: int = MESSAGE) -> str | None:
    """The first failing constraint; circuit, plain verification and the bit must agree."""
    failure = first_failing(ALWAYS, given(signature, message))
    assert plain.verify(signature, message) == (failure is None)
    assert output(DECIDED, given(signature, message), "verifies") == (failure is None)
    return None if failure is None else failure.constraint


@pytest.mark.parametrize("message", [0, 1, R - 1, MESSAGE])
def test_a_signature_is_accepted_and_gives_the_key_hash(message: int) -> None:
    signature = sign(message)
    assert failing(signature, message) is None
    assert output(ALWAYS, given(signature, message), "key_hash") == plain.key_hash(signature.key)


def test_another_message_key_commitment_or_response_is_refused() -> None:
    good, equation = sign(), "signature/sG = R + eA in x"
    other = plain.public_key(SECRET + 1)
    assert failing(good, MESSAGE + 1) == equation
    assert failing(Signature(other, good.r, good.s)) == equation
    assert failing(Signature(good.key, other, good.s)) == equation
    assert failing(Signature(good.key, good.r, good.s - 1)) == equation
    assert failing(Signature(good.key, good.r, 0)) == equation


def test_points_off_the_curve_are_refused_by_name() -> None:
    good, off = sign(), Point(GENERATOR.x, GENERATOR.y + 1)
    assert failing(Signature(off, good.r, good.s)) == "signature/A on curve"
    assert failing(Signature(good.key, off, good.s)) == "signature/R on curve"


def test_a_response_of_l_or_more_is_refused() -> None:
    """s + l would be a second signature for the same message."""
    fresh = 0
    while (good := sign(fresh=fresh)).s + SUBGROUP_ORDER >= 1 << 252:
        fresh += 1
    below = "signature/s/below l/first difference/bit0 is a bit"
    assert failing(good) is None
    assert failing(Signature(good.key, good.r, good.s + SUBGROUP_ORDER)) == below
    assert failing(Signature(IDENTITY, IDENTITY, SUBGROUP_ORDER)) == below
    assert failing(Signature(good.key, good.r, 1 << 252)) == "signature/s/bits add up"
    assert failing(Signature(good.key, good.r, R - 1)) == "signature/s/bits add up"


def test_the_largest_response_is_accepted() -> None:
    s = SUBGROUP_ORDER - 1
    assert failing(Signature(IDENTITY, multiply(s, GENERATOR), s)) is None


@pytest.mark.parametrize("small", SMALL)
def test_small_order_points_verify_exactly_as_in_the_plain_code(small: Point) -> None:
    """Refusing such keys is policy of wallets, not part of `verify`: both must agree on them."""
    good = sign()
    failing(Signature(good.key, add(good.r, small), good.s))
    failing(Signature(IDENTITY, small, 0))
    for s in (0, 1, 2):
        failing(Signature(small, multiply(s, GENERATOR), s))


def test_anyone_can_sign_for_a_key_of_small_order_and_the_circuit_accepts_it_too() -> None:
    """R = sG fits wherever e is a multiple of the key's order: one s in eight."""
    accepted = [s for s in range(1, 60) if plain.verify(of_small_order(s), MESSAGE)]
    assert accepted
    assert failing(of_small_order(accepted[0])) is None


def of_small_order(s: int) -> Signature:
    return Signature(SMALL[1], multiply(s, GENERATOR), s)


def test_the_dummy_satisfies_all_but_a_key_hash_for_any_message() -> None:
    for message in (0, MESSAGE):
        assert failing(DUMMY, message) is None


def test_a_disabled_signature_only_leaves_out_the_equation() -> None:
    good = sign()
    wrong = Signature(good.key, good.r, 1)
    off = Signature(Point(1, 1), good.r, good.s)
    assert first_failing(GATED, {**given(wrong), "enabled": 0}) is None
    assert first_failing(GATED, {**given(good), "enabled": 1}) is None
    failure = first_failing(GATED, {**given(wrong), "enabled": 1})
    assert failure is not None
    assert failure.constraint == "signature/sG = R + eA in x"
    failure = first_failing(GATED, {**given(off), "enabled": 0})
    assert failure is not None
    assert failure.constraint == "signature/A on curve"


def test_the_challenge_cannot_be_that_of_another_decomposition() -> None:
    """The low 128 bits of h + r are another challenge, for which anyone can make a signature."""
    place = {name: i for i, name in enumerate(ALWAYS.value_names)}
    for message in range(2000):
        signature = Signature(plain.public_key(SECRET), multiply(message + 1, GENERATOR), 5)
        key_hash = plain.key_hash(signature.key)
        h = h4(Tag.SIG, signature.r.x, signature.r.y, key_hash, message)
        if h + R < 1 << 255:
            break
    bits = {place[f"signature/e/bit{i}"]: h + R >> i & 1 for i in range(255)}
    failure = first_failure(ALWAYS, evaluate(ALWAYS, given(signature, message), bits))
    assert failure is not None
    assert failure.constraint == "signature/e/below r/first difference/bit0 is a bit"


def test_every_value_is_bound() -> None:
    assert_every_value_is_bound(ALWAYS, given(sign()))


OFF = Point(GENERATOR.x, GENERATOR.y + 1)
GARBAGE: dict[str, Callable[[Signature], Signature]] = {
    "key off the curve": lambda good: Signature(OFF, good.r, good.s),
    "commitment off the curve": lambda good: Signature(good.key, OFF, good.s),
    "both off the curve": lambda good: Signature(OFF, Point(0, 0), good.s),
    "both off the curve, nothing to add": lambda good: Signature(Point(0, 0), Point(0, 0), 0),
    "s + l": lambda good: Signature(good.key, good.r, good.s + SUBGROUP_ORDER),
    "s + 2^252": lambda good: Signature(good.key, good.r, good.s + (1 << 252)),
    "s of l": lambda good: Signature(IDENTITY, IDENTITY, SUBGROUP_ORDER),
    "s of r - 1": lambda good: Signature(good.key, good.r, R - 1),
    "all of r - 1": lambda good: Signature(Point(R - 1, R - 1), Point(R - 1, R - 1), R - 1),
    "another s": lambda good: Signature(good.key, good.r, good.s ^ 1),
    "coordinates swapped": lambda good: Signature(good.key, Point(good.r.y, good.r.x), good.s),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_any_elements_have_a_witness_and_the_bit_is_0(name: str) -> None:
    signature = GARBAGE[name](sign())
    inputs = given(signature)
    assert first_failing(DECIDED, inputs) is None
    assert output(DECIDED, inputs, "verifies") == plain.verify(signature, MESSAGE) == 0
    key = signature.key if is_on_curve(signature.key) else IDENTITY
    assert output(DECIDED, inputs, "key_hash") == plain.key_hash(key)


def test_what_replaces_a_point_off_the_curve_does_not_count() -> None:
    """With (0, 1) for both and s = 0 the equation holds; the bit is 0 as nobody signed that."""
    inputs = given(Signature(OFF, OFF, 0))
    assert output(DECIDED, inputs, "verifies") == 0
    assert output(DECIDED, given(DUMMY), "verifies") == 1


def test_the_key_hash_of_a_signature_that_holds_is_its_keys() -> None:
    good = sign()
    assert output(DECIDED, given(good), "verifies") == 1
    assert output(DECIDED, given(good), "key_hash") == plain.key_hash(good.key)


EVERYTHING = ["message", *(f"given/{part}" for part in ("ax", "ay", "rx", "ry", "s"))]


def test_every_value_of_a_bit_that_is_1_is_bound() -> None:
    on_curve = [f"signature/{point} on curve inverse" for point in "AR"]
    equal = [f"signature/sG = R + eA in {axis} inverse" for axis in "xy"]
    inputs = given(sign())
    assert_every_value_is_bound(DECIDED, inputs, free=[*on_curve, *equal], statement=EVERYTHING)


def test_every_value_of_a_bit_that_is_0_is_bound() -> None:
    inputs = given(Signature(OFF, Point(7, 0), 3 * SUBGROUP_ORDER + 5))
    assert_every_value_is_bound(DECIDED, inputs, statement=EVERYTHING)
