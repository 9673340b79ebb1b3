"""Invariant: an exit key that is read from a file is the one that the contract holds, and proves.

The exit circuit's key lies in the cache as every circuit's (prover.groth16.store), and beside it
as one file that can be given away: a .zkey, with the contributions of its ceremony if it has any.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from protocol.crypto import compiled
from prover.cache import Cache, user_cache
from prover.circuits.exit import exit_circuit
from prover.errors import OtherKey
from prover.exit_proofs import try_exit_key
from prover.groth16.keys import ProvingKey, VerifyingKey
from prover.groth16.store import circuit_key, key_for
from prover.iden3.ceremony import import_key
from prover.iden3.zkey import Zkey, open_zkey
from prover.iden3.zkey_write import write_zkey
from prover.kernels import warm
from prover.progress import Progress, silent

_ENTROPY_BYTES = 32
FILES = "exit-key-files"
"""The cache's name for the files that can be given away, by their verifying keys' digests."""
FILE = "exit.zkey"


def exit_key(*, cache_folder: Path | None = None, progress: Progress = silent) -> ProvingKey:
    """A ceremony's key for the exit circuit if the cache holds one, else its INSECURE DEVELOPMENT
    KEY, which is made where there is none.

    `cache_folder`: the user's cache by default. Stages of the progress: as of BatchProver.setup.
    Raises KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory.
    """
    cache = _cache(cache_folder)
    warm(progress)
    compiled.install()
    progress("recording the exit circuit", 0, 1)
    system = exit_circuit().r1cs
    progress("recording the exit circuit", 1, 1)
    entropy = secrets.token_bytes(_ENTROPY_BYTES)
    return circuit_key(system, cache=cache, entropy=entropy, progress=progress)


def find_exit_key(wanted: VerifyingKey, *, cache_folder: Path | None = None) -> ProvingKey | None:
    """The cache's exit key with these points (a contract's, say), None where it has none."""
    return key_for(wanted, exit_circuit().r1cs.digest().hex(), _cache(cache_folder))


def exit_key_file(key: ProvingKey, *, cache_folder: Path | None = None) -> Path:
    """The key as one file, written into the cache unless it is there. Do not change it.

    A ceremony's file is there since its import. Raises CacheUnwritable, WrongCircuit.
    """

    def write(folder: Path) -> None:
        write_zkey(folder / FILE, key, exit_circuit().r1cs)

    address = key.verifying_key.digest().hex()
    return _cache(cache_folder).make(FILES, address, write) / FILE


def import_exit_key(zkey: Zkey, *, cache_folder: Path | None = None) -> Path:
    """Store a ceremony's key for the exit circuit, and its file; the file as it is stored.

    Raises as prover.iden3.ceremony.import_key.
    """
    cache = _cache(cache_folder)
    import_key(zkey, exit_circuit().r1cs, cache)
    address = zkey.verifying_key.digest().hex()
    cache.drop(FILES, address)
    folder = cache.make(FILES, address, lambda part: _copy(zkey.file.path, part))
    return folder / FILE


def read_exit_key(path: Path, expected: VerifyingKey, *, progress: Progress = silent) -> ProvingKey:
    """The key in a file, for prove_exit, after trial proofs have verified under `expected`.

    expected: the contract's, of which only the points count. Raises OtherKey, CircuitMismatch,
    MalformedFile, WrongField, UnreadableFile; a VerificationError where a point is damaged;
    KernelCacheUnwritable, NotEnoughMemory.
    """
    warm(progress)
    compiled.install()
    zkey = open_zkey(path)
    if zkey.verifying_key.digest() != expected.digest():
        raise OtherKey(path, zkey.verifying_key.digest().hex(), expected.digest().hex())
    system = exit_circuit().r1cs
    zkey.check_circuit(system)
    key = zkey.proving_key(system.digest())
    try_exit_key(key, progress=progress)
    return key


def _cache(folder: Path | None) -> Cache:
    return user_cache() if folder is None else Cache(folder)


def _copy(source: Path, folder: Path) -> None:
    shutil.copyfile(source, folder / FILE)
