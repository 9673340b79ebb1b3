"""Invariant: a ceremony's key enters the prover's cache only for the circuit that it is for.

The verifying key in a .zkey decides what a contract accepts: verify the ceremony first, by
verify_ceremony.py or `snarkjs zkey verify CIRCUIT.r1cs FINAL.ptau FINAL.zkey` (docs/ceremony.md).
What is checked here is what a prover relies on: points, sizes, and A and B of the circuit.
"""

from __future__ import annotations

from pathlib import Path

from prover.cache import Cache
from prover.groth16.store import store
from prover.iden3.zkey import Zkey
from prover.r1cs.system import R1CS


def import_key(zkey: Zkey, r1cs: R1CS, cache: Cache) -> Path:
    """Store the key of a .zkey as a key for the circuit, memory-mapped from then on; its folder.

    `prover.groth16.store.key_for` finds it by its verifying key. Raises CircuitMismatch,
    MalformedFile, UnreadableFile, CacheUnwritable.
    """
    zkey.check_circuit(r1cs)
    return store(zkey.proving_key(r1cs.digest()), cache)
