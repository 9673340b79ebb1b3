"""Invariant: these kernels compute what poseidon.permute and jubjub.multiply_plainly compute.

This file holds kernels only; protocol/crypto/compiled.py makes their tables and calls them. The
running time depends on the scalars: nothing here is constant-time. Elements of Fr are 4 words in
Montgomery form. A point of Jubjub is extended, (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z; as
the second operand of an addition it is cached, (Y - X, Y + X, 2Z, 2dT).
Ref: Hisil, Wong, Carter, Dawson 2008, sections 3.1 and 3.3; complete on this curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field_code import FR, Words
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import (
    FR_ONE,
    FR_RADIX_SQUARED,
    FR_UNIT,
    FR_ZERO,
    add,
    inverse,
    load,
    mul,
    square,
    store,
    sub,
)

Array = NDArray[np.uint64]
Extended = tuple[Words, Words, Words, Words]

FULL_ROUNDS = 8
WINDOW_BITS = 4
WINDOW_SIZE = 1 << WINDOW_BITS
POINT_ELEMENTS = 4
WINDOWS = 256 // WINDOW_BITS
TWICE_D = FR.encode(2 * 0x2A9318E74BFA2B48F5FD9207E6BD7FD4292D7F6D37579D2601065FD6D6343EB1)

compiled = Compiler(__file__)


# --- Poseidon -------------------------------------------------------------------------------


@inner
def fifth_power(x: Words) -> Words:
    return mul(square(square(x)), x)


@inner
def full_round(state: Array, table: Array, constants: int, matrix: int, width: int) -> None:
    """Add constants, raise every lane to the fifth, multiply by a dense matrix."""
    for lane in range(width):
        added = add(load(state, lane, FR_ONE), load(table, constants + lane, FR_ONE))
        store(state, width + lane, fifth_power(added))
    for row in range(width):
        total = FR_ZERO
        for lane in range(width):
            factor = load(table, matrix + row * width + lane, FR_ONE)
            total = add(total, mul(factor, load(state, width + lane, FR_ONE)))
        store(state, row, total)


@inner
def partial_round(state: Array, table: Array, at: int, width: int) -> None:
    """`at`: one constant, the sparse matrix's first row, then its first column below the row."""
    raised = fifth_power(add(load(state, 0, FR_ONE), load(table, at, FR_ONE)))
    total = mul(load(table, at + 1, FR_ONE), raised)
    for lane in range(1, width):
        here = load(state, lane, FR_ONE)
        total = add(total, mul(load(table, at + 1 + lane, FR_ONE), here))
        grown = mul(load(table, at + width + lane, FR_ONE), raised)
        store(state, lane, add(here, grown))
    store(state, 0, total)


@inner
def permute_elements(state: Array, table: Array, width: int) -> None:
    """The permutation in place. `state`: `width` elements and as many of scratch.

    `table`: MDS matrix, matrix of the last full round before the partial ones, constants of the
    full rounds, then the partial rounds.
    """
    matrix, constants = width * width, 2 * width * width
    for number in range(FULL_ROUNDS // 2 - 1):
        full_round(state, table, constants + number * width, 0, width)
    full_round(state, table, constants + (FULL_ROUNDS // 2 - 1) * width, matrix, width)
    start = constants + FULL_ROUNDS * width
    step = 2 * width
    partial_rounds = (table.size // 4 - start) // step
    for number in range(partial_rounds):
        partial_round(state, table, start + number * step, width)
    for number in range(FULL_ROUNDS // 2, FULL_ROUNDS):
        full_round(state, table, constants + number * width, 0, width)


@compiled("void(uint64[::1], uint64[::1], int64)")
def permute(state: Array, table: Array, width: int) -> None:
    """permute_elements on plain words."""
    for lane in range(width):
        store(state, lane, mul(load(state, lane, FR_ONE), FR_RADIX_SQUARED))
    permute_elements(state, table, width)
    for lane in range(width):
        store(state, lane, mul(load(state, lane, FR_ONE), FR_UNIT))


# --- Jubjub ---------------------------------------------------------------------------------


@inner
def doubled(p: Extended) -> Extended:
    a, b = square(p[0]), square(p[1])
    c = square(p[2])
    h = add(a, b)
    e = sub(square(add(p[0], p[1])), h)
    g = sub(b, a)
    f = sub(sub(g, c), c)
    h = sub(FR_ZERO, h)
    return mul(e, f), mul(g, h), mul(f, g), mul(e, h)


@inner
def added(p: Extended, table: Array, at: int) -> Extended:
    """p plus the cached point that starts at element `at`."""
    a = mul(sub(p[1], p[0]), load(table, at, FR_ONE))
    b = mul(add(p[1], p[0]), load(table, at + 1, FR_ONE))
    d = mul(p[2], load(table, at + 2, FR_ONE))
    c = mul(p[3], load(table, at + 3, FR_ONE))
    e, h = sub(b, a), add(b, a)
    f, g = sub(d, c), add(d, c)
    return mul(e, f), mul(g, h), mul(f, g), mul(e, h)


@inner
def store_cached(table: Array, at: int, p: Extended) -> None:
    store(table, at, sub(p[1], p[0]))
    store(table, at + 1, add(p[1], p[0]))
    store(table, at + 2, add(p[2], p[2]))
    store(table, at + 3, mul(TWICE_D, p[3]))


@inner
def fill_window(table: Array, start: int, base: Extended) -> Extended:
    """Write 0, 1 .. 15 times `base`, cached, from element `start`; returns 16 times it."""
    here = (FR_ZERO, FR_ONE, FR_ONE, FR_ZERO)
    store_cached(table, start, here)
    store_cached(table, start + POINT_ELEMENTS, base)
    for multiple in range(1, WINDOW_SIZE + 1):
        here = added(here, table, start + POINT_ELEMENTS)
        if multiple < WINDOW_SIZE:
            store_cached(table, start + multiple * POINT_ELEMENTS, here)
    return here


@inner
def enter(point: Array) -> Extended:
    """The point whose x and y are plain words."""
    x = mul(load(point, 0, FR_ONE), FR_RADIX_SQUARED)
    y = mul(load(point, 1, FR_ONE), FR_RADIX_SQUARED)
    return x, y, FR_ONE, mul(x, y)


@inner
def leave(p: Extended, point: Array) -> None:
    """Write x and y as plain words."""
    factor = mul(inverse(p[2]), FR_UNIT)
    store(point, 0, mul(p[0], factor))
    store(point, 1, mul(p[1], factor))


@inner
def digit(scalar: Array, window: int) -> int:
    shift = np.uint64(WINDOW_BITS * window & 63)
    word = scalar[WINDOW_BITS * window >> 6]
    return int(np.int64(word >> shift & np.uint64(WINDOW_SIZE - 1)))


@compiled("void(uint64[::1], uint64[::1])")
def fill_table(point: Array, table: Array) -> None:
    """The multiples of one point (plain words) that add_multiple adds up: as many windows of
    the scalar as the table has room for."""
    base = enter(point)
    for window in range(table.size // (WINDOW_SIZE * POINT_ELEMENTS * 4)):
        base = fill_window(table, window * WINDOW_SIZE * POINT_ELEMENTS, base)


@inner
def add_multiple(total: Extended, scalar: Array, table: Array, windows: int) -> Extended:
    """total plus scalar (so many windows of it) times the point whose table this is."""
    for window in range(windows):
        number = digit(scalar, window)
        if number != 0:
            total = added(total, table, (window * WINDOW_SIZE + number) * POINT_ELEMENTS)
    return total


@compiled("void(uint64[::1], uint64[::1], uint64[::1])")
def multiply_fixed(scalar: Array, table: Array, point: Array) -> None:
    """point = scalar (256 bits) times the point whose table this is."""
    identity = (FR_ZERO, FR_ONE, FR_ONE, FR_ZERO)
    leave(add_multiple(identity, scalar, table, WINDOWS), point)


@compiled("void(uint64[::1], uint64[::1])")
def multiply_variable(scalar: Array, point: Array) -> None:
    """point = scalar (256 bits) times point, in place."""
    table: Any = np.empty(WINDOW_SIZE * POINT_ELEMENTS * 4, dtype=np.uint64)
    fill_window(table, 0, enter(point))
    window = WINDOWS - 1
    while window >= 0 and digit(scalar, window) == 0:
        window -= 1
    total = (FR_ZERO, FR_ONE, FR_ONE, FR_ZERO)
    while window >= 0:
        for _ in range(WINDOW_BITS):
            total = doubled(total)
        number = digit(scalar, window)
        if number != 0:
            total = added(total, table, number * POINT_ELEMENTS)
        window -= 1
    leave(total, point)
