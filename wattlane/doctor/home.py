"""What a home consists of: its folder, its settings, and where its L1 and sequencer are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from channels.control_client import ControlClient
from channels.errors import ChannelsError
from channels.inspecting import inspect
from contracts.client import RollupReader
from contracts.finality import Finality
from wattlane.errors import BadChoice, BadNodeSettings
from wattlane.node_settings import NodeFile, load_node_file

T = TypeVar("T")
_TIMEOUT_S = 5.0
_ASK_NODE_S = 8.0


@dataclass(frozen=True, slots=True)
class Home:
    """A folder and what was said on the command line. Everything else is looked up anew by every
    check that needs it, so that no check waits for another's failure."""

    folder: Path
    options: dict[str, object] = field(default_factory=dict)

    def settings(self) -> NodeFile:
        """Raises BadNodeSettings."""
        return load_node_file(self.folder, **self.options)

    def given(self) -> NodeFile:
        """The settings; without the file where that is broken (a check of its own says so)."""
        try:
            return self.settings()
        except BadNodeSettings:
            return NodeFile.model_validate(
                {name: value for name, value in self.options.items() if value is not None}
            )

    def sequencer(self, path: str) -> httpx.Response:
        """An answer of the sequencer. Raises BadChoice where none is set, or none answers."""
        url = self.given().sequencer
        if url is None:
            raise BadChoice("no sequencer is set")
        try:
            answer = httpx.get(url.rstrip("/") + path, timeout=_TIMEOUT_S, trust_env=False)
            return answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise BadChoice(f"{url}{path} answers {error.response.status_code}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadChoice(f"no answer from {url} ({error})") from error

    def contract(self) -> str:
        """The rollup's address: as set, as the store has it, or as the sequencer says."""
        given = self.given().contract
        if given is not None:
            return given
        try:
            stored = inspect(self.folder)
        except ChannelsError:
            stored = None
        if stored is not None and stored.identity.contract is not None:
            return stored.identity.contract
        return str(self.sequencer("/v1/info").json()["contract"])

    def reader(self) -> RollupReader:
        """The rollup on the home's own L1. Raises BadChoice where no L1 is set."""
        given = self.given()
        if given.l1 is None:
            raise BadChoice("no L1 is set")
        finality = Finality(given.confirmations)
        return RollupReader(given.l1, self.contract(), finality=finality, timeout_s=_TIMEOUT_S)

    def ask_node(self, ask: Callable[[ControlClient], Awaitable[T]]) -> T:
        """Ask the node that runs here. Raises NodeNotRunning, CommandFailed, TimeoutError."""

        async def run() -> T:
            async with asyncio.timeout(_ASK_NODE_S), ControlClient.connect(self.folder) as node:
                return await ask(node)

        return asyncio.run(run())

    def health(self) -> dict[str, Any]:
        """What the running node says of itself. Raises as `ask_node`."""
        return self.ask_node(lambda node: node.health())
