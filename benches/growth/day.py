"""A day, event by event: wishes, epochs of L1, proofs, and batches on their way to finality."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import ceil, floor

from benches.growth.demand import QUEUE_KINDS, Wish
from benches.growth.desks import Batch, Desk
from sequencer.sealing import SealingPolicy

BLOCK_S, EPOCH_S, FINAL_EPOCHS = 12, 384, 2
"""L1 puts a block on every 12 s; one is final once two further epochs of 384 s have passed."""

TRIES_S = 1.0
"""From the proof to L1's pool: the submitter's poll_s."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the day runs on: one prover of so many machines, each a proof every `proof_s`."""

    policy: SealingPolicy
    proof_s: float
    provers: int = 1


@dataclass(slots=True)
class Day:
    """What came of it. Latencies in seconds from acceptance, of each transaction."""

    taken: int = 0
    refused: int = 0
    ops: int = 0
    batches: list[Batch] = field(default_factory=list)
    prover_busy_s: float = 0.0
    busiest_hour_s: float = 0.0
    proved_s: list[float] = field(default_factory=list)
    on_l1_s: list[float] = field(default_factory=list)
    final_s: list[float] = field(default_factory=list)
    l1_busy_s: float = 0.0

    @property
    def proofs(self) -> int:
        """Of all batches."""
        return sum(batch.proofs for batch in self.batches)


def final_time(now: float) -> float:
    """The time of L1's newest final block: the start of the epoch two before this one."""
    return max(0.0, (floor(now / EPOCH_S) - FINAL_EPOCHS) * EPOCH_S)


def live(desk: Desk, wished: list[Wish], terms: Terms) -> Day:
    """Let the day happen to a desk, until every batch is final."""
    return _Life(desk, terms, wished).run()


class _Life:
    def __init__(self, desk: Desk, terms: Terms, wished: list[Wish]) -> None:
        self.desk, self.terms, self.day = desk, terms, Day()
        self.events: list[tuple[float, int, Callable[[float], None]]] = []
        self.order = count()
        self.queue = deque(one for one in wished if one.kind in QUEUE_KINDS)
        self.unproved = 0
        self.free_provers = [0.0] * terms.provers
        self.submitting: deque[Batch] = deque()
        self.is_submitting = False
        self.by_hour: dict[int, float] = {}
        for wish in wished:
            if wish.kind not in QUEUE_KINDS:
                self.at(wish.at_s, self._offer(wish))
        end = wished[-1].at_s if wished else 0.0
        for epoch in range(1, ceil(end / EPOCH_S) + FINAL_EPOCHS + 3):
            self.at(epoch * EPOCH_S, self._epoch)

    def at(self, time_s: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self.events, (time_s, next(self.order), what))

    def run(self) -> Day:
        while self.events:
            now, _, what = heapq.heappop(self.events)
            what(now)
            self._seal(now)
        self.day.busiest_hour_s = max(self.by_hour.values(), default=0.0)
        return self.day

    def _offer(self, wish: Wish) -> Callable[[float], None]:
        def offer(now: float) -> None:
            if self.desk.offer(wish, now):
                self.day.taken += 1
                self._wake(now)
            else:
                self.day.refused += 1

        return offer

    def _wake(self, now: float) -> None:
        """Look again when what has just come may wait no longer."""
        for age_s in (self.terms.policy.maximum_age_s, self.terms.policy.patient_age_s):
            self.at(now + age_s, lambda _now: None)

    def _epoch(self, now: float) -> None:
        l1_time, ops = final_time(now), list[Wish]()
        while self.queue and self.queue[0].at_s <= l1_time:
            ops.append(self.queue.popleft())
        self.day.ops += len(ops)
        self.desk.follow(ops, now, l1_time)
        if ops:
            self._wake(now)

    def _seal(self, now: float) -> None:
        while (batch := self.desk.seal(now, self.unproved)) is not None:
            self.day.batches.append(batch)
            self.unproved += 1
            ready = max(self._prove(now) for _ in range(batch.proofs))
            self.at(ready, self._proved(batch))

    def _prove(self, now: float) -> float:
        """When a proof that is asked for now is there."""
        begun = max(now, heapq.heappop(self.free_provers))
        done = begun + self.terms.proof_s
        heapq.heappush(self.free_provers, done)
        self.day.prover_busy_s += self.terms.proof_s
        hour = int(begun // 3_600)
        self.by_hour[hour] = self.by_hour.get(hour, 0.0) + self.terms.proof_s
        return done

    def _proved(self, batch: Batch) -> Callable[[float], None]:
        def proved(now: float) -> None:
            self.unproved -= 1
            self.desk.proved(batch)
            self.day.proved_s += [now - accepted for _, accepted in batch.wishes]
            self.submitting.append(batch)
            self._submit(now)

        return proved

    def _submit(self, now: float) -> None:
        """One at a time: the next is sent when L1 has the one before."""
        if self.is_submitting or not self.submitting:
            return
        batch, self.is_submitting = self.submitting.popleft(), True
        block = (floor((now + TRIES_S) / BLOCK_S) + 1) * BLOCK_S
        self.day.l1_busy_s += block - now

        def accepted(at: float) -> None:
            self.is_submitting = False
            self.day.on_l1_s += [at - since for _, since in batch.wishes]
            final_at = (floor(block / EPOCH_S) + 1 + FINAL_EPOCHS) * EPOCH_S
            self.at(final_at, self._final(batch))
            self._submit(at)

        self.at(block, accepted)

    def _final(self, batch: Batch) -> Callable[[float], None]:
        def final(now: float) -> None:
            self.desk.final(batch, final_time(now))
            self.day.final_s += [now - accepted for _, accepted in batch.wishes]

        return final
