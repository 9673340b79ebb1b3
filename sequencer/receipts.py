"""The operator's receipt key, derived from its L1 key by hash; it signs protocol/receipts.py's."""

from __future__ import annotations

import hashlib
import secrets

from protocol.codec import Json, signature_to_json
from protocol.crypto.jubjub import SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import public_key, sign
from protocol.receipts import Receipt, is_signed

__all__ = ["Receipt", "ReceiptKey", "is_signed"]


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
        """{"id", "status", "batch", "position", "state_root", "deadline", "signature"}."""
        signature = sign(self._secret, receipt.message(domain), secrets.token_bytes(32))
        return {
            "id": receipt.id,
            "status": receipt.status,
            "batch": str(receipt.batch),
            "position": str(receipt.position),
            "state_root": str(receipt.state_root),
            "deadline": str(receipt.deadline),
            "signature": signature_to_json(signature),
        }
