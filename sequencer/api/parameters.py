"""What paths and queries carry, read strictly; the OpenAPI document says exactly what is taken.

Numbers are plain digits: no sign, space, point or underscore. What does not fit is Malformed.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BeforeValidator, Field

from protocol.codec import to_int
from protocol.errors import Malformed
from protocol.units import INDEX_BITS, check_range
from sequencer.api.cursors import CURSOR

NUMBER = "^(0x[0-9a-fA-F]{1,64}|[0-9]{1,77})$"
"""A number below 2^256: hexadecimal after 0x, or decimal digits."""

ID = "^[0-9a-f]{64}$"
HASH = "^0x[0-9a-fA-F]{64}$"
_ROOT = f"^(soft|final|{NUMBER[2:-2]})$"
_ROWS = 2**63 - 1
_DIGITS = re.compile("[0-9]{1,19}")


def _digits(given: object) -> object:
    if isinstance(given, str) and not _DIGITS.fullmatch(given):
        raise ValueError("decimal digits only")
    return given


_Decimal = BeforeValidator(_digits)
_Place = Annotated[int, Field(ge=0, lt=1 << INDEX_BITS), _Decimal]
_Row = Annotated[int, Field(ge=0, le=_ROWS), _Decimal]
Index = Annotated[_Place, Path(description="Its place, from 0")]
Row = Annotated[_Row, Path(description="Its number, from 1")]
After = Annotated[_Row, Query(description="Only what comes after this one")]
FromSlot = Annotated[_Place, Query(description="The first slot")]
Root = Annotated[
    str,
    Query(pattern=_ROOT, description="`soft`, `final`, or a recent state root (0x... or decimal)"),
]
Number = Annotated[
    str | None, Query(pattern=NUMBER, description="Decimal, or hexadecimal after 0x")
]
Hash = Annotated[str | None, Query(pattern=HASH, description="32 bytes in hexadecimal after 0x")]
ChannelStatus = Annotated[Literal["open", "closing"] | None, Query(description="Only these")]
TransactionId = Annotated[
    str,
    Path(
        description="SHA-256 of the transaction's canonical JSON, in hexadecimal",
        json_schema_extra={"pattern": ID},
    ),
]
Cursor = Annotated[
    str | None,
    Query(pattern=CURSOR, description="From the `next` link of the page before"),
]


def row_number(field: str, given: str) -> int:
    """A number that a database row can have, as a page's path or query has it.

    Raises Malformed, OutOfRange.
    """
    return check_range(field, to_int(field, given), _ROWS.bit_length())


def channel_number(field: str, given: str) -> int:
    """A channel's id, decimal or hexadecimal after 0x. Raises Malformed."""
    if not re.fullmatch(NUMBER[1:-1], given):
        raise Malformed(f"{field} = {given[:80]!r} is not a number")
    return int(given, 16) if given.startswith("0x") else int(given)


def optional_number(given: str | None) -> int | None:
    """The number of a query that may be missing; it matches NUMBER."""
    if given is None:
        return None
    return int(given[2:], 16) if given.startswith("0x") else int(given)
