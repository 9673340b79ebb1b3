"""EIP-4844 on the embedded chain: blobs are checked when they arrive, and openings when asked for.

py-evm knows type 3 transactions, but not the form in which a node is given them, and its own
precompile reads the KZG setup anew each time. Ref: EIP-4844, EIP-7594.
"""

from __future__ import annotations

from contracts.blob_transactions import BLOB_TYPE, parts_of
from contracts.chain.eip2537 import InvalidInput
from contracts.kzg import is_blob_of, opens
from protocol.blobs import BLOB_ELEMENTS, COMMITMENT_BYTES, versioned_hash
from protocol.crypto.field import R

POINT_EVALUATION_GAS = 50_000
INPUT_BYTES = 96 + 2 * COMMITMENT_BYTES
ANSWER = BLOB_ELEMENTS.to_bytes(32, "big") + R.to_bytes(32, "big")


class BadBlobTransaction(ValueError):
    """What came is no type 3 transaction with its blobs, or the blobs are not those it names."""


def point_evaluation(data: bytes) -> bytes:
    """The precompile 0x0a: input versioned hash, z, y, commitment, proof. Raises InvalidInput."""
    if len(data) != INPUT_BYTES:
        raise InvalidInput(f"POINT_EVALUATION takes {INPUT_BYTES} bytes, not {len(data)}")
    named, z, y = data[:32], data[32:64], data[64:96]
    commitment, proof = data[96 : 96 + COMMITMENT_BYTES], data[96 + COMMITMENT_BYTES :]
    if versioned_hash(commitment) != named:
        raise InvalidInput("the versioned hash is not the commitment's")
    if not opens(commitment, int.from_bytes(z, "big"), int.from_bytes(y, "big"), proof):
        raise InvalidInput("the polynomial has not this value there")
    return ANSWER


def unwrapped(raw: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """A transaction as it is signed, and the blobs that came with it. Raises BadBlobTransaction."""
    if raw[:1] != bytes([BLOB_TYPE]):
        return raw, ()
    parts = parts_of(raw)
    if parts is None:
        raise BadBlobTransaction("a type 3 transaction without its blobs")
    return parts


def check_blobs(named: tuple[bytes, ...], blobs: tuple[bytes, ...]) -> None:
    """Whether these are the blobs that a transaction names, in order. Raises BadBlobTransaction."""
    if len(named) != len(blobs):
        raise BadBlobTransaction(f"{len(blobs)} blobs came, {len(named)} are named")
    if not all(is_blob_of(blob, wanted) for blob, wanted in zip(blobs, named, strict=True)):
        raise BadBlobTransaction("a blob is not the one that is named")
