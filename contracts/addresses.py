"""An L1 address is a checksummed string towards L1 and a 160-bit integer in the protocol."""

from __future__ import annotations

from eth_utils.address import is_address, to_checksum_address


def address_of(number: int) -> str:
    """The EIP-55 address of a 160-bit integer."""
    return str(to_checksum_address(number.to_bytes(20, "big")))


def address_number(address: str) -> int:
    """The 160-bit integer of an address. Raises ValueError where it is none."""
    return int.from_bytes(bytes.fromhex(to_checksum_address(address)[2:]), "big")


def as_checksummed(address: str) -> str:
    """An address in any case as L1's own logs spell it; what is none comes back as it is."""
    return str(to_checksum_address(address)) if is_address(address.lower()) else address
