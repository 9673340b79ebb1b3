"""Invariant: these kernels compute what schnorr's commit_plainly and verify_plainly compute.

One call a signature: hash and curve in one go, without an inversion where none is needed. As
curve_kernels.py, which says how tables and points look; nothing here is constant-time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from protocol.crypto import curve_kernels
from protocol.crypto.curve_kernels import (
    WINDOWS,
    Array,
    add_multiple,
    leave,
    permute_elements,
)
from protocol.crypto.field_code import FR, Words
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import (
    FR_ONE,
    FR_RADIX_SQUARED,
    FR_UNIT,
    FR_ZERO,
    equal,
    load,
    mul,
    store,
)

SIG_TAG = FR.encode(7)
CHALLENGE_WINDOWS = 128 // curve_kernels.WINDOW_BITS
_WIDTH = 5

compiled = Compiler(__file__, curve_kernels.__file__)


@inner
def entered(numbers: Array, at: int) -> Words:
    """Number `at`, given as plain words."""
    return mul(load(numbers, at, FR_ONE), FR_RADIX_SQUARED)


@inner
def challenge(numbers: Array, table: Array, out: Array, at: int) -> None:
    """out[at] = H4(TAG_SIG; numbers 0 .. 3) as plain words: R.x, R.y, key hash and message."""
    state: Any = np.empty(2 * _WIDTH * 4, dtype=np.uint64)
    store(state, 0, SIG_TAG)
    for lane in range(1, _WIDTH):
        store(state, lane, entered(numbers, lane - 1))
    permute_elements(state, table, _WIDTH)
    store(out, at, mul(load(state, 1, FR_ONE), FR_UNIT))


@compiled("void(uint64[::1], uint64[::1], uint64[::1])")
def commit(numbers: Array, base: Array, table: Array) -> None:
    """From (nonce, anything, key hash, message, anything), plain words, to (R.x, R.y, as they
    were, the hash of these four). `base`: multiples of G; `table`: Poseidon of width 5."""
    identity = (FR_ZERO, FR_ONE, FR_ONE, FR_ZERO)
    leave(add_multiple(identity, numbers, base, WINDOWS), numbers)
    challenge(numbers, table, numbers, 4)


@compiled("boolean(uint64[::1], uint64[::1], uint64[::1], uint64[::1])")
def verify(numbers: Array, base: Array, minus_key: Array, table: Array) -> bool:
    """Whether sG - eA = R, which so is on the curve as A is. `numbers`: R.x, R.y, key hash,
    message, s, all plain words below r. `minus_key`: multiples of -A, for 128 bits of scalar."""
    scalar: Any = np.empty(8, dtype=np.uint64)
    store(scalar, 0, load(numbers, 4, FR_ONE))
    challenge(numbers, table, scalar, 1)
    total = (FR_ZERO, FR_ONE, FR_ONE, FR_ZERO)
    total = add_multiple(total, scalar, base, WINDOWS)
    total = add_multiple(total, scalar[4:], minus_key, CHALLENGE_WINDOWS)
    x, y, z = entered(numbers, 0), entered(numbers, 1), total[2]
    return equal(total[0], mul(x, z)) and equal(total[1], mul(y, z))
