"""Where no GPU can be used the reason is said, the CPU works, and nothing of CUDA is imported."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from protocol.crypto.field import R
from prover import gpu
from prover.curves.fr import from_ints
from prover.curves.groups import G1
from prover.curves.msm import multiply_and_add
from prover.curves.ntt import domain
from prover.gpu import offload, selection
from prover.gpu.engine import Engine
from prover.gpu.errors import DeviceFailed
from tests.prover.curves.oracle import points
from tests.prover.gpu.emulated import EmulatedDevice

pytestmark = pytest.mark.usefixtures("unselected")


@pytest.fixture
def small_work_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offload, "LEAST_POINTS", 1)
    monkeypatch.setattr(offload, "LEAST_ELEMENTS", 1)


def choose(monkeypatch: pytest.MonkeyPatch, device: EmulatedDevice) -> Engine:
    chosen = selection.Selection()
    chosen.engine = Engine(device)
    monkeypatch.setattr(selection, "_selections", [chosen])
    return chosen.engine


def test_the_switch_turns_it_off() -> None:
    os.environ[gpu.SWITCH] = "0"
    assert gpu.chosen() is None
    assert gpu.reason() == "switched off by WATTLANE_GPU=0"


def test_without_numba_cuda_the_reason_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "find_spec", lambda name: None)
    assert gpu.chosen() is None
    assert "wattlane[gpu]" in gpu.reason()


def test_without_a_driver_the_reason_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise OSError(name)

    monkeypatch.setattr(selection, "find_spec", lambda name: object())
    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert gpu.chosen() is None
    assert gpu.reason().startswith("no device: the NVIDIA driver")


def test_an_incomplete_installation_is_a_reason_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "why_not", lambda: "")
    monkeypatch.setitem(sys.modules, "prover.gpu.cuda_device", None)
    assert gpu.chosen() is None
    assert "prover.gpu.cuda_device" in gpu.reason()


def test_the_decision_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return "for a test"

    monkeypatch.setattr(selection, "why_not", ask)
    assert gpu.chosen() is None
    assert gpu.chosen() is None
    assert gpu.reason() == "for a test"
    assert asked == [1]


def test_asking_imports_nothing_of_cuda_where_there_is_no_driver() -> None:
    if not selection.why_not():
        pytest.skip("did not run: this machine has a GPU")
    code = (
        "import sys, prover.groth16; from prover import gpu; assert gpu.chosen() is None; "
        "assert not [m for m in sys.modules if m.startswith(('numba.cuda.', 'cuda.bindings'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_forked_process_does_not_touch_the_parents_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, EmulatedDevice())
    assert gpu.chosen() is not None
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert gpu.chosen() is None
    assert "forked" in gpu.reason()


def test_small_sums_and_transforms_stay_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    device = EmulatedDevice()
    choose(monkeypatch, device)
    table, scalars = points(G1, [1, 2]), from_ints([3, 4])
    assert gpu.add_up([(G1, table, scalars)]) is None
    assert gpu.quotient(domain(1), scalars, scalars, scalars, scalars) is None
    assert device.launches == []


@pytest.mark.usefixtures("small_work_counts")
def test_a_chosen_gpu_does_the_sums_and_empty_ones_are_infinity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = EmulatedDevice()
    choose(monkeypatch, device)
    rng = random.Random(1)
    table = points(G1, range(1, 30))
    scalars = from_ints([rng.randrange(R) for _ in range(29)])
    on_gpu = gpu.add_up([(G1, table[:0], scalars[:0]), (G1, table, scalars)])
    assert on_gpu is not None
    assert device.launches
    os.environ[gpu.SWITCH] = "0"
    monkeypatch.setattr(selection, "_selections", [])
    assert not on_gpu[0].any()
    assert np.array_equal(on_gpu[1], multiply_and_add(G1, table, scalars))


@pytest.mark.usefixtures("small_work_counts")
def test_a_gpu_that_fails_is_given_up_and_the_cpu_does_the_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table, scalars = points(G1, [1, 2, 3]), from_ints([4, 5, 6])
    want = multiply_and_add(G1, table, scalars)
    device = EmulatedDevice()

    def broken(*args: object) -> None:
        raise DeviceFailed("emulated", "an illegal memory access")

    monkeypatch.setattr(device, "run", broken)
    choose(monkeypatch, device)
    assert np.array_equal(multiply_and_add(G1, table, scalars), want)
    assert gpu.chosen() is None
    assert "illegal memory access" in gpu.reason()
    assert "the CPU does the work" in caplog.text


def test_a_device_that_computes_wrongly_is_not_used() -> None:
    device = EmulatedDevice()
    run = device.run

    def wrong(kernel: Any, count: int, *args: Any) -> None:
        run(kernel, count, *args)
        if kernel.name == "add_g1":
            args[3][-1] ^= np.uint64(1)

    device.run = wrong  # type: ignore[method-assign]
    with pytest.raises(DeviceFailed, match="does not compute what the CPU does"):
        Engine(device).check()


def test_a_keys_points_are_uploaded_once_and_leave_with_the_key() -> None:
    uploads: list[tuple[int, ...]] = []

    class Counting(EmulatedDevice):
        def upload(self, array: np.ndarray) -> np.ndarray:
            uploads.append(array.shape)
            return super().upload(array)

    engine = Engine(Counting())
    table, scalars = points(G1, range(1, 20)), from_ints(range(19))
    for _ in range(2):
        engine.add_up([(G1, table, scalars)])
    assert uploads.count(table.shape) == 1
    assert len(engine._resident) == 1
    del table
    assert len(engine._resident) == 0
