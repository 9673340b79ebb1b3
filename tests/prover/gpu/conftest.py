"""The devices on which everything must give the CPU's result.

- emulated: the kernels compiled for the CPU, thread by thread; runs everywhere
- ptx: what NVIDIA's compiler makes of them, executed by the CPU; needs the extra [gpu]
- cuda: a GPU
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from prover.gpu import selection
from prover.gpu.device import Device
from tests.prover.gpu.emulated import EmulatedDevice

NO_COMPILER = "did not run: no numba-cuda (the extra [gpu] is not installed)"


@pytest.fixture(scope="session", params=["emulated", "ptx", "cuda"])
def device(request: pytest.FixtureRequest) -> Device:
    if request.param == "emulated":
        return EmulatedDevice()
    if request.param == "ptx":
        if find_spec("numba_cuda") is None:
            pytest.skip(NO_COMPILER)
        from tests.prover.gpu.ptx_device import PtxDevice

        return PtxDevice(threads=128)
    why_not = selection.why_not()
    if why_not:
        pytest.skip(f"did not run: {why_not}")
    from prover.gpu.cuda_device import CudaDevice

    return CudaDevice()


@pytest.fixture
def unselected(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process that has not looked for a GPU."""
    monkeypatch.setattr(selection, "_selections", [])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop(selection.SWITCH, None)
