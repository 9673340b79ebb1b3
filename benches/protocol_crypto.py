"""How fast the primitives are, plain and compiled, measured in one run.

    python -m benches.protocol_crypto

The ratios carry over between machines, the times do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from protocol.crypto import compiled, jubjub, poseidon, schnorr
from protocol.crypto.merkle import MerkleTree
from protocol.crypto.poseidon import Tag

ROUNDS, SECONDS = 5, 0.2


def microseconds(work: Callable[[], object]) -> float:
    """The best of some rounds, a call."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS / ROUNDS or not calls:
            work()
            calls += 1
        best = min(best, (time.perf_counter() - start) / calls)
    return best * 1e6


def measure() -> dict[str, float]:
    """Microseconds a call, with whatever is installed."""
    secret, message = 0x1234_5678_9ABC_DEF0 << 180, 99
    signature = schnorr.sign(secret, message, bytes(32))
    tree = MerkleTree()
    return {
        "H2": microseconds(lambda: poseidon.h2(Tag.KEY, 5, 6)),
        "H4": microseconds(lambda: poseidon.h4(Tag.NODE, 5, 6, 7, 8)),
        "tree update": microseconds(lambda: tree.set(123_456, 7)),
        "base point, 252 bits": microseconds(
            lambda: jubjub.multiply(signature.s, jubjub.GENERATOR)
        ),
        "any point, 252 bits": microseconds(lambda: jubjub.multiply(signature.s, signature.key)),
        "any point, 128 bits": microseconds(
            lambda: jubjub.multiply(signature.s >> 124, signature.key)
        ),
        "Schnorr sign": microseconds(lambda: schnorr.sign(secret, message, bytes(32))),
        "Schnorr verify": microseconds(lambda: schnorr.verify(signature, message)),
    }


def main() -> None:
    """Print one table."""
    plain = measure()
    start = time.perf_counter()
    if not compiled.install():
        raise SystemExit("Numba is not installed: there is nothing to compare with")
    ready = time.perf_counter() - start
    fast = measure()
    print(f"{'':22}{'plain us':>12}{'compiled us':>13}{'ratio':>8}")
    for name, slow_us in plain.items():
        print(f"{name:22}{slow_us:12.1f}{fast[name]:13.1f}{slow_us / fast[name]:8.0f}")
    print(f"ready after {ready:.1f} s (compiled or read from the cache folder)")


if __name__ == "__main__":
    main()
