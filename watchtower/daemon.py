"""A watchtower as a process: everything wired together, stopped gracefully, restarted anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn

from channels.errors import TowerError
from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI, ForcedDesk
from channels.handover import LaneName
from channels.sequencer_client import SequencerClient
from channels.tower_client import TowerClient
from contracts.service_notices import READY, STOPPING, keep_alive, says, tell
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from watchtower.api import create_app
from watchtower.errors import CannotListen
from watchtower.rounds import TowerL1, TowerRounds
from watchtower.store import TowerStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TowerSettings:
    """How a tower runs. `keepers`: other towers, asked for the keys of sealed records.

    `max_queue_fee_wei`, `least_gain_ntok`: the most that a forced claim may cost besides gas, and
    the least that it must bring the home.
    """

    folder: Path
    sequencer: str
    listen: tuple[str, int] = ("127.0.0.1", 0)
    keepers: tuple[str, ...] = ()
    poll_s: float = 2.0
    max_queue_fee_wei: int = DEFAULT_MAX_QUEUE_FEE_WEI
    least_gain_ntok: int = 0
    use_compiled: bool = True


class KeeperClients:
    """The keepers over HTTP; one that does not answer, or not yet, costs nothing but time."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._clients = [TowerClient(url) for url in urls]

    async def keys(self, name: LaneName) -> list[bytes]:
        """All keys that any of them gives."""
        found: list[bytes] = []
        for client in self._clients:
            try:
                found += await client.keys(name)
            except TowerError as error:
                _log.debug("no key", keeper=client.url, why=str(error))
        return found

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.close()


class _Server(uvicorn.Server):
    """Handles no signals: whoever runs it does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


async def run_tower(
    settings: TowerSettings,
    l1: TowerL1,
    domain: int,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Watch and serve until SIGTERM or SIGINT; `on_ready` gets the URL.

    Raises FolderInUse, StorageFailed, CannotListen.
    """
    if settings.use_compiled:
        try:
            await asyncio.to_thread(compiled.install)
        except KernelCacheUnwritable as error:
            _log.warning("works in plain Python", reason=str(error))
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        store = TowerStore(settings.folder)
        stack.callback(store.close)
        feed = await stack.enter_async_context(SequencerClient(settings.sequencer))
        keepers = KeeperClients(settings.keepers)
        stack.push_async_callback(keepers.close)
        forced = ForcedDesk(l1, store, settings.max_queue_fee_wei)
        rounds = TowerRounds(l1, feed, keepers, store, forced, domain, settings.least_gain_ntok)
        listener = stack.enter_context(_listen(*settings.listen))
        app = create_app(store, rounds, domain)
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        watching = asyncio.create_task(rounds.run(settings.poll_s))
        stopped = asyncio.create_task(stop.wait())
        host, port = listener.getsockname()[:2]
        on_ready(f"http://{host}:{port}")
        tell(READY, says(f"http://{host}:{port}"))
        alive = asyncio.create_task(keep_alive(lambda: True))
        stack.callback(alive.cancel)
        await asyncio.wait({serving, watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
        tell(STOPPING)
        server.should_exit = True
        stopped.cancel()
        ends = [serving]
        if watching.done():
            ends.append(watching)  # only a bug ends it: say so
        else:
            watching.cancel()
        await asyncio.gather(*ends)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        raise CannotListen(f"{host}:{port}", error.strerror or str(error)) from error
    return listener
