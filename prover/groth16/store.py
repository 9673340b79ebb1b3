"""Invariant: one circuit has one development key in a cache, however many processes ask for it.

Keys lie under keys/<circuit>/<address>, the address being the hash of circuit, parameters and
transcript. The oldest whole one is used.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prover.cache import Cache, CacheUnwritable, CorruptEntry
from prover.groth16.errors import MalformedKeyFile
from prover.groth16.keys import ProvingKey, VerifyingKey, address, load, save
from prover.groth16.setup import setup
from prover.progress import Progress, silent
from prover.r1cs.system import R1CS

_log = logging.getLogger(__name__)


def circuit_key(
    r1cs: R1CS, *, cache: Cache, entropy: bytes, progress: Progress = silent
) -> ProvingKey:
    """What proofs of the circuit are made with: a ceremony's key if the cache holds one, else the
    development key. Raises as development_key does.
    """
    keys = list(stored_keys(r1cs.digest().hex(), cache))
    if not keys:
        return development_key(r1cs, cache=cache, entropy=entropy, progress=progress)
    best = min(keys, key=lambda key: key.verifying_key.insecure)  # the oldest of its kind
    _log.log(
        logging.WARNING if best.verifying_key.insecure else logging.INFO, "using %s", best.label
    )
    return best


def development_key(
    r1cs: R1CS, *, cache: Cache, entropy: bytes, progress: Progress = silent
) -> ProvingKey:
    """The circuit's INSECURE DEVELOPMENT KEY, made out of `entropy` if the cache has none.

    Raises CacheUnwritable and what setup raises. Waits while another process makes it.
    """
    circuit = r1cs.digest().hex()
    with _only_one(cache.root / "keys" / f"{circuit}.lock"):
        for key in stored_keys(circuit, cache):
            if key.verifying_key.insecure:
                _log.warning("using %s", key.label)
                return key
        made = setup(r1cs, entropy=entropy, progress=progress)
        return load(store(made, cache))


def store(key: ProvingKey, cache: Cache) -> Path:
    """Write the key into the cache and return its folder. Raises CacheUnwritable."""
    where = address(key.circuit, key.transcript)
    return cache.make(kind_of(key.circuit), where, lambda folder: save(key, folder))


def stored_keys(circuit: str, cache: Cache) -> Iterator[ProvingKey]:
    """The usable keys of a circuit (hex digest) in the cache, oldest first."""
    for where in cache.addresses(kind_of(circuit)):
        try:
            folder = cache.find(kind_of(circuit), where)
            if folder is not None:
                yield load(folder)
        except (CorruptEntry, MalformedKeyFile) as error:
            _log.warning("left out: %s", error)


def key_for(verifying_key: VerifyingKey, circuit: str, cache: Cache) -> ProvingKey | None:
    """The stored key of a circuit (hex digest) that belongs to a verifying key, or None."""
    return key_of_digest(verifying_key.digest(), circuit, cache)


def key_of_digest(digest: bytes, circuit: str, cache: Cache) -> ProvingKey | None:
    """The stored key of a circuit (hex digest) whose verifying key has this digest, or None."""
    for key in stored_keys(circuit, cache):
        if key.verifying_key.digest() == digest:
            return key
    return None


def folder_of(key: ProvingKey, cache: Cache) -> Path:
    """Where a key lies in a cache that holds it."""
    return cache.root / kind_of(key.circuit) / address(key.circuit, key.transcript)


def kind_of(circuit: str) -> str:
    """The cache's name for the keys of a circuit (hex digest)."""
    return f"keys/{circuit}"


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold the lock file: one process at a time; released by the system if this one dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise CacheUnwritable(path.parent, str(error)) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
