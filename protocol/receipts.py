"""Receipts: what the operator signs about a transaction, to be held against it.

Signed with a Jubjub key of the operator's own, never with an account's: message = the low 248 bits
of SHA-256 over "wattlane-receipt", domain, id, status, batch, position, state root and, where there
is one, the deadline. The operator's L1 key endorses that key (`endorsement_text`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from protocol.codec import Json, signature_from_json, to_int
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature, verify
from protocol.errors import Malformed

STATUSES = ("soft", "sealed", "proved", "final")
"""Statuses that promise something, the weakest first. A receipt of any other ("accepted": on the
disk, not executed yet) says that the operator has the transaction, and promises nothing."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Transaction `id` has this status, at `position` of batch `batch`, leading to `state_root`.

    While soft, batch and position are where it stands in the mempool's order, and the root is the
    soft state's after it; in a batch, the root is the batch's. Before it is final they only inform:
    a batch that was sealed anew has others. `deadline`: it will be in a batch that an L1 block of
    at most this time (seconds) accepts, unless it has become invalid (it expired, its nonce was
    used); 0 where none was promised.
    """

    id: str
    status: str
    batch: int
    position: int
    state_root: int
    deadline: int = 0

    def message(self, domain: int) -> int:
        """The 248-bit integer that the operator signs."""
        text = f"{domain}|{self.id}|{self.status}|{self.batch}|{self.position}|{self.state_root}"
        if self.deadline:
            text += f"|{self.deadline}"
        return int.from_bytes(hashlib.sha256(b"wattlane-receipt" + text.encode()).digest()[1:])


def is_signed(key: Point, domain: int, receipt: Receipt, signature: Signature) -> bool:
    """Whether the operator with this receipt key signed this receipt."""
    return signature.key == key and verify(signature, receipt.message(domain))


def receipt_from_json(given: object) -> tuple[Receipt, Signature]:
    """A receipt and its signature, unverified. Raises Malformed, OutOfRange."""
    if not isinstance(given, dict):
        raise Malformed("a receipt is a JSON object")
    try:
        receipt = Receipt(
            str(given["id"]),
            str(given["status"]),
            to_int("batch", given["batch"]),
            to_int("position", given["position"]),
            to_int("state_root", given["state_root"]),
            to_int("deadline", given.get("deadline", 0)),
        )
        return receipt, signature_from_json(given["signature"])
    except KeyError as error:
        raise Malformed(f"a receipt has a field {error}") from error


def endorsement_text(domain: int, key: Point) -> str:
    """What the operator's L1 key signs (EIP-191): whoever reads L1 then knows the receipt key."""
    return f"Wattlane receipt key {key.x} {key.y} of rollup {domain}"


def receipt_file(
    transaction: Json, receipt: Json, domain: int, key: Point, endorsement: str
) -> Json:
    """What a household keeps: all that is needed to hold the receipt against the operator."""
    return {
        "transaction": transaction,
        "receipt": receipt,
        "domain": str(domain),
        "receipt_key": [str(key.x), str(key.y)],
        "endorsement": endorsement,
    }
