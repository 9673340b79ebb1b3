"""Lists a page at a time: a `Link` header names the next page by a cursor that says nothing else.

A page that has a `next` link is full; whoever follows the links sees every row once that was there
when they began, in order. Ref: RFC 8288; docs/api.md.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from fastapi import Request, Response

from protocol.codec import Json
from protocol.errors import Malformed

CURSOR = "^[A-Za-z0-9_-]{2,64}$"
"""What a cursor looks like: nothing that anyone but us reads."""

_MOST = 2**63 - 1


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


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is paged. `key`: the field that its rows are in order of.

    `dropped`: parameters that say where the first page begins, which its cursor says afterwards.
    """

    list_: str
    key: str
    dropped: tuple[str, ...] = ()

    def start(self, cursor: str | None, otherwise: int) -> int:
        """The row that the page comes after: the cursor's, or what was asked for otherwise."""
        return otherwise if cursor is None else decode(self.list_, cursor)

    def linked(
        self, request: Request, response: Response, rows: list[Json], limit: int
    ) -> list[Json]:
        """The rows; where they fill the page, the header names the next one, the query kept."""
        if len(rows) >= limit:
            url = request.url.remove_query_params(list(self.dropped))
            url = url.include_query_params(cursor=encode(self.list_, int(rows[-1][self.key])))
            response.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'
        return rows
