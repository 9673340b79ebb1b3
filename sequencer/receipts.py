"""Receipts: the operator's signature under where a transaction stands, to be held against it.

Signed with a Jubjub key of their own (derived from the operator's L1 key by hash), never with an
account's key: message = the low 248 bits of SHA-256 over
"wattlane-receipt", domain, id, status, batch, position and state root.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from protocol.codec import Json, signature_to_json
from protocol.crypto.jubjub import SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature, public_key, sign, verify


@dataclass(frozen=True, slots=True)
class Receipt:
    """Transaction `id` has this status, at `position` of batch `batch`, leading to `state_root`.

    While soft, batch and position are where it stands in the mempool's order, and the root is the
    soft state's after it; once batched, the root is the batch's.
    """

    id: str
    status: str
    batch: int
    position: int
    state_root: int

    def message(self, domain: int) -> int:
        """The 248-bit integer that the operator signs."""
        text = f"{domain}|{self.id}|{self.status}|{self.batch}|{self.position}|{self.state_root}"
        return int.from_bytes(hashlib.sha256(b"wattlane-receipt" + text.encode()).digest()[1:])


class ReceiptKey:
    """The operator's receipt key."""

    def __init__(self, secret: int) -> None:
        self._secret = secret
        self.public: Point = public_key(secret)

    @classmethod
    def derive(cls, l1_private_key: bytes) -> ReceiptKey:
        """The key that belongs to an L1 key; one-way, so losing it does not lose the other."""
        digest = hashlib.sha512(b"wattlane-receipt-key" + l1_private_key).digest()
        return cls(int.from_bytes(digest) % (SUBGROUP_ORDER - 1) + 1)

    @property
    def secret(self) -> int:
        """For another process of the operator's that signs receipts."""
        return self._secret

    def sign(self, domain: int, receipt: Receipt) -> Json:
        """{"id", "status", "batch", "position", "state_root", "signature"}."""
        signature = sign(self._secret, receipt.message(domain), secrets.token_bytes(32))
        return {
            "id": receipt.id,
            "status": receipt.status,
            "batch": str(receipt.batch),
            "position": str(receipt.position),
            "state_root": str(receipt.state_root),
            "signature": signature_to_json(signature),
        }


def is_signed(key: Point, domain: int, receipt: Receipt, signature: Signature) -> bool:
    """Whether the operator with this receipt key signed this receipt."""
    return signature.key == key and verify(signature, receipt.message(domain))
