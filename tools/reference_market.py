"""docs/market_api.md: a market's HTTP interface, from its OpenAPI document and its errors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from energy import errors
from energy.errors import EnergyError, MarketError
from energy.market.api import create_app
from energy.market.problems import OF_READERS, REFUSED, URN, status_of_kind, title_of
from energy.market.service import MarketService, WallClock
from tools.reference_api import route_lines, schema_lines

_HEAD = f"""# A market's HTTP interface

Served by `wattlane market run`; what it shows is explained in [market.md](market.md). Integers are
decimal strings, bytes hexadecimal after `0x`, times Unix milliseconds in UTC, prices utok per kWh.
The same in machine-readable form: `GET /v1/openapi.json`. Anyone may read: a market has no secrets.

**Documents** are canonical CBOR, handed in as they are (`Content-Type: application/cbor`). What an
account signs (orders, cancels, statements of funds, proposals, votes) comes in a `signed` envelope,
a meter's readings are signed by themselves. `POST /v1/documents` answers once the document is on
the market's disk; the same bytes again change nothing and are answered as before, with `is_new`
false. Clearings and settlements are taken from nobody.

**The journal** is all that a market is: `GET /v1/journal?after=N` gives its entries in order, and
whoever folds them gets everything else that is served here (`wattlane market recompute`).

**Errors** are problems (RFC 9457, `application/problem+json`). `code` names what happened and
`type` is `{URN}` followed by it. Further fields are the error's own. What an order, a reading or a
community's change itself lacks is named by its own part of [market.md](market.md), with status 422.
"""


def market_page() -> str:
    """The page's text."""
    with tempfile.TemporaryDirectory() as folder:
        service = MarketService.open(folder, WallClock(lambda: 0))
        document = create_app(service).openapi()
        service.close()
    parts = [_HEAD, "## Routes\n"]
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            parts += route_lines(method.upper(), path, operation)
    parts.append("## Answers\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        if not name.endswith("ValidationError"):
            parts += schema_lines(name, schema)
    parts += _codes()
    return "\n".join(parts).rstrip() + "\n"


def _codes() -> Iterator[str]:
    yield "## Codes\n"
    yield "| status | code | meaning |"
    yield "| --- | --- | --- |"
    found = {one for one in vars(errors).values() if _is_listed(one)}
    for kind in sorted(found, key=lambda one: (status_of_kind(one), one.__name__)):
        yield f"| {status_of_kind(kind)} | `{kind.__name__}` | {title_of(kind)} |"


def _is_listed(given: object) -> bool:
    """The market's own errors, and others that have a status of their own."""
    if not isinstance(given, type) or not issubclass(given, EnergyError) or given is MarketError:
        return False
    if given in OF_READERS:
        return False
    return issubclass(given, MarketError) or status_of_kind(given) != REFUSED
