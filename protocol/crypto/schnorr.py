"""Schnorr signatures on Jubjub: `verify` here and in the circuit accept exactly the same.

Ref: docs/protocol.md section 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from protocol.crypto.jubjub import (
    GENERATOR,
    SUBGROUP_ORDER,
    Point,
    add,
    in_subgroup,
    is_on_curve,
    is_small_order,
    multiply,
)
from protocol.crypto.poseidon import Tag, h2, h4
from protocol.errors import OutOfRange

CHALLENGE_BITS = 128
_MASK = (1 << CHALLENGE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Signature:
    """Public key A, commitment R and response s. Nothing is checked before `verify`."""

    key: Point
    r: Point
    s: int


def check_secret(secret: int) -> int:
    """Return the secret scalar if it is in 1 .. l - 1, else raise OutOfRange (never quoting it)."""
    if type(secret) is not int or not 0 < secret < SUBGROUP_ORDER:
        raise OutOfRange("secret scalar (1 .. l - 1)", "hidden", 252)
    return secret


def public_key(secret: int) -> Point:
    """A = secret * G."""
    return multiply(check_secret(secret), GENERATOR)


def key_hash(key: Point) -> int:
    """H2(TAG_KEY; A.x, A.y): how the state names a key."""
    return h2(Tag.KEY, key.x, key.y)


def challenge(r: Point, key_hash_: int, message: int) -> int:
    """e: the low 128 bits of the canonical H4(TAG_SIG; R.x, R.y, key_hash, m)."""
    return h4(Tag.SIG, r.x, r.y, key_hash_, message) & _MASK


class Signer:
    """A secret scalar with its public key, which is computed once. Raises OutOfRange."""

    __slots__ = ("__secret", "key", "key_hash")

    def __init__(self, secret: int) -> None:
        self.__secret = check_secret(secret)
        self.key = public_key(secret)
        self.key_hash = key_hash(self.key)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")

    def sign(self, message: int, fresh_bytes: bytes) -> Signature:
        """Sign a field element. `fresh_bytes`: 32 bytes from the system's randomness, per call.

        The nonce hashes secret, fresh bytes and message, so neither a broken random source nor a
        repeated message alone reveals the key. Raises OutOfRange for another length.
        """
        if len(fresh_bytes) != 32:
            raise OutOfRange("fresh_bytes (32 random bytes)", len(fresh_bytes), 256)
        seed = b"wattlane-nonce" + self.__secret.to_bytes(32, "little") + fresh_bytes
        digest = hashlib.sha512(seed + message.to_bytes(32, "little")).digest()
        nonce = int.from_bytes(digest, "little") % SUBGROUP_ORDER
        r, e = _engine.commit(nonce, self.key_hash, message)
        return Signature(self.key, r, (nonce + e * self.__secret) % SUBGROUP_ORDER)


def sign(secret: int, message: int, fresh_bytes: bytes) -> Signature:
    """Sign once, as Signer does. Raises OutOfRange for a bad secret."""
    return Signer(secret).sign(message, fresh_bytes)


def verify(signature: Signature, message: int) -> bool:
    """Whether A and R are on the curve, s < l, and sG = R + eA.

    The caller compares key_hash(A) with the one that the state stores.
    """
    return _engine.verify(signature, message)


def commit_plainly(nonce: int, key_hash_: int, message: int) -> tuple[Point, int]:
    """R = nonce * G, and the challenge e that answers it."""
    r = multiply(nonce, GENERATOR)
    return r, challenge(r, key_hash_, message)


def verify_plainly(signature: Signature, message: int) -> bool:
    """`verify`, in plain Python."""
    key, r, s = signature.key, signature.r, signature.s
    if not (is_on_curve(key) and is_on_curve(r) and 0 <= s < SUBGROUP_ORDER):
        return False
    e = challenge(r, key_hash(key), message)
    return multiply(s, GENERATOR) == add(r, multiply(e, key))


@dataclass(frozen=True, slots=True)
class Engine:
    """What computes signatures: commit_plainly and verify_plainly, or their equals."""

    commit: Callable[[int, int, int], tuple[Point, int]]
    verify: Callable[[Signature, int], bool]


PLAIN = Engine(commit_plainly, verify_plainly)
_engine = PLAIN


def use_engine(engine: Engine) -> None:
    """Let this process sign and verify with equal, faster functions (protocol.crypto.compiled)."""
    global _engine
    _engine = engine


def is_safe_key(key: Point) -> bool:
    """The policy of wallets and nodes: on the curve, of prime order. Never part of `verify`."""
    return is_on_curve(key) and not is_small_order(key) and in_subgroup(key)
