"""The compiled field operations equal Python ints, at the edges and everywhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ, FR, PrimeField
from protocol.crypto.kernel_cache import Compiler, Kernel, KernelCacheUnwritable
from tests.protocol.crypto.kernel_probe import (
    flag_of_zero,
    fq2_operations,
    fq_operations,
    fr_operations,
)

Element = tuple[int, ...]


def run(
    kernel: Kernel[Any, Any], field: PrimeField, a: Element, b: Element
) -> tuple[list[Element], bool, bool]:
    """The seven results and two flags that `kernel` gives for a and b."""
    rows = [[word for part in element for word in field.encode(part)] for element in (a, b)]
    operands = np.array(rows, dtype=np.uint64)
    results = np.zeros((7, operands.shape[1]), dtype=np.uint64)
    flags = np.zeros(2, dtype=np.uint64)
    kernel(operands, results, flags)
    width = field.limbs
    decoded = []
    for row in results.tolist():
        parts = [row[i : i + width] for i in range(0, len(row), width)]
        assert all(sum(w << 64 * i for i, w in enumerate(p)) < field.modulus for p in parts)
        decoded.append(tuple(field.decode(tuple(part)) for part in parts))
    return decoded, bool(flags[0]), bool(flags[1])


def check_prime(kernel: Kernel[Any, Any], field: PrimeField, a: int, b: int) -> None:
    p = field.modulus
    results, zero, same = run(kernel, field, (a,), (b,))
    inverse = pow(a, -1, p) if a else 0
    want = [(a + b) % p, (a - b) % p, -a % p, a * b % p, a * a % p, inverse, (a - b) * b % p]
    assert [row[0] for row in results] == want
    assert (zero, same) == (a == 0, a == b)


def product(a: Element, b: Element) -> Element:
    return ((a[0] * b[0] - a[1] * b[1]) % FQ.modulus, (a[0] * b[1] + a[1] * b[0]) % FQ.modulus)


def check_quadratic(a: Element, b: Element) -> None:
    q = FQ.modulus
    results, zero, same = run(fq2_operations, FQ, a, b)
    total, difference, negated, multiplied, squared, inverse, with_raw = results
    assert total == ((a[0] + b[0]) % q, (a[1] + b[1]) % q)
    assert difference == ((a[0] - b[0]) % q, (a[1] - b[1]) % q)
    assert negated == (-a[0] % q, -a[1] % q)
    assert multiplied == product(a, b)
    assert squared == product(a, a)
    assert with_raw == product(difference, b)
    assert product(inverse, a) == ((1, 0) if any(a) else (0, 0))
    assert (zero, same) == (not any(a), a == b)


def edges(field: PrimeField) -> list[int]:
    p = field.modulus
    return [0, 1, 2, p - 1, p - 2, p // 2, p // 2 + 1, (1 << 64 * (field.limbs - 1)) - 1]


def elements(field: PrimeField) -> st.SearchStrategy[int]:
    return st.sampled_from(edges(field)) | st.integers(0, field.modulus - 1)


def test_the_field_of_the_kernels_is_the_field_of_the_protocol() -> None:
    assert FR.modulus == R


@pytest.mark.parametrize(("kernel", "field"), [(fr_operations, FR), (fq_operations, FQ)])
def test_every_pair_of_edge_values(kernel: Kernel[Any, Any], field: PrimeField) -> None:
    for a, b in itertools.product(edges(field), repeat=2):
        check_prime(kernel, field, a, b)


def test_every_pair_of_edge_values_in_the_quadratic_extension() -> None:
    values = [0, 1, FQ.modulus - 1]
    pairs = list(itertools.product(values, repeat=2))
    for a, b in itertools.product(pairs, repeat=2):
        check_quadratic(a, b)


@pytest.mark.parametrize(("kernel", "field"), [(fr_operations, FR), (fq_operations, FQ)])
def test_inverses_of_numbers_of_every_length(kernel: Kernel[Any, Any], field: PrimeField) -> None:
    for length in range(field.modulus.bit_length()):
        for number in ((1 << length) - 1, 1 << length, (1 << length) + 1):
            montgomery = number * pow(field.radix, -1, field.modulus) % field.modulus
            for a in (number % field.modulus, montgomery):
                check_prime(kernel, field, a, 1)


@given(a=elements(FR), b=elements(FR))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_fr_equals_python_ints(a: int, b: int) -> None:
    check_prime(fr_operations, FR, a, b)


@given(a=elements(FQ), b=elements(FQ))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_fq_equals_python_ints(a: int, b: int) -> None:
    check_prime(fq_operations, FQ, a, b)


@given(a=st.tuples(elements(FQ), elements(FQ)), b=st.tuples(elements(FQ), elements(FQ)))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_fq2_equals_python_ints(a: Element, b: Element) -> None:
    check_quadratic(a, b)


def test_an_edited_source_changes_the_cache_folder(tmp_path: Path) -> None:
    source = tmp_path / "kernels.py"
    source.write_text("x = 1\n")
    before = Compiler(str(source)).folder()
    assert Compiler(str(source)).folder() == before
    source.write_text("x = 2\n")
    assert Compiler(str(source)).folder() != before


def test_a_cache_folder_that_is_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WATTLANE_CACHE", str(tmp_path / "file"))
    kernel = Compiler(__file__)("int64(int64)")(lambda x: x)
    with pytest.raises(KernelCacheUnwritable, match="WATTLANE_CACHE"):
        kernel.compile()


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda data: b"",
    lambda data: data[: len(data) // 2],
    lambda data: data[:-1] + bytes([data[-1] ^ 1]),
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", ["*.nbc", "*.nbi", "hashes.json"])
def test_a_damaged_kernel_file_is_not_used_but_made_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
    pattern: str,
) -> None:
    monkeypatch.setenv("WATTLANE_CACHE", str(tmp_path))

    def fresh() -> Kernel[Any, Any]:
        return Kernel(flag_of_zero.function, flag_of_zero.signature, flag_of_zero.compiler)

    def answer(kernel: Kernel[Any, Any]) -> int:
        return int(kernel(np.zeros((1, 4), dtype=np.uint64)))

    assert answer(fresh()) == 1
    (path,) = tmp_path.rglob(pattern)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert answer(fresh()) == 1
    (again,) = tmp_path.rglob(pattern)
    assert again.read_bytes() != damage(whole)
    assert not list(tmp_path.rglob("*.part"))


def test_a_kernel_is_loaded_and_not_compiled_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTLANE_CACHE", str(tmp_path))
    for hits in (0, 1):
        kernel = Kernel(flag_of_zero.function, flag_of_zero.signature, flag_of_zero.compiler)
        dispatcher: Any = kernel.compile()
        assert sum(dispatcher.stats.cache_hits.values()) == hits
