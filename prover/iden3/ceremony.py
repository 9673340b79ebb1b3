"""Invariant: a ceremony's key enters the prover's cache only for the circuit that it is for.

The verifying key in a .zkey decides what a contract accepts: verify the ceremony first, by
verify_ceremony.py or `snarkjs zkey verify CIRCUIT.r1cs FINAL.ptau FINAL.zkey` (docs/ceremony.md).
What is checked here is what can be without the powers of tau: points, sizes, A and B of the
circuit, and that the contributions, one of a party at least, are those of this key.
"""

from __future__ import annotations

from pathlib import Path

from prover.cache import Cache
from prover.groth16.keys import address
from prover.groth16.store import kind_of, store
from prover.iden3.verify_ceremony import CeremonyRejected, check_contributions
from prover.iden3.zkey import Zkey
from prover.r1cs.system import R1CS


def import_key(zkey: Zkey, r1cs: R1CS, cache: Cache) -> Path:
    """Store the key of a .zkey as a key for the circuit, memory-mapped from then on; its folder.

    `prover.groth16.store.key_for` finds it by its verifying key. What was imported before with
    the same verifying key and contributions makes room, as its points may have been damaged.
    Raises CircuitMismatch, CeremonyRejected, MalformedFile, UnreadableFile, CacheUnwritable.
    """
    if zkey.verifying_key.insecure:
        what = "no party has contributed to a key from powers of tau, so others can forge proofs"
        raise CeremonyRejected(zkey.file.path, what)
    check_contributions(zkey)
    zkey.check_circuit(r1cs)
    key = zkey.proving_key(r1cs.digest())
    cache.drop(kind_of(key.circuit), address(key.circuit, key.transcript))
    return store(key, cache)
