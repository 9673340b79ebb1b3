"""Requests that nobody would send, made from the OpenAPI document, and what they find.

Usage: python -m tests.sequencer.api.unlikely [EXAMPLES]. Some minutes with 500.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from protocol.crypto import compiled
from sequencer.api.app import create_app
from tests.sequencer.api.conftest import services_of
from tests.sequencer.world import World

SEED = 20_261_127
EXAMPLES = 500
PAGED = ("/v1/accounts", "/v1/batches", "/v1/channels", "/v1/events")


def config(examples: int) -> dict[str, Any]:
    """Every check of the library, but for what a schema cannot say. Of a transaction: the exact
    range of a number, that signatures verify, what this sequencer's policy asks. Of a cursor:
    whether it is one of ours.
    """
    accepted = {"expected-statuses": ["2xx", "400", "403", "404", "409", "422"]}
    paged = {"expected-statuses": ["2xx", "400"]}
    return {
        "seed": SEED,
        "phases": {"stateful": {"enabled": False}},
        "generation": {"max-examples": examples, "database": "none", "deterministic": True},
        "operations": [
            *(
                {
                    "include-path": path,
                    "include-method": "POST",
                    "checks": {"positive_data_acceptance": accepted},
                }
                for path in ("/v1/transactions", "/v1/intake", "/v1/flows")
            ),
            *(
                {"include-path": path, "checks": {"positive_data_acceptance": paged}}
                for path in PAGED
            ),
        ],
    }


def findings(app: FastAPI, examples: int, path: str | None = None) -> tuple[list[str], set[str]]:
    """What the API does otherwise than its document says, and the operations that were tried: all,
    or those of one path.
    """
    chosen = SchemathesisConfig.from_dict(config(examples))
    whole = schemathesis.openapi.from_asgi("/v1/openapi.json", app, config=chosen)
    schema = whole if path is None else whole.include(path=path)
    found: list[str] = []
    tried: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            found.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, ScenarioFinished):
            found += _failures(event)
            if event.recorder.interactions and event.label is not None:
                tried.add(event.label)
    return found, tried


def _failures(event: ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info
                yield f"{event.label}, {check.name}: {failure.failure}\n{failure.code_sample}"


def furnished(world: World) -> FastAPI:
    """An application with something of everything in it."""
    world.ledger.submit(world.open_channel())
    world.to_final(world.proved())
    world.deposit(0, 5)
    world.ledger.submit(world.transfer(1))
    world.proved()
    world.ledger.submit(world.transfer(2))
    return create_app(services_of(world))


def main(examples: int) -> int:
    """1 where something was found."""
    compiled.install()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "sequencer.db")
        world.open_street()
        found, tried = findings(furnished(world), examples)
        world.close()
    print("\n\n".join(found))
    print(f"unlikely requests: {len(tried)} operations, {len(found)} findings", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else EXAMPLES))
