"""Serving the household's page beside its node, on loopback; its link is in `page.json` (0600)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sequencer.api.server import ApiServer
from sequencer.startup import listen
from wattlane.household.app import HouseholdPages
from wattlane.household.guard import Guard
from wattlane.household.outlook import Household

FILE_NAME = "page.json"
HOST = "127.0.0.1"


@asynccontextmanager
async def page_served(home: Household, port: int) -> AsyncIterator[str]:
    """The link to the page, which is served on loopback until the block is left. Raises PortInUse.

    The page is there before its node is, and says so.
    """
    with listen(HOST, port) as listener:
        own_port = int(listener.getsockname()[1])
        guard = Guard(own_port)
        pages = HouseholdPages(home, guard)
        server = ApiServer(pages.app())
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="page")
        link = f"http://{HOST}:{own_port}/#{guard.token}"
        path = home.folder / FILE_NAME
        _announce(path, link)
        try:
            yield link
        finally:
            path.unlink(missing_ok=True)
            server.should_exit = True
            server.force_exit = True
            await pages.errands.stop()
            await serving


def _announce(path: Path, link: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": link}, file)
    beside.replace(path)
