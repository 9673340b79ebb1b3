"""What the page was told to do and is doing: each errand once at a time, with how it ended.

Errands are commands to the node, which keeps what it promised on disk; so a page that is closed or
a process that ends loses only the message here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass

from channels.errors import ChannelsError

KEPT = 24


@dataclass(slots=True)
class Errand:
    """`state`: running, done or failed; `text` says more."""

    title: str
    state: str = "running"
    text: str = ""


class Errands:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._errands: OrderedDict[str, Errand] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def all(self) -> list[Errand]:
        """The newest first."""
        return list(reversed(self._errands.values()))

    def start(self, key: str, title: str, work: Awaitable[str]) -> None:
        """Begin `work`, which returns what to say when it is done; nothing if it is under way."""
        known = self._errands.get(key)
        if known is not None and known.state == "running":
            _drop(work)
            return
        errand = self._errands[key] = Errand(title)
        self._errands.move_to_end(key)
        while len(self._errands) > KEPT:
            self._errands.popitem(last=False)
        task = asyncio.create_task(_carry_out(errand, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let go of what is under way; the node goes on with it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _carry_out(errand: Errand, work: Awaitable[str]) -> None:
    try:
        errand.text = await work
        errand.state = "done"
    except ChannelsError as error:
        errand.state, errand.text = "failed", str(error)
    except asyncio.CancelledError:
        errand.state, errand.text = "failed", "the page was stopped; the node goes on"
        raise


def _drop(work: Awaitable[str]) -> None:
    close = getattr(work, "close", None)
    if close is not None:
        close()
