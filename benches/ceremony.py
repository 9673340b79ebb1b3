"""The second phase of a ceremony at full size: first key, one contribution, the check of both.

    python -m benches.ceremony [log2 of the domain, default 15]

Powers of tau are made here from a number that this process knows, of one power more than the
domain, not prepared: for whoever uses them they are as good, or bad, as any others to measure on.
"""

from __future__ import annotations

import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from benches.prover_circuit import bench_circuit
from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2
from prover.curves.ntt import powers
from prover.iden3.binfile import Buffer, prime_header, u32, write_file
from prover.iden3.phase2 import contribute
from prover.iden3.ptau import (
    ALPHA_G1,
    BETA_G1,
    BETA_G2,
    CONTRIBUTIONS,
    HEADER,
    TAU_G1,
    TAU_G2,
    open_ptau,
)
from prover.iden3.setup_from_ptau import setup_from_ptau
from prover.iden3.verify_ceremony import verify_ceremony
from prover.iden3.zkey import open_zkey
from prover.kernels import warm

T = TypeVar("T")


def timed(name: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    print(f"{name:28} {time.perf_counter() - start:8.1f} s", flush=True)
    return result


def known_powers(power: int) -> Iterator[tuple[int, Sequence[Buffer]]]:
    """The sections of a .ptau without contributions."""
    tau, alpha, beta = (secrets.randbelow(R - 1) + 1 for _ in range(3))
    in_g1, in_g2 = FixedBase(G1, 4 << power), FixedBase(G2, 1 << power)
    yield HEADER, [prime_header(FQ.modulus) + u32(power) + u32(power)]
    yield TAU_G1, [in_g1.multiply(powers(1, tau, power + 1)[:-1].copy())]
    yield TAU_G2, [in_g2.multiply(powers(1, tau, power))]
    yield ALPHA_G1, [in_g1.multiply(powers(alpha, tau, power))]
    yield BETA_G1, [in_g1.multiply(powers(beta, tau, power))]
    yield BETA_G2, [in_g2.multiply(from_ints([beta]))]
    yield CONTRIBUTIONS, [u32(0)]


def main() -> None:
    log_size = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    warm()
    r1cs, _ = bench_circuit(log_size)
    print(f"{r1cs.n_constraints} constraints, {r1cs.n_wires} wires", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, entropy = Path(name), secrets.token_bytes(32)
        write_file(folder / "powers.ptau", "ptau", 1, known_powers(log_size + 1))
        ptau = open_ptau(folder / "powers.ptau")
        first, second = folder / "0.zkey", folder / "1.zkey"
        timed("first key", lambda: setup_from_ptau(first, r1cs, ptau))
        timed("one contribution", lambda: contribute(open_zkey(first), second, entropy=entropy))
        timed("check", lambda: verify_ceremony(open_zkey(second), r1cs, ptau))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak_mib:.0f} MiB")


if __name__ == "__main__":
    main()
