"""Lists a page at a time: a `Link` header names the next page by a cursor that says nothing else.

A page that has a `next` link is full; whoever follows the links sees every row once that was there
when they began, in order. Ref: RFC 8288; docs/api.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from fastapi import Request, Response

from protocol.errors import Malformed

CURSOR = "^[A-Za-z0-9_-]{2,64}$"
"""What a cursor looks like: nothing that anyone but us reads."""

_MOST = 2**63 - 1
T = TypeVar("T")


def encode(list_: str, last: int) -> str:
    """The cursor of what comes after row `last` of this list."""
    return base64.urlsafe_b64encode(f"{list_}:{last}".encode()).rstrip(b"=").decode()


def decode(list_: str, cursor: str) -> int:
    """The row that the page comes after. Raises Malformed where it is no cursor of this list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, _, last = base64.urlsafe_b64decode(padded.encode()).decode().partition(":")
    except (ValueError, binascii.Error) as error:
        raise Malformed("cursor: not one that this sequencer gave") from error
    is_number = last.isascii() and last.isdigit() and len(last) <= len(str(_MOST))
    if name != list_ or not is_number or int(last) > _MOST or encode(list_, int(last)) != cursor:
        raise Malformed("cursor: not one that this sequencer gave for this list")
    return int(last)


def start_of(list_: str, cursor: str | None, otherwise: int) -> int:
    """The row that the page comes after: the cursor's, or the one that was asked for otherwise."""
    return otherwise if cursor is None else decode(list_, cursor)


def link_next(
    request: Request, response: Response, list_: str, last: int | None, *dropped: str
) -> None:
    """Name the page after row `last`, if there may be one; the query stays, but for `dropped`."""
    if last is None:
        return
    url = request.url.remove_query_params(list(dropped))
    url = url.include_query_params(cursor=encode(list_, last))
    response.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'


def full(page: Sequence[T], limit: int) -> T | None:
    """The last row of a page that is full; None where nothing can follow."""
    return page[-1] if len(page) >= limit else None
