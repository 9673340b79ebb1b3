"""KZG commitments to blobs, as EIP-4844 has them: c-kzg, with the ceremony's setup read once.

Reading the setup takes seconds, and eth-account reads it anew at every use, so nothing here lets
eth-account near a blob. The file is the one that eth-account ships; its SHA-256 is pinned.
Ref: EIP-4844, EIP-7594 (proofs of cells), consensus-specs polynomial-commitments.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

import ckzg
from eth_account.typed_transactions.base import TRUSTED_SETUP

from contracts.errors import L1Error
from protocol.blobs import BLOB_BYTES, versioned_hash

SETUP_SHA256 = "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"
PRECOMPUTE = 0
"""No tables: they would cost memory and only speed up proofs of cells."""


@dataclass
class KzgUnavailable(L1Error):
    """KZG cannot be computed here: the setup's file is not what it should be, or no blob came."""

    what: str

    def __str__(self) -> str:
        return f"KZG: {self.what}"


@dataclass(frozen=True, slots=True)
class Opening:
    """That a blob's polynomial is `y` at a point: `proof` is a KZG proof, 48 bytes."""

    proof: bytes
    y: int


_lock = threading.Lock()
_loaded: list[object] = []


def _setup() -> object:
    with _lock:
        if not _loaded:
            path = Path(TRUSTED_SETUP)
            try:
                found = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise KzgUnavailable(f"{path} cannot be read: {error.strerror}") from error
            if found != SETUP_SHA256:
                raise KzgUnavailable(f"{path} is not the ceremony's setup (SHA-256 {found})")
            _loaded.append(ckzg.load_trusted_setup(str(path), PRECOMPUTE))
        return _loaded[0]


def load_setup() -> None:
    """Read the setup now, which takes seconds, instead of when it is first used.

    Raises KzgUnavailable.
    """
    _setup()


def commitment_to(blob: bytes) -> bytes:
    """The KZG commitment, 48 bytes. Raises KzgUnavailable where it is no blob."""
    try:
        return bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))
    except (ValueError, RuntimeError) as error:
        raise KzgUnavailable(f"these {len(blob)} bytes are no blob") from error


def is_blob_of(blob: bytes, wanted_hash: bytes) -> bool:
    """Whether these bytes are the blob that L1 calls by this versioned hash."""
    if len(blob) != BLOB_BYTES:
        return False
    try:
        return versioned_hash(commitment_to(blob)) == wanted_hash
    except KzgUnavailable:
        _setup()  # where this is what fails, say so
        return False


def open_at(blob: bytes, z: int) -> Opening:
    """The value at z with its proof, as the point-evaluation precompile takes it."""
    try:
        proof, y = ckzg.compute_kzg_proof(blob, z.to_bytes(32, "big"), _setup())
    except (ValueError, RuntimeError) as error:
        raise KzgUnavailable("no blob, or no point of its field") from error
    return Opening(bytes(proof), int.from_bytes(y, "big"))


def opens(commitment: bytes, z: int, y: int, proof: bytes) -> bool:
    """What the precompile checks: the committed polynomial is y at z. False for bad encodings.

    `z` and `y` below 2^256; they must be below r.
    """
    point, value = z.to_bytes(32, "big"), y.to_bytes(32, "big")
    try:
        return bool(ckzg.verify_kzg_proof(commitment, point, value, proof, _setup()))
    except (ValueError, RuntimeError):
        return False


def cell_proofs(blob: bytes) -> tuple[bytes, ...]:
    """The 128 proofs that travel with a blob since Osaka. Raises KzgUnavailable."""
    try:
        _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, _setup())
    except (ValueError, RuntimeError) as error:
        raise KzgUnavailable(f"these {len(blob)} bytes are no blob") from error
    return tuple(bytes(proof) for proof in proofs)
