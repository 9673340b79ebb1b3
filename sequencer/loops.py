"""What a running sequencer does over and over, each in its own loop; none can stop the others.

A loop's step may fail for reasons of the world (RPC, disk, prover): it is reported in the health
report, waits longer each time, and tries again. Any other exception is a bug and ends the process,
which loses nothing: the database is the authority.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic

import structlog

from contracts.errors import L1Error as ContractsError
from protocol.errors import ProtocolError
from protocol.units import L1_TIME_SLACK_S
from sequencer.errors import BatcherReplaced, SequencerError
from sequencer.l1.market import Market
from sequencer.l1.submitter import SAFETY_S, Submitter
from sequencer.l1.watcher import Watcher
from sequencer.ledger import Ledger
from sequencer.metrics import Metrics
from sequencer.orders import ProofOrders
from sequencer.proving import Prover
from sequencer.storage.batcher_lock import BatcherLock

EXPECTED = (SequencerError, ContractsError, ProtocolError)
FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 30.0
MARKET_POLLS = 12
"""L1's prices are looked at once in so many times that L1 is: about once a block."""
SEAL_PAUSE_S = 0.2
TAKE_PAUSE_S = 0.1
TAKEN_AT_ONCE = 64
LOCK_PAUSE_S = 1.0

_log = structlog.get_logger(__name__)


class Stopping:
    """The wish to stop, for threads and for tasks."""

    def __init__(self) -> None:
        self.thread, self.task = threading.Event(), asyncio.Event()

    def set(self) -> None:
        """Ask everything to stop. Call it in the event loop's thread."""
        self.thread.set()
        self.task.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether stopping was asked for, within this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.task.wait(), timeout_s)
        return self.task.is_set()


class Loops:
    """The loops of one sequencer, and what ails each. `stopping` ends them all."""

    def __init__(
        self,
        ledger: Ledger,
        watcher: Watcher,
        submitter: Submitter,
        prover: Prover,
        stopping: Stopping,
        poll_s: float,
        market: Market | None = None,
        metrics: Metrics | None = None,
        lock: BatcherLock | None = None,
    ) -> None:
        """`lock`: that of the batcher, which is had already."""
        self._metrics = metrics or Metrics()
        self._ledger, self._watcher, self._submitter = ledger, watcher, submitter
        self._prover, self._orders = prover, ProofOrders(ledger, prover, metrics=self._metrics)
        self._stopping, self._poll_s, self._market = stopping, poll_s, market
        self._lock = lock
        self._failures: dict[str, Exception] = {}
        self._beats: dict[str, float] = {}
        self._followed_at = monotonic()

    async def run(self) -> None:
        """All loops, until `stopping`. Raises what is a bug."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat("l1", _in_thread(self.watch), self._poll_s))
                group.create_task(self._repeat("intake", _in_thread(self.take), TAKE_PAUSE_S))
                group.create_task(self._repeat("batches", _in_thread(self.seal), SEAL_PAUSE_S))
                group.create_task(self._repeat("prover", self.prove, SEAL_PAUSE_S))
                group.create_task(
                    self._repeat("submitter", _in_thread(self._submitter.step), self._poll_s)
                )
                if self._lock is not None:
                    keep = _in_thread(partial(self._keep, self._lock))
                    group.create_task(self._repeat("lock", keep, LOCK_PAUSE_S))
                if self._market is not None:
                    look = _in_thread(self._market.step)
                    group.create_task(self._repeat("market", look, MARKET_POLLS * self._poll_s))
        finally:
            await self._orders.close()

    @property
    def is_stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.thread.is_set()

    @property
    def watch_lag_s(self) -> float:
        """How long ago L1 was last followed to its newest final block."""
        return monotonic() - self._followed_at

    def ailments(self) -> dict[str, str]:
        """{part: what is wrong}, of the prover, the reserve and the loops themselves."""
        own = {name: f"{type(one).__name__}: {one}" for name, one in self._failures.copy().items()}
        reserve = {} if self._market is None else self._market.ailments()
        return {**self._prover.ailments(), **reserve, **own}

    def failures(self) -> list[Exception]:
        """What each loop's newest step failed with, where it did."""
        return list(self._failures.copy().values())

    def silent_for(self, limit_s: float) -> list[str]:
        """The loops whose step has taken longer than this and goes on."""
        now = monotonic()
        return [name for name, at in self._beats.copy().items() if now - at > limit_s]

    def busy(self) -> list[str]:
        """The loops that are in the middle of a step."""
        return sorted(self._beats.copy())

    def watch(self) -> bool:
        """Follow L1, and end the channels whose time has come."""
        moved = self._watcher.step()
        if not moved:
            self._followed_at = monotonic()
        self._ledger.finalize_due()
        return moved

    def take(self) -> bool:
        """Execute some of what waits in the intake."""
        return self._ledger.take_accepted(TAKEN_AT_ONCE) > 0

    def _keep(self, lock: BatcherLock) -> bool:
        """Have the batcher's lock, anew where the database lost it. Raises BatcherReplaced."""
        if not lock.take():
            raise BatcherReplaced(self._ledger.term)
        return False

    def seal(self) -> bool:
        """Seal the next batch if one is due."""
        batch = self._ledger.seal()
        if batch is not None:
            self._metrics.batches_sealed.inc()
            _log.info(
                "batch sealed",
                batch=batch.number,
                proofs=len(batch.proofs),
                transactions=len(batch.included),
                queue_ops=len(batch.ops),
            )
        return batch is not None

    async def prove(self) -> bool:
        """Prove what is sealed, or seal anew what is too old to land. Raises ProofFailed."""
        return await asyncio.to_thread(self._seal_anew) or await self._orders.step()

    def _seal_anew(self) -> bool:
        now = self._ledger.book.position.l1_time
        for batch, _ in self._ledger.wanted_proofs():
            if now - batch.l1_time > L1_TIME_SLACK_S - SAFETY_S:
                why = "its L1 time is too old"
                self._metrics.batches_resealed.inc()
                _log.warning("batch is sealed anew", batch=batch.number, why=why)
                self._ledger.void_from(batch.number, batch.id)
                return True
        return False

    async def _repeat(self, name: str, step: Callable[[], Awaitable[bool]], pause_s: float) -> None:
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.task.is_set():
            self._beats[name] = monotonic()
            try:
                busy = await step()
            except BatcherReplaced:
                raise
            except EXPECTED as error:
                self._failures[name] = error.with_traceback(None)
                self._beats.pop(name, None)
                _log.warning("will try again", part=name, why=str(error), in_s=backoff_s)
                await self._stopping.wait(backoff_s)
                backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
                continue
            finally:
                self._beats.pop(name, None)
            self._failures.pop(name, None)
            backoff_s = FIRST_BACKOFF_S
            if not busy:
                await self._stopping.wait(pause_s)


def _in_thread(step: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def run() -> bool:
        return await asyncio.to_thread(step)

    return run
