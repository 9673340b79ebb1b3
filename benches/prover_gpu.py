"""The prover on a GPU: how fast, and whether it is equal to the CPU bit for bit.

    pip install -e '.[gpu]' && python -m benches.prover_gpu [--log-size 20]

Measures field multiplications, the transform, the sum in G1 and a whole proof of 2^20 constraints,
compares each result with the CPU's and writes device, figures and this command into
benches/gpu.json. Where there is no GPU it says so and changes nothing. On 16 cores it takes a few
minutes, most of them for the CPU to make the key.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.figures import Figure, device, emit, not_measured
from benches.prover_circuit import bench_circuit
from protocol.crypto.kernel_cache import Compiler, Kernel
from protocol.crypto.kernels import FQ_ONE, FR_ONE, load, mul, store
from prover import gpu
from prover.curves.fixed_base import FixedBase
from prover.curves.groups import G1
from prover.curves.msm import multiply_and_add
from prover.curves.ntt import domain
from prover.gpu import kernels, offload
from prover.gpu.engine import Engine
from prover.gpu.kernels import items
from prover.gpu.transform import DeviceDomain
from prover.groth16 import prove, setup
from prover.kernels import warm

RESULT = Path("benches/gpu.json")
PROOF_TARGET_S = 1.0
"""For a proof of 2^20 constraints on one H100."""
Words = NDArray[np.uint64]
_LOG_SIZE = 20
_RUNS = 3
_MULTIPLICATIONS = 2000
_THREADS_BUSY = 8
"""Times the device's threads, so that none of it idles."""
_COMPILER = Compiler(__file__, kernels.__file__)
_SIGNATURE = "void(int64, int64, uint64[:,::1], int64, int64)"


def _multiply_fr(first: int, step: int, values: Words, times: int, count: int) -> None:
    for i in items(first, step, count):
        value = load(values, i, FR_ONE)
        power = value
        for _ in range(times):
            power = mul(power, value)
        store(values, i, power)


def _multiply_fq(first: int, step: int, values: Words, times: int, count: int) -> None:
    for i in items(first, step, count):
        value = load(values, i, FQ_ONE)
        power = value
        for _ in range(times):
            power = mul(power, value)
        store(values, i, power)


class Bench:
    """The measurements on one engine; `equal` names what did not equal the CPU's result."""

    def __init__(self, engine: Engine, log_size: int, command: str) -> None:
        self.engine, self.device, self.log_size, self.command = (
            engine,
            engine.device,
            log_size,
            command,
        )
        self.figures: list[Figure] = []
        self.unequal: list[str] = []
        self._rng = np.random.default_rng(1)
        self._flag = self.device.upload(np.zeros(1, dtype=np.int32))

    def run(self) -> None:
        self.multiplications("Fr", Kernel(_multiply_fr, _SIGNATURE, _COMPILER), 4)
        self.multiplications("Fq", Kernel(_multiply_fq, _SIGNATURE, _COMPILER), 6)
        self.transform()
        self.sum()
        self.proof()

    def note(self, name: str, ours: float, unit: str, target: str = "", met: bool = True) -> None:
        where = f"{self.device.name}; {device()}"
        in_words, reached = (target, met) if target else ("", None)
        figure = Figure(name, ours, None, unit, None, in_words, reached, where, self.command)
        self.figures.append(figure)
        print(f"{name}: {ours:.4g} {unit}{'; target ' + target if target else ''}", flush=True)

    def check(self, name: str, equal: bool) -> None:
        print(f"  {'equal to' if equal else 'NOT EQUAL TO'} the CPU's result", flush=True)
        if not equal:
            self.unequal.append(name)

    def seconds(self, work: Callable[[], object]) -> float:
        """The shortest of several runs, each until the device is done."""
        best = float("inf")
        for _ in range(_RUNS):
            start = perf_counter()
            work()
            self.device.download(self._flag)  # waits for all that was started
            best = min(best, perf_counter() - start)
        return best

    def elements(self, count: int, limbs: int = 4) -> Words:
        """Random elements, below 2^(64 limbs - 4) and so below the modulus."""
        words = self._rng.integers(0, 1 << 64, (count, limbs), dtype=np.uint64)
        words[:, -1] >>= np.uint64(4)
        return words

    def multiplications(self, name: str, kernel: Kernel[..., None], limbs: int) -> None:
        count = self.device.threads * _THREADS_BUSY
        values = self.elements(count, limbs)
        buffer = self.device.upload(values)
        self.device.run(kernel, count, buffer, 3)
        sample = values[:256].copy()
        kernel(0, 1, sample, 3, sample.shape[0])
        got = self.device.download(buffer)[:256]
        took = self.seconds(lambda: self.device.run(kernel, count, buffer, _MULTIPLICATIONS))
        rate = count * _MULTIPLICATIONS / took
        self.note(f"GPU: multiplications in {name}", rate, "a second")
        self.check(name, np.array_equal(got, sample))

    def transform(self) -> None:
        ours, values = domain(self.log_size), self.elements(1 << self.log_size)
        tables = [self.engine.resident(table) for table in (ours.roots, ours.inverse_roots)]
        on_device = DeviceDomain(self.device, self.log_size, *tables)
        buffer = self.device.upload(values)
        on_device.interpolate(buffer)
        got = self.device.download(buffer)
        took = self.seconds(lambda: on_device.interpolate(buffer))
        self.note(f"GPU: transform of 2^{self.log_size}", took, "s")
        ours.interpolate(values)
        self.check("transform", np.array_equal(got, values))

    def sum(self) -> None:
        n = 1 << self.log_size
        points = FixedBase(G1, n).multiply(self.elements(n))
        scalars = self.elements(n)

        def on_device() -> Words:
            [parts] = self.engine.add_up([(G1, points, scalars)])
            total: Words = G1.sum_of_doublings(parts)
            return total

        got = on_device()  # compiles, and leaves the points on the device
        took = self.seconds(on_device)
        self.note(f"GPU: sum of 2^{self.log_size} multiples in G1", took, "s")
        self.check(
            "sum", np.array_equal(got, on_cpu(lambda: multiply_and_add(G1, points, scalars)))
        )

    def proof(self) -> None:
        r1cs, witness = bench_circuit(self.log_size)
        key = on_cpu(lambda: setup(r1cs, entropy=secrets.token_bytes(32)))
        entropy = secrets.token_bytes(32)
        got = prove(key, r1cs, witness, entropy=entropy)
        if gpu.chosen() is not self.engine:
            sys.exit(f"the GPU was given up: {gpu.reason()}")
        stages: dict[str, float] = {}
        last = perf_counter()

        def progress(stage: str, done: int, total: int, /) -> None:
            nonlocal last
            now = perf_counter()
            stages[stage] = stages.get(stage, 0.0) + now - last
            last = now

        took = self.seconds(lambda: prove(key, r1cs, witness, entropy=entropy))
        last = perf_counter()
        prove(key, r1cs, witness, entropy=entropy, progress=progress)
        target = f"at most {PROOF_TARGET_S:g} s on one H100" if self.log_size == _LOG_SIZE else ""
        self.note(
            f"GPU: proof of 2^{self.log_size} constraints",
            took,
            "s",
            target,
            took <= PROOF_TARGET_S,
        )
        print("  " + ", ".join(f"{stage} {spent:.3f}" for stage, spent in stages.items()))
        cpu = on_cpu(lambda: prove(key, r1cs, witness, entropy=entropy))
        self.check("proof", got == cpu)


def on_cpu(work: Callable[[], Any]) -> Any:
    """The result of `work` without the GPU."""
    before = offload.LEAST_POINTS, offload.LEAST_ELEMENTS
    offload.LEAST_POINTS = offload.LEAST_ELEMENTS = sys.maxsize
    try:
        return work()
    finally:
        offload.LEAST_POINTS, offload.LEAST_ELEMENTS = before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--log-size", type=int, default=_LOG_SIZE)
    log_size = parser.parse_args().log_size
    command = "python -m benches.prover_gpu"
    command += "" if log_size == _LOG_SIZE else f" --log-size {log_size}"
    engine = gpu.chosen()
    if engine is None:
        print(f"did not run: {gpu.reason()}")
        name, target = f"GPU: proof of 2^{_LOG_SIZE} constraints", f"at most {PROOF_TARGET_S:g} s"
        emit([not_measured(name, "s", f"{target} on one H100", gpu.reason(), command)])
        return
    print(f"on {engine.device.name}")
    warm()
    bench = Bench(engine, log_size, command)
    bench.run()
    emit(bench.figures)
    if bench.unequal:
        sys.exit(f"not equal to the CPU: {', '.join(bench.unequal)}")
    result = {
        "device": engine.device.name,
        "command": command,
        "equal_to_the_cpu": True,
        "figures": [asdict(figure) for figure in bench.figures],
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
