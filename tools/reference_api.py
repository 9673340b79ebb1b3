"""docs/api.md: the sequencer's HTTP API, from its OpenAPI document and its error classes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from protocol.batch import Shape
from sequencer.admission import Policy
from sequencer.api.app import create_app
from sequencer.api.services import Info, Services
from sequencer.book import Rollup
from sequencer.ledger import Ledger
from sequencer.problems import URN, codes
from sequencer.receipts import ReceiptKey
from sequencer.sealing import SealingPolicy
from sequencer.settings import Settings
from sequencer.storage.database import Database, sqlite_url
from sequencer.views import Views

Json = Mapping[str, Any]

_HEAD = f"""# The sequencer's HTTP API

Integers that count money, energy, time or rows are decimal strings. The same in machine-readable
form: `GET /v1/openapi.json`; a test holds the API to it with requests that nobody would send
(tests/sequencer/api/test_schemathesis.py; more of them: `python -m tests.sequencer.api.unlikely`).

**Repeating is safe.** A transaction's id is the SHA-256 of its canonical JSON, signatures included:
sending the same one again changes nothing and answers where it stands. That id is the idempotency
key; no `Idempotency-Key` header is read ([ADR 20](adr/0020-http-api.md)).

**Errors** are problems (RFC 9457, `application/problem+json`). `code` names what happened and
`type` is `{URN}` followed by it; neither ever changes its meaning. Further fields
are the error's own. All codes are [below](#codes).

**Lists** come in pages. A page that is full has a `Link` header, `<...>; rel="next"`; its `cursor`
says nothing to anyone but the sequencer. `limit` makes pages smaller.

**Limits.** A client address has {{requests}} requests a second and {{burst}} at once, an account
{{transactions}} transactions a second and {{account_burst}} at once, in each API process;
whoever has used that up gets a 429 with `Retry-After`. Health is never counted. The settings
`address_requests_per_s`, `address_burst`, `account_transactions_per_s` and `account_burst` change
it (0 a second: no limit); behind a proxy set `trusted_proxies`, or all clients count as one.

**HEAD** is answered wherever GET is, **OPTIONS** everywhere, with `Allow`.

## The feed

`GET /v1/feed` is a WebSocket. Every frame is a JSON object
{{{{"events": [...], "after": "N"}}}}; an event has `id`, `kind` (soft, sealed, proved, accepted,
final; rejected, voided, reorged), `subject` (a transaction's id, or "batch 3"), `at`, and the
`accounts` and `channel_id` that its transaction is about.

- `after=N`: from after event N on; without it, from now on. Whoever comes back with the last
  `after` that they were given misses nothing and hears nothing twice.
- `account=I`, `channel_id=C`: only what is about them.
- A frame without events is a heartbeat, at least every 15 seconds.
- Close codes: 4408 too slow (go on after the last frame), 1013 try later, 1003 the feed takes no
  messages, 1012 the sequencer restarts.

## Receipts

`receipt` in a transaction's answer is signed with the receipt key of `/v1/info`, which the
operator's L1 key endorses (`receipt_endorsement`, EIP-191). What it promises by its status:

- `accepted`: nothing (`deadline` 0). It is on the disk; once executed it may turn out not to apply.
- `soft`, `sealed`, `proved`: a batch with it that L1 accepts by `deadline`, unless it becomes
  invalid (it expires before, or its nonce is used). Batch, position and root only inform: sealing
  a batch anew moves them.
- `final`: besides, that very place in that batch.

So sign for longer than `included_within_s`, or the promise may expire with the transaction. A node
keeps the best receipt of each of its transactions in its folder `receipts/`;
`wattlane receipt verify FILE` holds one against L1.
"""


def api_page() -> str:
    """The page's text."""
    document = _document()
    parts = [_HEAD.format(**_limits())]
    parts.append("## Routes\n")
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            parts += route_lines(method.upper(), path, operation)
    parts.append("## Answers\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += schema_lines(name, schema)
    parts += _codes()
    return "\n".join(parts).rstrip() + "\n"


def _limits() -> dict[str, str]:
    fields = Settings.model_fields
    return {
        "requests": f"{fields['address_requests_per_s'].default:g}",
        "burst": f"{fields['address_burst'].default:,}",
        "transactions": f"{fields['account_transactions_per_s'].default:g}",
        "account_burst": f"{fields['account_burst'].default:,}",
    }


def _document() -> Json:
    """The OpenAPI document of an application over an empty ledger."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(sqlite_url(Path(folder) / "reference.db"))
        try:
            ledger = Ledger(
                database,
                Rollup(1, Shape(1, 1), 0),
                Policy(),
                SealingPolicy(),
                ReceiptKey.derive(b"nobody"),
                lambda: 0.0,
            )
            app = create_app(Services(ledger, Views(ledger), Info(1, "0x" + "0" * 40, True)))
            return app.openapi()
        finally:
            database.close()


def route_lines(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### {method} {path}\n"
    yield f"{operation.get('description', '')}\n"
    parameters = operation.get("parameters", ())
    if parameters:
        yield "| parameter | in | type | |"
        yield "| --- | --- | --- | --- |"
        for one in parameters:
            what = one.get("description", "")
            yield f"| `{one['name']}` | {one['in']} | {_type(one['schema'])} | {what} |"
        yield ""
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        shown = [f"{_type(given['schema'])} ({media})" for media, given in content.items()]
        is_problem = "application/problem+json" in content
        yield f"- **{status}** {answer['description'] if is_problem else ', '.join(shown)}"
    yield ""


def schema_lines(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{schema.get('description', '')}\n"
    for field, given in schema.get("properties", {}).items():
        what = given.get("description", "")
        yield f"- `{field}`: {_type(given)}" + (f". {what}" if what else "")
    yield ""


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    text = str(schema.get("type", "any"))
    if "pattern" in schema:
        return f"{text} `{schema['pattern']}`".replace("|", "\\|")
    if "maximum" in schema or "exclusiveMaximum" in schema:
        return f"{text}, {schema.get('minimum', 0)} to {_most(schema)}"
    return text


def _most(schema: Json) -> int:
    return int(schema["maximum"] if "maximum" in schema else schema["exclusiveMaximum"] - 1)


def _codes() -> Iterator[str]:
    yield "## Codes\n"
    yield "| status | code | meaning | fields |"
    yield "| --- | --- | --- | --- |"
    for code in codes():
        fields = ", ".join(f"`{name}`" for name in code.fields)
        yield f"| {code.status} | `{code.name}` | {code.title} | {fields} |"
