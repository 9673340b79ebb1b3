"""An account: who owns it, what it holds, and the energy totals that co-signed closes gave it.

Account leaves are never emptied and nonces never reset. Ref: docs/protocol.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.crypto.field import check_fr
from protocol.crypto.poseidon import Tag, h4
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, NONCE_BITS, TOTAL_WH_BITS, check_range


@dataclass(frozen=True, slots=True)
class Account:
    """An account leaf. Raises OutOfRange for a field that does not fit its bits."""

    key_hash: int
    l1_address: int
    nonce: int
    balance_ntok: int
    sold_wh: int
    bought_wh: int

    def __post_init__(self) -> None:
        check_fr("key_hash", self.key_hash)
        check_range("l1_address", self.l1_address, ADDRESS_BITS)
        check_range("nonce", self.nonce, NONCE_BITS)
        check_range("balance_ntok", self.balance_ntok, AMOUNT_BITS)
        check_range("sold_wh", self.sold_wh, TOTAL_WH_BITS)
        check_range("bought_wh", self.bought_wh, TOTAL_WH_BITS)

    def leaf_hash(self) -> int:
        """H4(TAG_ACCOUNT; key_hash, l1_address + nonce 2^160, balance, sold + bought 2^96)."""
        return h4(
            Tag.ACCOUNT,
            self.key_hash,
            self.l1_address + (self.nonce << 160),
            self.balance_ntok,
            self.sold_wh + (self.bought_wh << 96),
        )
