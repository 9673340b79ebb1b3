"""Which copy of a wallet's node speaks: an epoch that rises at each opening, and 16 random bytes.

A copy signs that it exists. Whoever has seen a higher epoch of the same account shows that
statement, which nobody but the account's own key can have made: so a copy that was started later
makes the earlier one stop, and no neighbour can make a lone one stop. Pure.
Ref: docs/node.md, "Two copies of one node".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from protocol.crypto.schnorr import Signature, key_hash, verify

EPOCH_BITS = 62
INSTANCE_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class CopyId:
    """One opening of a store. `epoch`: below 2^62; `instance`: 32 hex digits."""

    epoch: int
    instance: str


@dataclass(frozen=True, slots=True)
class SignedCopy:
    """The account's own statement that this copy exists."""

    copy: CopyId
    signature: Signature


def copy_message(domain: int, account_index: int, copy: CopyId) -> int:
    """What a copy signs: SHA-256 over who it is, 248 bits, no Poseidon output."""
    text = f"wattlane-copy|{domain}|{account_index}|{copy.epoch}|{copy.instance}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:31], "big")


def is_well_formed(copy: CopyId) -> bool:
    """Whether epoch and instance are in range."""
    digits = frozenset("0123456789abcdef")
    is_hex = len(copy.instance) == INSTANCE_CHARACTERS and digits.issuperset(copy.instance)
    return 0 <= copy.epoch < 1 << EPOCH_BITS and is_hex


def is_stated_by(given: SignedCopy, domain: int, account_index: int, owner: int) -> bool:
    """Whether the account whose key hashes to `owner` has signed that this copy exists."""
    if not is_well_formed(given.copy) or key_hash(given.signature.key) != owner:
        return False
    return verify(given.signature, copy_message(domain, account_index, given.copy))


def supersedes(one: CopyId, other: CopyId) -> bool:
    """Whether `one` was opened after `other`; of two with one epoch the higher instance counts."""
    return (one.epoch, one.instance) > (other.epoch, other.instance)
