"""An application served over real HTTP on loopback, in a thread of its own, for a real browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from sequencer.api.server import ApiServer
from sequencer.startup import listen

WAIT_S = 60.0


@contextmanager
def served(app: Starlette, port: int = 0) -> Iterator[str]:
    """The URL at which `app` answers until the block is left; port 0 takes any."""
    with listen("127.0.0.1", port) as listener:
        started, box = threading.Event(), []
        failed: list[BaseException] = []

        async def main() -> None:
            server = ApiServer(app)
            box.append((asyncio.get_running_loop(), server))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await asyncio.wait(
                {serving, asyncio.create_task(server.ready.wait())},
                return_when=asyncio.FIRST_COMPLETED,
            )
            started.set()
            await serving

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:  # noqa: BLE001 - the test that waits must hear of it
                failed.append(error)
                started.set()

        thread = threading.Thread(target=run, name="served")
        thread.start()
        assert started.wait(WAIT_S)
        assert not failed, failed
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            loop, server = box[0]
            server.force_exit = True
            loop.call_soon_threadsafe(setattr, server, "should_exit", True)
            thread.join(WAIT_S)
            assert not thread.is_alive()
