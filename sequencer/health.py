"""How a sequencer is: what ails it, whether it is alive, and whether it should be asked.

Three questions, each with its own answer to act on. *Health* is for people: every part that fails,
and why. *Live* is for whoever restarts processes: no only where a loop hangs, which a restart
mends; a world that misbehaves (L1, disk, prover) is no reason to restart. *Ready* is for whoever
sends requests: no while it starts or stops, where the database refuses, or where L1
was not followed for an hour.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.codec import Json
from sequencer.errors import NotLive, NotReady, RollupEnded, StorageError
from sequencer.ledger import Ledger
from sequencer.loops import Loops
from sequencer.standing import Standing, standing_of
from sequencer.storage import meta

STUCK_S = 900.0
"""A loop that has not come round for so long hangs: its longest step, a dozen calls to a silent L1
and a wait for a block, takes a third of it."""

READY_LAG_S = 3_600.0


class Health:
    """Of a process with loops. Thread-safe; never waits for L1."""

    def __init__(
        self,
        ledger: Ledger,
        loops: Loops,
        clock: Callable[[], float],
        redact: Callable[[str], str] = str,
    ) -> None:
        """`redact` takes secrets out of what ails: everybody may read it."""
        self._ledger, self._loops, self._clock = ledger, loops, clock
        self._redact = redact

    def report(self) -> Json:
        """{"status": "ok" or "degraded", "ailments": {part: what is wrong}}."""
        ailments = self._loops.ailments()
        if self._ledger.ending.exodus_start:
            ailments["rollup"] = str(RollupEnded(self._ledger.ending.exodus_start))
        shown = {part: self._redact(why) for part, why in ailments.items()}
        return {"status": "degraded" if shown else "ok", "ailments": shown}

    def live(self) -> Json:
        """{"status": "live"}. Raises NotLive."""
        stuck = self._loops.silent_for(STUCK_S)
        if stuck:
            raise NotLive(", ".join(sorted(stuck)), STUCK_S)
        return {"status": "live"}

    def ready(self) -> Json:
        """{"status": "ready"}. Raises NotReady."""
        if self._loops.is_stopping:
            raise NotReady("it is stopping")
        if self._ledger.ending.exodus_start:
            raise NotReady(str(RollupEnded(self._ledger.ending.exodus_start)))
        lag_s = self._loops.watch_lag_s
        if lag_s > READY_LAG_S:
            raise NotReady(f"it has not followed L1 for {lag_s:.0f} s")
        for failure in self._loops.failures():
            if isinstance(failure, StorageError):
                raise NotReady(self._redact(str(failure)))
        try:
            with self._ledger.database.read() as connection:
                meta.get(connection, meta.DOMAIN)
        except StorageError as error:
            raise NotReady(self._redact(str(error))) from error
        return {"status": "ready"}

    def standing(self) -> Standing:
        """For metrics."""
        return standing_of(self._ledger, self._clock(), self._loops.watch_lag_s)
