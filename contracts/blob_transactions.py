"""Type 3 transactions: the fields of EIP-4844 signed, and the form in which they go to a node.

What is signed names a blob by its versioned hash; a node is given blob, commitment and the proofs
of its cells beside it (the form of Osaka). eth-account signs the fields; it never sees the blob,
for which it would read the KZG setup anew each time. Ref: EIP-4844, EIP-7594.
"""

from __future__ import annotations

from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]

from contracts.kzg import cell_proofs, commitment_to
from protocol.blobs import versioned_hash

BLOB_TYPE = 3
WRAPPER_VERSION = 1
GAS_PER_BLOB = 1 << 17


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A blob with what travels beside it. `commitment`: 48 bytes."""

    blob: bytes
    commitment: bytes

    @classmethod
    def of(cls, blob: bytes) -> Sidecar:
        """Raises KzgUnavailable where it is no blob."""
        return cls(blob, commitment_to(blob))

    @property
    def versioned_hash(self) -> bytes:
        """What the transaction names it by."""
        return versioned_hash(self.commitment)


def network_form(signed: bytes, sidecar: Sidecar) -> bytes:
    """What a node takes: the signed transaction with its one blob. Raises KzgUnavailable.

    `signed`: 0x03 and the RLP list of the signed fields.
    """
    parts = [
        rlp.decode(signed[1:]),
        WRAPPER_VERSION,
        [sidecar.blob],
        [sidecar.commitment],
        list(cell_proofs(sidecar.blob)),
    ]
    return signed[:1] + bytes(rlp.encode(parts))


def parts_of(raw: bytes) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The signed transaction without its blobs, and these; None where `raw` is not in that form."""
    if raw[:1] != bytes([BLOB_TYPE]):
        return None
    try:
        body, version, blobs, _, _ = rlp.decode(raw[1:])
    except (rlp.exceptions.RLPException, ValueError, TypeError):
        return None
    if version != bytes([WRAPPER_VERSION]):
        return None
    return raw[:1] + bytes(rlp.encode(body)), tuple(bytes(blob) for blob in blobs)
