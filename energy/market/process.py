"""A market as a process: opened, served, stopped gracefully, started again anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from contracts.service_notices import READY, STOPPING, keep_alive, says, tell
from energy.errors import CannotServe, NothingToBegin
from energy.market.api import create_app
from energy.market.rates import NO_LIMITS, Rates, Shares
from energy.market.service import Clock, MarketService
from energy.signed import decode_signed
from protocol.crypto import compiled
from protocol.crypto.kernel_cache import KernelCacheUnwritable

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """How a market runs. `founding`: the document with which a new journal begins, if it is here;
    otherwise `founds` is the digest of the community whose founding may come over the interface:
    no other one may. `domain`: the rollup that it must be about, None for any. `rates`: what one
    address may ask, and one member bring.
    """

    folder: Path
    clock: Clock
    listen: tuple[str, int] = ("127.0.0.1", 0)
    founding: bytes | None = None
    founds: bytes | None = None
    domain: int | None = None
    pause_s: float = 1.0
    use_compiled: bool = True
    rates: Rates = NO_LIMITS


class _Server(uvicorn.Server):
    """Handles no signals: whoever runs it does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def _no_pages(_app: Starlette, _service: MarketService) -> None:
    """The interface alone."""


async def run_market(
    settings: MarketSettings,
    on_ready: Callable[[str], None] = lambda _url: None,
    add_pages: Callable[[Starlette, MarketService], None] = _no_pages,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` gets the URL. `add_pages`: what else is served.

    Raises JournalInUse, JournalUnusable, JournalBroken, NothingToBegin, CannotServe, what the
    founding lacks, and what does not follow in the journal.
    """
    founding, founds = settings.founding, settings.founds
    if founding is not None:
        founds = decode_signed(founding).digest
    if settings.use_compiled:
        try:
            await asyncio.to_thread(compiled.install)
        except KernelCacheUnwritable as error:
            _log.warning("works in plain Python", reason=str(error))
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        service = await asyncio.to_thread(
            MarketService.open, settings.folder, settings.clock, settings.domain, founds
        )
        stack.callback(service.close)
        service.shares = Shares(settings.rates.member)
        if service.waits_for_nobody:
            raise NothingToBegin(str(settings.folder))
        if founding is not None:
            await service.submit(founding)
        listener = stack.enter_context(_listen(*settings.listen))
        app = create_app(service, settings.rates.address)
        add_pages(app, service)
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        working = asyncio.create_task(service.run(settings.pause_s))
        stopped = asyncio.create_task(stop.wait())
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        on_ready(url)
        tell(READY, says(url))
        alive = asyncio.create_task(keep_alive(lambda: True))
        stack.callback(alive.cancel)
        await asyncio.wait({serving, working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        tell(STOPPING)
        server.should_exit = True
        stopped.cancel()
        ends = [serving]
        if working.done():
            ends.append(working)  # only a bug ends it: say so
        else:
            working.cancel()
        await asyncio.gather(*ends)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        raise CannotServe(f"{host}:{port}", error.strerror or str(error)) from error
    return listener
