"""How long the prover takes: kernels, setup, proof, verification, and its peak memory.

    python benches/prover_groth16.py [log2 of the number of constraints, default 18]

Kernels come from the cache if they are there; WATTLANE_CACHE=$(mktemp -d) compiles them anew.
"""

from __future__ import annotations

import resource
import secrets
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from benches.prover_circuit import bench_circuit
from prover.curves.fr import to_ints
from prover.groth16 import prove, setup, verify_arkworks, verify_py_ecc
from prover.kernels import warm

T = TypeVar("T")


def timed(name: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:28} {seconds:8.2f} s   peak memory {peak_mib:7.0f} MiB", flush=True)
    return result


class Stages:
    """Prints the seconds of each stage of a piece of work."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        start = self.began.setdefault(stage, time.perf_counter())
        if done == total:
            print(f"  {stage:28} {time.perf_counter() - start:6.2f} s")


def main() -> None:
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 18
    timed("kernels", lambda: warm(lambda *_: None))
    r1cs, witness = timed("(making the circuit)", lambda: bench_circuit(log_size))
    print(f"{r1cs.n_constraints} constraints, {r1cs.n_wires} wires")
    timed("check of the witness", lambda: r1cs.check(witness))
    key = timed("setup", lambda: setup(r1cs, entropy=secrets.token_bytes(32), progress=Stages()))
    for _ in range(2):
        proof = timed(
            "proof",
            lambda: prove(key, r1cs, witness, entropy=secrets.token_bytes(32), progress=Stages()),
        )
    publics = to_ints(witness[1 : r1cs.n_public + 1])
    timed("verification, py_arkworks", lambda: verify_arkworks(key.verifying_key, publics, proof))
    timed("verification, py_ecc", lambda: verify_py_ecc(key.verifying_key, publics, proof))


if __name__ == "__main__":
    main()
