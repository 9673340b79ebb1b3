"""The sequencer as a process: everything wired together, stopped gracefully, restarted anywhere.

Killed at any instant it loses nothing that it has answered for; started again it goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from contracts.client import RollupClient
from contracts.kzg import load_setup
from contracts.service_notices import READY, STOPPING, keep_alive, says, tell
from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.crypto import compiled
from sequencer.abandoning import Abandoning
from sequencer.api.app import create_app
from sequencer.api.key_file import KeyFile
from sequencer.api.rates import Rates
from sequencer.api.server import ApiServer
from sequencer.api.services import Info, Services
from sequencer.bus import Waker
from sequencer.errors import BatcherReplaced
from sequencer.health import Health
from sequencer.keystore import OperatorKeys, open_keystore
from sequencer.l1.market import Market
from sequencer.l1.stored_blobs import sources_of
from sequencer.l1.submitter import Submitter
from sequencer.l1.watcher import Watcher
from sequencer.ledger import Ledger
from sequencer.log import SECRETS, LogFormat, log_to_stderr
from sequencer.loops import Loops, Stopping
from sequencer.metrics import Metrics
from sequencer.pages.options import PageOptions
from sequencer.pages.verifying import Verify, VerifyDesk
from sequencer.proving import Prover
from sequencer.redis_bus import open_bus
from sequencer.sealing import DataMode
from sequencer.settings import Settings
from sequencer.startup import check_rollup, listen, lock_folder
from sequencer.storage.batcher_lock import BatcherLock, batcher_lock, begin_term
from sequencer.storage.database import Database
from sequencer.views import Views

LOOPBACK = "127.0.0.1"
STANDBY_S = 0.5
"""How often a process that waits to be the batcher looks whether it may."""

_log = structlog.get_logger(__name__)


FindExitKey = Callable[[ContractKey], Path | None]


def run_sequencer(
    settings: Settings,
    passphrase: str,
    prover: Prover,
    on_ready: Callable[[str], None] = lambda _url: None,
    clock: Callable[[], float] = time.time,
    exit_key: FindExitKey | None = None,
    verify: Verify | None = None,
    log_format: LogFormat = LogFormat.TEXT,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` gets the API's URL. Closes the prover.

    What is not done `stop_within_s` after the signal, or at a second one, is abandoned: the process
    ends, as it may at any instant. `exit_key` finds the file of the key that the rollup's exodus
    holds, for users to keep; `verify` is the check of a batch that visitors of the explorer may
    start. Raises StartError, StorageError, and contracts' L1Error where the RPC fails at the start.
    """
    SECRETS.add(passphrase)
    SECRETS.add_urls(*settings.urls)
    log_to_stderr(SECRETS, log_format)
    lock = lock_folder(settings.folder)
    try:
        keys = open_keystore(settings.keystore, passphrase)
        with listen(settings.listen_host, settings.listen_port) as listener:
            parts = Parts(prover, exit_key, verify)
            run_batcher(settings, keys, parts, listener, Serving(on_ready, clock=clock))
    finally:
        prover.close()
        os.close(lock)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the batcher is given; see `run_sequencer`."""

    prover: Prover
    exit_key: FindExitKey | None = None
    verify: Verify | None = None


def _nothing(_url: str = "") -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a batcher serves. `on_standby`: it waits, as another process is the batcher.

    `is_behind_workers`: only this machine's workers ask it, for clients that they name.
    """

    on_ready: Callable[[str], None] = _nothing
    on_standby: Callable[[], None] = _nothing
    clock: Callable[[], float] = time.time
    is_behind_workers: bool = False


def run_batcher(
    settings: Settings,
    keys: OperatorKeys,
    parts: Parts,
    listener: socket.socket,
    serving: Serving,
) -> None:
    """Wait until this process may be the database's batcher, then serve until SIGTERM or SIGINT.

    Raises BatcherReplaced where another process has become it meanwhile, and as `run_sequencer`.
    """
    SECRETS.add_key(bytes(keys.account.key))
    compiled.install()
    database = Database.open(settings.where_the_database_is)
    lock = batcher_lock(database)
    try:
        is_waiting = False
        while not lock.take():
            if not is_waiting:
                is_waiting = True
                _log.info("another process is the batcher of this database; waiting")
                serving.on_standby()
            time.sleep(STANDBY_S)
        _serve(settings, keys, parts, database, lock, listener, serving)
    finally:
        lock.release()
        database.close()


def _serve(
    settings: Settings,
    keys: OperatorKeys,
    parts: Parts,
    database: Database,
    lock: BatcherLock,
    listener: socket.socket,
    way: Serving,
) -> None:
    prover, clock = parts.prover, way.clock
    host, port = listener.getsockname()[:2]
    here = f"http://{host}:{port}"
    client = RollupClient(
        settings.l1_url,
        settings.contract,
        keys.account,
        finality=settings.finality,
        timeout_s=settings.rpc_timeout_s,
        blobs=sources_of(settings, database),
    )
    if settings.data_mode is DataMode.BLOB:
        load_setup()
    rollup = check_rollup(settings, keys, prover, client)
    term = begin_term(database, here)
    policy, sealing = settings.policy, settings.sealing
    ledger = Ledger(database, rollup, policy, sealing, keys.receipt_key, clock, term)
    watcher = Watcher(client, ledger, settings.start_block)
    newest = client.final_block().number
    while watcher.step() and ledger.book.position.block < newest:
        pass  # catch up with L1 before anyone is answered
    key_file = None if parts.exit_key is None else _key_file(client, parts.exit_key)

    async def main() -> Abandoning:
        stopping = Stopping()
        metrics = Metrics()
        submitter = Submitter(client, ledger, clock, stopping.thread, settings.fees, metrics)
        market = Market(client, ledger, settings.reserve_batches, metrics)
        loops = Loops(
            ledger, watcher, submitter, prover, stopping, settings.poll_s, market, metrics, lock
        )
        health = Health(ledger, loops, clock, SECRETS.text)
        metrics.observe(health.standing, loops.ailments)
        info = Info(
            settings.chain_id,
            client.address,
            prover.verifying_key.insecure,
            keys.endorsement(rollup.domain),
        )
        bus = open_bus(settings.redis_url)
        database.on_commit = Waker(bus, asyncio.get_running_loop())
        pages = PageOptions(client.address, settings.l1_explorer_url, VerifyDesk(parts.verify))
        limited = Rates(settings.address_rate, settings.account_rate)
        rates = Rates() if way.is_behind_workers else limited
        services = Services(
            ledger, Views(ledger), info, health, key_file, bus, metrics.render, pages, rates
        )
        trusted = LOOPBACK if way.is_behind_workers else settings.trusted_proxies
        server = ApiServer(create_app(services), trusted)
        ending = Abandoning(settings.stop_within_s, prover.close, loops.busy)

        def stop() -> None:
            stopping.set()
            ending.begin()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        working = asyncio.create_task(loops.run())
        stopped = asyncio.create_task(stopping.task.wait())
        started = asyncio.create_task(server.ready.wait())
        await asyncio.wait({started, serving, working}, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            way.on_ready(here)
            tell(READY, says(here))
        alive = asyncio.create_task(keep_alive(lambda: True))
        await asyncio.wait({stopped, serving, working}, return_when=asyncio.FIRST_COMPLETED)
        tell(STOPPING)
        alive.cancel()
        stopping.set()
        server.should_exit = True
        started.cancel()
        await bus.close()
        await asyncio.gather(serving, working)
        return ending

    is_replaced = False
    try:
        asyncio.run(main()).cancel()
    except* BatcherReplaced:
        is_replaced = True
    if is_replaced:
        raise BatcherReplaced(term)
    _log.info("stopped")


def _key_file(client: RollupClient, find: FindExitKey) -> KeyFile | None:
    found = find(client.exodus().verifying_key())
    if found is None:
        _log.warning("the contract's exit key is not here: no user can get it from this sequencer")
        return None
    return KeyFile.of(found)
