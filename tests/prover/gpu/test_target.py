"""What is compiled for a GPU: from the CPU's functions, for every kernel, by NVIDIA's compiler."""

from __future__ import annotations

import random
import re
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from numba import njit

from protocol.crypto import field_code
from protocol.crypto import kernels as operations
from protocol.crypto.field_code import FQ, FR, PrimeField
from protocol.crypto.kernel_cache import Kernel
from prover.gpu import kernels
from tests.prover.gpu.conftest import NO_COMPILER

KERNELS = [each for each in vars(kernels).values() if isinstance(each, Kernel)]
needs_compiler = pytest.mark.skipif(find_spec("numba_cuda") is None, reason=NO_COMPILER)


@needs_compiler
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=lambda c: f"sm_{c[0]}{c[1]}")
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.name)
def test_every_kernel_compiles_without_a_device(
    kernel: Kernel[..., None], capability: tuple[int, int]
) -> None:
    from tests.prover.gpu.ptx_device import compiled

    ptx, code = compiled(kernel, capability)
    assert f".target sm_{capability[0]}{capability[1]}" in ptx
    assert ".visible .entry" in ptx
    assert not re.search(r"\.extern", ptx), "nothing is left to be linked"
    assert code[:4] == b"\x7fELF"


@needs_compiler
def test_carries_are_carried_and_not_compared() -> None:
    """The products of words that make a field multiplication are added with add-with-carry."""
    from tests.prover.gpu.ptx_device import compiled

    ptx, _ = compiled(kernels.scale, (9, 0))
    product = ptx[ptx.rindex(".weak .func") :]
    assert product.count("addc") > 50
    assert product.count("setp.lt.u64") < 8


@pytest.mark.parametrize("field", [FR, FQ], ids=lambda f: f.name)
def test_the_code_for_a_gpu_equals_ints_when_it_runs_on_the_cpu(
    field: PrimeField, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ir.Module] = []

    def yes(module: ir.Module) -> bool:
        seen.append(module)
        return True

    monkeypatch.setattr(field_code, "is_for_gpu", yes)
    multiply: Any = njit(lambda a, b: operations.mul(a, b))
    rng = random.Random(1)
    edges = [0, 1, 2, field.modulus - 1, field.modulus - 2]
    numbers = [*edges, *(rng.randrange(field.modulus) for _ in range(20))]
    for a in numbers:
        for b in numbers[::3]:
            got = multiply(field.encode(a), field.encode(b))
            assert tuple(map(np.uint64, got)) == field.encode(a * b % field.modulus)
    assert seen
