"""Poseidon over Fr with x^5: one permutation, two hash shapes, and the table of all tags.

H2(tag; x0, x1) has width 3, H4(tag; x0..x3) width 5; the state starts as (tag, inputs) and
lane 1 of the permuted state is the result. Tags keep every use of the hash apart.
Ref: ePrint 2019/458; constants as the authors' Grain LFSR gives them (docs/protocol.md section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from protocol.crypto.field import R

FULL_ROUNDS = 8
PARTIAL_ROUNDS = {3: 57, 5: 60}


class Tag(IntEnum):
    """What a hash is of; the first lane of every call."""

    KEY = 1
    NODE = 2
    STATE = 3
    ACCOUNT = 4
    CHANNEL = 5
    KEYS = 6
    SIG = 7
    VOUCHER = 8
    TRANSFER = 9
    WITHDRAW = 10
    OPEN = 11
    TOP_UP = 12
    START_CLOSE = 13
    CLOSE = 14
    DIGEST = 15


@dataclass(frozen=True, slots=True)
class Constants:
    """Round constants, one tuple of `width` a round, and the Cauchy MDS matrix."""

    rounds: tuple[tuple[int, ...], ...]
    mds: tuple[tuple[int, ...], ...]


_STEPS = 18
"""Steps of the LFSR at once: its newest tap is 18 bits behind, so none of them needs another."""
_SHRUNK = tuple(
    "".join(f"{six >> place + 1 & 1}" for place in (0, 2, 4) if six >> place & 1)
    for six in range(64)
)
"""Of six bits, the first one lowest: the second of each pair whose first is 1."""


def _grain_bits(width: int, partial_rounds: int) -> Iterator[str]:
    """The self-shrunk bits of the 80-bit Grain LFSR, its first 160 steps discarded: in pieces."""
    seed = "".join(
        f"{part:0{bits}b}"
        for part, bits in (
            (1, 2),
            (0, 4),
            (255, 12),
            (width, 12),
            (FULL_ROUNDS, 10),
            (partial_rounds, 10),
            ((1 << 30) - 1, 30),
        )
    )
    state = int(seed[::-1], 2)  # the oldest bit is the lowest

    def step(count: int) -> int:
        nonlocal state
        taps = state >> 62 ^ state >> 51 ^ state >> 38 ^ state >> 23 ^ state >> 13 ^ state
        bits = taps & (1 << count) - 1
        state = state >> count | bits << 80 - count
        return bits

    for _ in range(160 // 16):
        step(16)
    while True:
        bits = step(_STEPS)
        yield _SHRUNK[bits & 63] + _SHRUNK[bits >> 6 & 63] + _SHRUNK[bits >> 12]


@lru_cache
def constants(width: int) -> Constants:
    """The constants for width 3 or 5 (some hundredths of a second, once a process)."""
    partial_rounds = PARTIAL_ROUNDS[width]
    bits = _grain_bits(width, partial_rounds)

    left = ""

    def sample() -> int:
        nonlocal left
        while len(left) < 255:
            left += next(bits)
        number, left = int(left[:255], 2), left[255:]
        return number

    def sample_below_r() -> int:
        while (number := sample()) >= R:
            pass
        return number

    rounds = tuple(
        tuple(sample_below_r() for _ in range(width)) for _ in range(FULL_ROUNDS + partial_rounds)
    )
    points = [sample() % R for _ in range(2 * width)]
    xs, ys = points[:width], points[width:]
    return Constants(rounds, tuple(tuple(pow(x + y, -1, R) for y in ys) for x in xs))


def permute(state: tuple[int, ...]) -> tuple[int, ...]:
    """The Poseidon permutation on 3 or 5 field elements."""
    width = len(state)
    table = constants(width)
    half = FULL_ROUNDS // 2
    last_partial = half + PARTIAL_ROUNDS[width]
    for number, round_constants in enumerate(table.rounds):
        added = [(lane + c) % R for lane, c in zip(state, round_constants, strict=True)]
        if half <= number < last_partial:
            added[0] = pow(added[0], 5, R)
        else:
            added = [pow(lane, 5, R) for lane in added]
        state = tuple(
            sum(m * lane for m, lane in zip(row, added, strict=True)) % R for row in table.mds
        )
    return state


_permutation: Callable[[tuple[int, ...]], tuple[int, ...]] = permute


def use_permutation(permutation: Callable[[tuple[int, ...]], tuple[int, ...]]) -> None:
    """Let this process hash with an equal, faster permutation (protocol.crypto.compiled)."""
    global _permutation
    _permutation = permutation


def h2(tag: Tag, x0: int, x1: int) -> int:
    """H2(tag; x0, x1) for canonical field elements."""
    return _permutation((int(tag), x0, x1))[1]


def h4(tag: Tag, x0: int, x1: int, x2: int, x3: int) -> int:
    """H4(tag; x0, x1, x2, x3) for canonical field elements."""
    return _permutation((int(tag), x0, x1, x2, x3))[1]
