"""Invariant: after `install` every hash, key and signature is what it was before, only sooner.

Poseidon's permutation, Jubjub's scalar multiplication, and the two halves of Schnorr that every
payment needs, compiled; all else (H2, H4, trees, nonces) is the plain code on top of them.
Poseidon's partial rounds use sparse matrices; the base point has a table of its multiples, and so
has a key that is seen again.

NOT constant-time, and neither is the plain code: the time of `sign` depends on the secret and its
nonce. A signer whose timing a stranger can measure finely must sign elsewhere.
Ref: ePrint 2019/458, appendix B (the sparse form).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec

from protocol.crypto import jubjub, poseidon, schnorr
from protocol.crypto.field import R
from protocol.crypto.jubjub import GENERATOR, SUBGROUP_ORDER, Point
from protocol.crypto.poseidon import FULL_ROUNDS, PARTIAL_ROUNDS
from protocol.crypto.schnorr import CHALLENGE_BITS, Engine, Signature

Matrix = list[list[int]]
_HALF = FULL_ROUNDS // 2
_SCALAR_BITS = 256
_MOST_TABLES, _MOST_SIGHTINGS = 256, 4_096
"""Keys with a table (64 KiB each), and keys of which it is known whether they were seen before."""


def is_available() -> bool:
    """Whether Numba is installed here."""
    return find_spec("numba") is not None


def install() -> bool:
    """Let this process hash and multiply with compiled code. False, and no change, without Numba.

    Compiles first (see `warm`). Raises KernelCacheUnwritable, and then nothing has changed.
    """
    if not is_available():
        return False
    warm()
    poseidon.use_permutation(permute)
    jubjub.use_multiplication(multiply)
    schnorr.use_engine(Engine(commit, verify))
    return True


def uninstall() -> None:
    """Go back to plain Python."""
    poseidon.use_permutation(poseidon.permute)
    jubjub.use_multiplication(jubjub.multiply_plainly)
    schnorr.use_engine(schnorr.PLAIN)


def warm() -> None:
    """Compile what `install` needs: seconds the first time, then read from the cache folder.

    Raises KernelCacheUnwritable, and ModuleNotFoundError without Numba.
    """
    _machine()


def permute(state: tuple[int, ...]) -> tuple[int, ...]:
    """poseidon.permute, compiled."""
    return _machine().permute(state)


def multiply(scalar: int, point: Point) -> Point:
    """jubjub.multiply_plainly, compiled."""
    return _machine().multiply(scalar, point)


def commit(nonce: int, key_hash: int, message: int) -> tuple[Point, int]:
    """schnorr.commit_plainly, compiled."""
    return _machine().commit(nonce, key_hash, message)


def verify(signature: Signature, message: int) -> bool:
    """schnorr.verify_plainly, compiled; sooner from the second time that a key is seen."""
    return _machine().verify(signature, message)


@dataclass(frozen=True, slots=True)
class _Machine:
    """Compiled kernels with their tables."""

    permute: Callable[[tuple[int, ...]], tuple[int, ...]]
    multiply: Callable[[int, Point], Point]
    commit: Callable[[int, int, int], tuple[Point, int]]
    verify: Callable[[Signature, int], bool]


@cache
def _machine() -> _Machine:
    import numpy as np

    from protocol.crypto import curve_kernels as kernels
    from protocol.crypto import schnorr_kernels
    from protocol.crypto.field_code import FR

    permute_kernel = kernels.permute.compile()
    fixed_kernel = kernels.multiply_fixed.compile()
    variable_kernel = kernels.multiply_variable.compile()
    table_kernel = kernels.fill_table.compile()
    commit_kernel = schnorr_kernels.commit.compile()
    verify_kernel = schnorr_kernels.verify.compile()

    def words(numbers: Sequence[int], spare: int = 0) -> kernels.Array:
        """Plain words of numbers, which are taken mod r, then `spare` empty elements."""
        packed = b"".join([(number % R).to_bytes(32, "little") for number in numbers])
        return np.frombuffer(bytearray(packed + bytes(32 * spare)), dtype=np.uint64)

    def numbers(array: kernels.Array, count: int) -> tuple[int, ...]:
        packed = array.tobytes()
        return tuple([int.from_bytes(packed[32 * i : 32 * i + 32], "little") for i in range(count)])

    def scalar_words(scalar: int) -> kernels.Array:
        return np.frombuffer(bytearray(scalar.to_bytes(32, "little")), dtype=np.uint64)

    tables = {
        width: np.array([FR.encode(one) for one in sparse_table(width)], dtype=np.uint64).ravel()
        for width in PARTIAL_ROUNDS
    }
    base = np.empty(kernels.WINDOWS * kernels.WINDOW_SIZE * kernels.POINT_ELEMENTS * 4, np.uint64)
    table_kernel(words((GENERATOR.x, GENERATOR.y)), base)
    key_words = schnorr_kernels.CHALLENGE_WINDOWS * kernels.WINDOW_SIZE * kernels.POINT_ELEMENTS * 4

    def permute(state: tuple[int, ...]) -> tuple[int, ...]:
        width = len(state)
        array = words(state, width)
        permute_kernel(array, tables[width], width)
        return numbers(array, width)

    def multiply(scalar: int, point: Point) -> Point:
        if not 0 <= scalar < 1 << _SCALAR_BITS:
            return jubjub.multiply_plainly(scalar, point)
        array = words((point.x, point.y))
        if point == GENERATOR:
            fixed_kernel(scalar_words(scalar), base, array)
        else:
            variable_kernel(scalar_words(scalar), array)
        return Point(*numbers(array, 2))

    def commit(nonce: int, key_hash: int, message: int) -> tuple[Point, int]:
        array = words((nonce, 0, key_hash, message, 0))
        commit_kernel(array, base, tables[5])
        x, y, _, _, hashed = numbers(array, 5)
        return Point(x, y), hashed & ((1 << CHALLENGE_BITS) - 1)

    @lru_cache(_MOST_SIGHTINGS)
    def sightings(_: Point) -> list[None]:
        return []

    @lru_cache(_MOST_TABLES)
    def table_of(key: Point) -> tuple[int, kernels.Array] | None:
        """A key's hash and the multiples of its negative; None for what is not on the curve."""
        if not jubjub.is_on_curve(key):
            return None
        table = np.empty(key_words, np.uint64)
        table_kernel(words((-key.x, key.y)), table)
        return schnorr.key_hash(key), table

    def verify(signature: Signature, message: int) -> bool:
        key, r, s = signature.key, signature.r, signature.s
        seen = sightings(key)
        if not seen:
            seen.append(None)
            return schnorr.verify_plainly(signature, message)
        if not (0 <= r.x < R and 0 <= r.y < R and 0 <= s < SUBGROUP_ORDER):
            return False
        found = table_of(key)
        if found is None:
            return False
        array = words((r.x, r.y, found[0], message, s))
        return verify_kernel(array, base, found[1], tables[5])

    return _Machine(permute, multiply, commit, verify)


# --- Poseidon's sparse form -----------------------------------------------------------------


def sparse_table(width: int) -> list[int]:
    """All numbers of the permutation in its sparse form, in the order that the kernel reads.

    A partial round's matrix M factors into X N, where N leaves lane 0 alone and so moves before
    the round's power, into the round before: what stays is X, which has ones on its diagonal and
    else only a first row and a first column. The constants of the other lanes move past the
    power, into the round after.
    """
    table = poseidon.constants(width)
    mds = [list(row) for row in table.mds]
    rounds = [list(row) for row in table.rounds]
    partial_rounds = PARTIAL_ROUNDS[width]
    dense, sparse = mds, []
    for number in reversed(range(_HALF, _HALF + partial_rounds)):
        inverse = _inverted([row[1:] for row in dense[1:]])
        block = [[1] + [0] * (width - 1)] + [[0, *row[1:]] for row in dense[1:]]
        first_row = [dense[0][0], *_product([dense[0][1:]], inverse)[0]]
        sparse.append((first_row, [row[0] for row in dense[1:]]))
        rounds[number] = _applied(block, rounds[number])
        dense = _product(block, mds)
    sparse.reverse()
    partial: list[int] = []
    for number, (first_row, column) in enumerate(sparse, _HALF):
        first, *rest = rounds[number]
        carried = [sum(a * b for a, b in zip(first_row[1:], rest, strict=True)), *rest]
        following = rounds[number + 1]
        rounds[number + 1] = [(a + b) % R for a, b in zip(following, carried, strict=True)]
        partial += [first, *first_row, *column]
    full = rounds[:_HALF] + rounds[_HALF + partial_rounds :]
    return [one for row in (*mds, *dense, *full) for one in row] + partial


def _applied(matrix: Matrix, vector: list[int]) -> list[int]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) % R for row in matrix]


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) % R for column in columns]
        for row in left
    ]


def _inverted(matrix: Matrix) -> Matrix:
    """The inverse, by Gauss and Jordan; the minors of a Cauchy matrix are invertible."""
    size = len(matrix)
    rows = [row + [int(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next(j for j in range(i, size) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        scale = pow(rows[i][i], -1, R)
        rows[i] = [one * scale % R for one in rows[i]]
        for j in range(size):
            if j != i and rows[j][i]:
                factor = rows[j][i]
                rows[j] = [(a - factor * b) % R for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[size:] for row in rows]
