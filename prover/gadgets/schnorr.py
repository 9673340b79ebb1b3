"""Invariant: constraints hold, or a bit is 1, exactly where protocol.crypto.schnorr.verify accepts.

A and R on the curve, s < l, sG = R + eA with e the low 128 bits of the canonical
H4(TAG_SIG; R.x, R.y, key_hash(A), m). Identity and small-order points are no exception: refusing
such keys is the policy of wallets and nodes. The caller compares the key hash with the state's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.crypto.jubjub import IDENTITY, SUBGROUP_ORDER
from protocol.crypto.poseidon import Tag
from protocol.crypto.schnorr import CHALLENGE_BITS, Signature
from prover.gadgets.bits import (
    enforce_bits,
    enforce_bits_below,
    enforce_canonical_bits,
    is_bits_below,
)
from prover.gadgets.compare import is_equal
from prover.gadgets.generator import generator_multiple
from prover.gadgets.jubjub import (
    CurvePoint,
    add,
    enforce_on_curve,
    multiple,
    on_curve_or_identity,
)
from prover.gadgets.poseidon import hash2, hash4
from prover.gadgets.select import enforce_equal_if, is_both
from prover.r1cs.builder import Builder
from prover.r1cs.lc import TRUE, Bit, Lc

SCALAR_BITS = 252

DUMMY = Signature(IDENTITY, IDENTITY, 0)
"""Satisfies everything but the key hash, for any message: what an unused signature holds."""


@dataclass(frozen=True, slots=True)
class SignatureWires:
    """Public key A = (ax, ay), commitment R = (rx, ry), response s: any field elements."""

    ax: Lc
    ay: Lc
    rx: Lc
    ry: Lc
    s: Lc


def input_signature(b: Builder, name: str) -> SignatureWires:
    """The inputs name/ax .. name/s, for `signature_inputs`. No constraint."""
    return SignatureWires(*(b.input(f"{name}/{part}") for part in ("ax", "ay", "rx", "ry", "s")))


def signature_inputs(prefix: str, signature: Signature = DUMMY) -> dict[str, int]:
    """The inputs for `input_signature`; prefix is its scope and name."""
    key, r = signature.key, signature.r
    parts = {"ax": key.x, "ay": key.y, "rx": r.x, "ry": r.y, "s": signature.s}
    return {f"{prefix}/{part}": value for part, value in parts.items()}


def enforce_signature(
    b: Builder, signature: SignatureWires, message: Lc, *, enabled: Bit = TRUE
) -> Lc:
    """The signature verifies for `message`; returns key_hash(A). 2,826 constraints.

    Where `enabled` is 0 only sG = R + eA is left out, so A, R and s must still be well formed:
    give DUMMY.
    """
    with b.scope("signature"):
        key = enforce_on_curve(b, signature.ax, signature.ay, label="A on curve")
        r = enforce_on_curve(b, signature.rx, signature.ry, label="R on curve")
        with b.scope("s"):
            s_bits = enforce_bits(b, signature.s, SCALAR_BITS)
            with b.scope("below l"):
                enforce_bits_below(b, s_bits, SUBGROUP_ORDER)
        key_hash, left, right = _sides(b, key, r, s_bits, message)
        enforce_equal_if(b, enabled, left.x, right.x, label="sG = R + eA in x")
        enforce_equal_if(b, enabled, left.y, right.y, label="sG = R + eA in y")
    return key_hash


def is_signature(b: Builder, signature: SignatureWires, message: Lc) -> tuple[Bit, Lc]:
    """(whether the signature verifies for `message`, key_hash(A)). 2,897 constraints.

    Nothing is refused: A, R and s are any elements. A point off the curve is (0, 1) from here on,
    and so is the A that is hashed; of an s that is l or more the low 252 bits multiply G, which is
    defined for any bits. Then the first part of the result is 0, whatever comes out.
    """
    with b.scope("signature"):
        key, key_on = on_curve_or_identity(b, signature.ax, signature.ay, label="A on curve")
        r, r_on = on_curve_or_identity(b, signature.rx, signature.ry, label="R on curve")
        with b.scope("s"):
            s_bits = enforce_canonical_bits(b, signature.s)
            in_range = is_bits_below(b, s_bits, SUBGROUP_ORDER, label="below l")
        key_hash, left, right = _sides(b, key, r, s_bits[:SCALAR_BITS], message)
        points = is_both(b, key_on, r_on, label="both points on curve")
        well_formed = is_both(b, points, in_range, label="well formed")
        same_x = is_equal(b, left.x, right.x, label="sG = R + eA in x")
        same_y = is_equal(b, left.y, right.y, label="sG = R + eA in y")
        same = is_both(b, same_x, same_y, label="sG = R + eA")
        return is_both(b, well_formed, same, label="verifies"), key_hash


def _sides(
    b: Builder, key: CurvePoint, r: CurvePoint, s_bits: Sequence[Bit], message: Lc
) -> tuple[Lc, CurvePoint, CurvePoint]:
    """(key_hash(A), sG, R + eA). 2,512 constraints."""
    key_hash = hash2(b, Tag.KEY, key.x, key.y, label="key hash")
    digest = hash4(b, Tag.SIG, r.x, r.y, key_hash, message, label="challenge")
    with b.scope("e"):
        e_bits = enforce_canonical_bits(b, digest)[:CHALLENGE_BITS]
    with b.scope("sG"):
        left = generator_multiple(b, s_bits)
    with b.scope("eA"):
        product = multiple(b, e_bits, key)
    return key_hash, left, add(b, r, product, label="R + eA")
