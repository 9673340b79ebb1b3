"""One batcher and several workers, each in a process of its own, started again when they die.

The supervisor holds the folder's lock and the listening socket and nothing else: it can be killed
at any time, and its processes then end by themselves. A start that cannot succeed ends it; what
dies later is started anew, after a pause that grows while that goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess

import structlog
from eth_account import Account

from contracts.errors import L1Error as ContractsError
from contracts.service_notices import ALIVE, READY, STOPPING, says, tell, watchdog_s
from sequencer.daemon import LOOPBACK, Parts, Serving, run_batcher
from sequencer.errors import BatcherReplaced, PartFailed, PortInUse, SequencerError
from sequencer.keystore import OperatorKeys, open_keystore
from sequencer.log import SECRETS, LogFormat, log_to_stderr
from sequencer.orphans import end_with_parent
from sequencer.settings import Settings
from sequencer.startup import listen, lock_folder
from sequencer.worker import run_worker

BATCHER = "batcher"
FIRST_PAUSE_S, LAST_PAUSE_S = 0.2, 10.0
STEADY_S = 30.0
"""Whatever ran for so long is started again at once."""

PORT_WAIT_S = 20.0
"""The port of a supervisor that was killed is free once its workers have noticed."""

STOP_S = 60.0
LOOK_S = 0.05
_PRELOADED = ["sequencer.supervisor"]
_log = structlog.get_logger(__name__)

MakeParts = Callable[[], Parts]
"""Makes what the batcher is given, in the batcher's process: it must be a function that pickles."""


@dataclass(slots=True)
class _Part:
    """A process, and when it was started. `pause_s`: before it is started again."""

    name: str
    process: ForkServerProcess | None = None
    said: Connection | None = None
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_at: float = 0.0


def run_supervised(
    settings: Settings,
    passphrase: str,
    make: MakeParts,
    on_ready: Callable[[str], None] = lambda _url: None,
    log_format: LogFormat = LogFormat.TEXT,
) -> None:
    """Run `settings.api_workers` workers and a batcher until SIGTERM or SIGINT.

    `on_ready` gets the API's URL once the batcher works, or waits as another one works. Raises
    StartError, among them PartFailed where the batcher cannot start.
    """
    SECRETS.add(passphrase)
    _log_as(settings, log_format)
    lock = lock_folder(settings.folder)
    try:
        keys = open_keystore(settings.keystore, passphrase)
        with _listening(settings) as listener:
            SECRETS.add_key(bytes(keys.account.key))
            _Supervisor(settings, keys, make, listener, log_format).run(on_ready)
    finally:
        os.close(lock)


def _listening(settings: Settings) -> socket.socket:
    until = time.monotonic() + PORT_WAIT_S
    while True:
        try:
            return listen(settings.listen_host, settings.listen_port)
        except PortInUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


class _Supervisor:
    def __init__(
        self,
        settings: Settings,
        keys: OperatorKeys,
        make: MakeParts,
        listener: socket.socket,
        log_format: LogFormat,
    ) -> None:
        self._fields, self._log_format = settings.model_dump(), log_format
        self._secret = bytes(keys.account.key)
        self._make, self._listener = make, listener
        self._receipt_secret = keys.receipt_key.secret
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._parts = [
            _Part(BATCHER),
            *(_Part(f"worker {number}") for number in range(1, settings.api_workers + 1)),
        ]
        self._stopping = threading.Event()
        self._was_ready = False

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Until a signal asks for the end. Raises PartFailed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        watched_s, told_at = watchdog_s(), 0.0
        try:
            while not self._stopping.is_set():
                for part in self._parts:
                    self._look_after(part)
                if not self._was_ready and self._parts[0].said is not None:
                    self._hear(self._parts[0].said, on_ready)
                if watched_s is not None and time.monotonic() - told_at > watched_s / 3:
                    told_at = time.monotonic()
                    tell(ALIVE)
                self._stopping.wait(LOOK_S)
        finally:
            self._end()

    def _look_after(self, part: _Part) -> None:
        """Start a part that does not run, once its pause is over."""
        now = time.monotonic()
        if part.process is not None and part.process.exitcode is not None:
            self._buried(part, now)
        if part.process is None and now >= part.again_at:
            part.started_at = now
            self._start(part)

    def _buried(self, part: _Part, now: float) -> None:
        assert part.process is not None
        _log.warning("a process ended", part=part.name, exit_code=part.process.exitcode)
        if now - part.started_at > STEADY_S:
            part.pause_s = FIRST_PAUSE_S
        part.again_at = now + part.pause_s
        part.pause_s = min(2 * part.pause_s, LAST_PAUSE_S)
        part.process.join()
        part.process = None

    def _start(self, part: _Part) -> None:
        if part.name == BATCHER:
            part.said, theirs = self._context.Pipe(duplex=False)
            arguments = (self._fields, self._log_format, self._secret, self._make, theirs)
            part.process = self._context.Process(target=_batch, args=arguments, name=part.name)
            part.process.start()
            theirs.close()
        else:
            arguments_ = (
                self._fields,
                self._log_format,
                self._receipt_secret,
                self._listener,
            )
            part.process = self._context.Process(target=_work, args=arguments_, name=part.name)
            part.process.start()
        _log.info("a process started", part=part.name, pid=part.process.pid)

    def _hear(self, said: Connection, on_ready: Callable[[str], None]) -> None:
        """What the first batcher says of its start. Raises PartFailed."""
        if not said.poll():
            return
        try:
            kind, text = said.recv()
        except EOFError:
            return
        if kind == "failed":
            raise PartFailed(BATCHER, text)
        self._was_ready = True
        host, port = self._listener.getsockname()[:2]
        url = f"http://{host}:{port}"
        on_ready(url)
        tell(READY, says(url))

    def _end(self) -> None:
        tell(STOPPING)
        running = [part.process for part in self._parts if part.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in running:
            wait([process.sentinel], max(0.0, until - time.monotonic()))
            if process.exitcode is None:
                process.kill()
            process.join()
        _log.info("stopped")


def _log_as(settings: Settings, log_format: LogFormat) -> None:
    SECRETS.add_urls(*settings.urls)
    log_to_stderr(SECRETS, log_format)


def _begin(fields: dict[str, object], log_format: LogFormat) -> Settings:
    """What every process of a supervisor does first."""
    end_with_parent()
    os.environ.pop("NOTIFY_SOCKET", None)  # the service manager hears the supervisor alone
    settings = Settings.model_validate(fields)
    _log_as(settings, log_format)
    return settings


def _work(
    fields: dict[str, object],
    log_format: LogFormat,
    receipt_secret: int,
    listener: socket.socket,
) -> None:
    run_worker(_begin(fields, log_format), receipt_secret, listener)


def _batch(
    fields: dict[str, object],
    log_format: LogFormat,
    secret: bytes,
    make: MakeParts,
    said: Connection,
) -> None:
    """The batcher's process; it says ("ready", its URL), or ("failed", why)."""
    settings = _begin(fields, log_format)
    keys = OperatorKeys(Account.from_key(secret))
    parts = make()
    serving = Serving(
        on_ready=lambda url: said.send(("ready", url)),
        on_standby=lambda: said.send(("standby", "")),
        is_behind_workers=True,
    )
    try:
        with listen(LOOPBACK, 0) as listener:
            run_batcher(settings, keys, parts, listener, serving)
    except BatcherReplaced as error:
        _log.error("the lock was lost", why=str(error))
        raise SystemExit(1) from error
    except (SequencerError, ContractsError) as error:
        said.send(("failed", f"{type(error).__name__}: {error}"))
        raise SystemExit(1) from error
    finally:
        parts.prover.close()
