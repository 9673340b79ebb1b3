"""Invariant: a worker that says it is ready has compiled, recorded and loaded all that it can.

It is one process with one thread for proofs, niced. It outlives its scheduler: what is loaded
stays loaded while it looks for the scheduler again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from distributed import Worker as DaskWorker
from distributed.comm.core import connect
from distributed.security import Security

from protocol.batch import Shape
from protocol.crypto import compiled
from prover.cache import user_cache
from prover.circuits.batch import DEFAULT_SHAPE, batch_circuit
from prover.distribution.errors import SchedulerUnreachable
from prover.distribution.local import NICENESS
from prover.distribution.work import Requirement, prepare
from prover.groth16.store import stored_keys
from prover.kernels import warm
from prover.progress import Progress, silent

CONNECT_S = 10.0
AGAIN_S = 2.0

Say = Callable[[str], None]


def prepare_worker(shape: Shape = DEFAULT_SHAPE, progress: Progress = silent) -> str:
    """Load kernels, circuit, and the key if one is here; returns a line that says what there is.

    Makes this process nice. Raises KernelCacheUnwritable, WorkerFailed.
    """
    os.nice(NICENESS)
    warm(progress)
    compiled.install()
    progress("recording the circuit", 0, 1)
    circuit = batch_circuit(shape).r1cs.digest().hex()
    progress("recording the circuit", 1, 1)
    slots = f"{shape.queue_slots} + {shape.user_slots} slots"
    keys = stored_keys(circuit, user_cache())
    key = min(keys, key=lambda one: one.verifying_key.insecure, default=None)  # as sequencers do
    if key is None:
        return f"{slots}, no proving key yet: the first job brings it"
    digest = key.verifying_key.digest().hex()
    prepare(Requirement(shape, circuit, digest))
    return f"{slots}, proving key {digest[:16]}"


def check_scheduler(scheduler: str) -> None:
    """Raises SchedulerUnreachable where none answers, before anything takes time."""

    async def check() -> None:
        secrets = Security().get_connection_args("client")  # for tls://, from Dask's settings
        comm = await connect(scheduler, timeout=CONNECT_S, **secrets)
        await comm.close()

    try:
        asyncio.run(check())
    except (OSError, ValueError, TypeError) as error:  # TypeError: tls:// without certificates
        raise SchedulerUnreachable(scheduler, str(error)) from error


def run_worker(scheduler: str, what: str, say: Say, host: str | None = None) -> None:
    """Prove for a Dask scheduler until SIGTERM or SIGINT; wait for it where it is not there.

    Says when it is ready, with `what` (prepare_worker's line), and when it is not. `host`: this
    machine's address as others reach it, found out by default. Raises SchedulerUnreachable where
    the scheduler refuses it.
    """
    logging.getLogger("distributed").setLevel(logging.WARNING)
    logging.getLogger("distributed.worker").setLevel(logging.CRITICAL)  # work.py says it shorter
    asyncio.run(_serve(scheduler, host, what, say))


async def _serve(scheduler: str, host: str | None, what: str, say: Say) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        worker = DaskWorker(
            scheduler,
            nthreads=1,
            memory_limit=0,
            host=host,
            dashboard_address=f"{host or '127.0.0.1'}:0",
        )
        life = asyncio.create_task(_live(worker, what, say))
        await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            await life
            await asyncio.wait({stopped}, timeout=AGAIN_S)
        else:
            life.cancel()
            with suppress(TimeoutError, OSError, asyncio.CancelledError):
                await worker.close(timeout=AGAIN_S, executor_wait=False)
    say("stopped")


async def _live(worker: DaskWorker, what: str, say: Say) -> None:
    """From the start to the loss of the scheduler. Raises SchedulerUnreachable."""
    scheduler = worker.scheduler.address
    try:
        await worker
    except (OSError, RuntimeError) as error:
        raise SchedulerUnreachable(scheduler, str(error.__cause__ or error)) from error
    say(f"ready: {worker.address} proves for {scheduler} ({what})")
    await worker.finished()
    say(f"{scheduler} is gone; waiting for it")
