"""What paths and queries carry, read strictly: every mistake is Malformed or OutOfRange."""

from __future__ import annotations

import re

from protocol.codec import to_int
from protocol.errors import Malformed
from protocol.units import check_range

_ROW_BITS = 63


def optional_number(field: str, given: str | None) -> int | None:
    """An optional integer: decimal, or hexadecimal with 0x. Raises Malformed."""
    if given is None:
        return None
    if given.startswith("0x"):
        try:
            return int(given[2:66], 16)
        except ValueError as error:
            raise Malformed(f"{field} = {given[:80]!r} is not a number") from error
    return to_int(field, given)


def row_number(field: str, given: str) -> int:
    """A number that a database row can have. Raises Malformed, OutOfRange."""
    return check_range(field, to_int(field, given), _ROW_BITS)


def hash_bytes(field: str, given: str) -> bytes:
    """32 bytes in hexadecimal. Raises Malformed."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", given):
        raise Malformed(f"{field} = {given[:80]!r} is not 0x and 64 hexadecimal digits")
    return bytes.fromhex(given[2:])
