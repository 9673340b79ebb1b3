"""An API worker: a process that accepts transactions and holds nothing that could be lost.

It needs the database, and answers while there is no batcher; with others it shares one listening
socket.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time

import structlog

from protocol.crypto import compiled
from sequencer.accepting import Accepting
from sequencer.api.rates import Rates
from sequencer.api.server import ApiServer
from sequencer.api.worker_app import WorkerApp
from sequencer.forwarding import Forward
from sequencer.intake import Intake
from sequencer.receipts import ReceiptKey
from sequencer.records import Records
from sequencer.settings import Settings
from sequencer.storage import meta
from sequencer.storage.database import Database

LOOK_S = 0.1
"""How often a worker of a new database looks whether the batcher has written in it."""

_log = structlog.get_logger(__name__)


def run_worker(settings: Settings, receipt_secret: int, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError, StorageError."""
    compiled.install()
    database = Database.open(settings.where_the_database_is)
    try:
        domain = _domain(database)
        rates = Rates(settings.address_rate, settings.account_rate)
        intake = Intake(database, settings.policy, time.time, rates.count)
        records = Records(database, ReceiptKey(receipt_secret), domain)
        asyncio.run(_serve(settings, database, intake, records, rates, listener))
    finally:
        database.close()


def _domain(database: Database) -> int:
    """The rollup's, as soon as the database belongs to one."""
    while True:
        with database.read() as connection:
            found = meta.get(connection, meta.DOMAIN)
        if found is not None:
            return int(found)
        time.sleep(LOOK_S)


async def _serve(
    settings: Settings,
    database: Database,
    intake: Intake,
    records: Records,
    rates: Rates,
    listener: socket.socket,
) -> None:
    forward = Forward(database)
    app = WorkerApp(Accepting(database, intake), records, forward, rates)
    server = ApiServer(app, settings.trusted_proxies)

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    _log.info("worker answers")
    await server.serve(sockets=[listener])
    await forward.close()
