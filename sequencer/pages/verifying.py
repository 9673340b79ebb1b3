"""Verifying a batch because a visitor asked: the real check, in turn, each step as it comes.

The check itself is not ours to import (it needs no sequencer, and we must not be trusted): whoever
starts the sequencer hands it in. Everyone who asks for the same batch watches the same run.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from sequencer.errors import CheckStopped, TooManyChecks

MOST_AT_ONCE, MOST_WAITING, KEPT = 1, 8, 64

MEANINGS = {
    "domain": "the rollup's domain is that of this chain and this contract",
    "data": "the data on L1 decode, and their headers say what was proved",
    "blob": "a batch's blob is the one that L1 names, by its KZG commitment",
    "queue": "the ops are L1's own next ones, in order, and none was left out",
    "time": "the batch's time lies where L1 allows it",
    "digest": "Poseidon over data and messages, computed again",
    "roots": "the old root is where the proof before ended, from genesis on",
    "evaluations": "challenge and polynomials, computed again",
    "replay": "executing the data anew gives the new root and the payouts",
    "proof, by py_arkworks": "the Groth16 proof, checked by compiled Rust",
    "proof, by py_ecc": "the Groth16 proof again, by pure Python that shares no code",
}
"""What each step of the check means, for people."""


@dataclass(frozen=True, slots=True)
class Check:
    """One step. `found`: what it found, or what is wrong; `proof` counts from 1, None: all."""

    step: str
    proof: int | None
    holds: bool
    found: str
    seconds: float


Verify = Callable[[int], AsyncIterator[Check]]
"""The real check of a batch: its steps as each ends, a failed one last. Raises CheckStopped."""


@dataclass(slots=True)
class Run:
    """One verification. `outcome`: "", then "holds", "fails" or "stopped" (`why` says by what)."""

    checks: list[Check] = field(default_factory=list)
    outcome: str = ""
    why: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever watches."""
        self.changed.set()
        self.changed = asyncio.Event()


class VerifyDesk:
    """Belongs to one event loop. Without a `verify` it says that it cannot."""

    def __init__(self, verify: Verify | None = None) -> None:
        self._verify = verify
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def is_there(self) -> bool:
        """Whether it can verify."""
        return self._verify is not None

    def known(self, number: int) -> Run | None:
        """The last run of a batch, if it is still kept."""
        return self._runs.get(number)

    def run(self, number: int) -> Run:
        """The batch's run, begun now unless one is there. Raises TooManyChecks, CheckStopped."""
        if self._verify is None:
            raise CheckStopped("this sequencer was started without the check")
        found = self._runs.get(number)
        if found is not None and found.outcome != "stopped":
            return found
        if len(self._tasks) > MOST_WAITING:
            raise TooManyChecks(len(self._tasks) - MOST_AT_ONCE)
        run = self._runs[number] = Run()
        self._runs.move_to_end(number)
        while len(self._runs) > KEPT:
            self._runs.popitem(last=False)
        task = asyncio.create_task(self._carry_out(self._verify, number, run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def _carry_out(self, verify: Verify, number: int, run: Run) -> None:
        outcome, why = "stopped", "the sequencer stopped"
        try:
            async with self._turn:
                async for check in verify(number):
                    run.checks.append(check)
                    run.tell()
            holds = bool(run.checks) and all(one.holds for one in run.checks)
            outcome, why = ("holds" if holds else "fails"), ""
            if not run.checks:
                outcome, why = "stopped", "the check said nothing"
        except CheckStopped as error:
            why = str(error)
        finally:
            run.outcome, run.why = outcome, why
            run.tell()


async def watch(run: Run) -> AsyncIterator[Check]:
    """The run's steps from the first on, each as it comes, until it has an outcome."""
    shown = 0
    while True:
        changed = run.changed
        while shown < len(run.checks):
            yield run.checks[shown]
            shown += 1
        if run.outcome:
            return
        await changed.wait()
