"""The first page: whether all is well, how far the rollup has come, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.codec import Json
from sequencer.pages.batches import BatchLine
from sequencer.pages.marks import Mark

_AILING = {
    "l1": "L1 does not answer",
    "batches": "batches cannot be sealed",
    "prover": "proofs are not being made",
    "submitter": "batches do not reach L1",
    "rollup": "this rollup has ended",
}
_HAPPENED = {
    "accepted": "taken",
    "soft": "executed",
    "sealed": "sealed",
    "proved": "proved",
    "submitted": "sent to L1",
    "final": "final on L1",
    "rejected": "refused",
    "voided": "sealed anew",
    "reorged": "taken back by L1",
}
_TO_BATCHES = {"accepted": "accepted by L1"}


@dataclass(frozen=True, slots=True)
class Ailment:
    """What does not work, for people and as the daemon said it."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class RootLine:
    """The state root at one level, and the batch that led to it (None: the open one)."""

    mark: Mark
    batch: int | None
    root: int


@dataclass(frozen=True, slots=True)
class EventLine:
    """Something that happened. `path`: of the page about it, or None."""

    id: int
    what: str
    subject: str
    path: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All of the first page but the picture of flows."""

    ailments: tuple[Ailment, ...]
    roots: tuple[RootLine, ...]
    final_block: int
    l1_time: int
    ops_seen: int
    ops_sealed: int
    ops_final: int
    mempool: int
    homes: int
    channels: int
    settled_wh: int
    batches: tuple[BatchLine, ...]
    events: tuple[EventLine, ...]

    @property
    def is_well(self) -> bool:
        """Nothing ails it."""
        return not self.ailments

    @property
    def ops_waiting(self) -> int:
        """Ops of L1's queue that no batch has taken in."""
        return self.ops_seen - self.ops_sealed


@dataclass(frozen=True, slots=True)
class Census:
    """What the soft state holds: `settled_wh` is all energy that closes have credited as sold."""

    homes: int
    channels: int
    settled_wh: int


def overview(
    state: Json,
    health: Json,
    census: Census,
    batches: Sequence[BatchLine],
    events: Sequence[EventLine],
) -> Overview:
    """The page from the API's /v1/state and /v1/health and the rest."""
    queue = state["queue"]
    return Overview(
        ailments=tuple(
            Ailment(_AILING.get(part, part), str(what))
            for part, what in dict(health.get("ailments", {})).items()
        ),
        roots=(
            RootLine(Mark("soft"), None, int(state["soft_root"])),
            RootLine(Mark("proved"), int(state["proved_batch"]), int(state["proved_root"])),
            RootLine(Mark("final"), int(state["final_batch"]), int(state["final_root"])),
        ),
        final_block=int(state["final_block"]),
        l1_time=int(state["l1_time"]),
        ops_seen=int(queue["seen"]),
        ops_sealed=int(queue["sealed"]),
        ops_final=int(queue["final"]),
        mempool=int(state["mempool"]),
        homes=census.homes,
        channels=census.channels,
        settled_wh=census.settled_wh,
        batches=tuple(batches),
        events=tuple(events),
    )


def event_line(id_: int, kind: str, subject: str, at: float) -> EventLine:
    """An event of the outbox, linked to what it is about."""
    words = subject.split()
    path: str | None = None
    happened = _HAPPENED.get(kind, kind)
    if len(words) == 2 and words[0] == "batch" and words[1].isdigit():
        path, shown = f"/batches/{words[1]}", subject
        happened = _TO_BATCHES.get(kind, happened)
    elif len(subject) == 64 and all(digit in "0123456789abcdef" for digit in subject):
        path, shown = f"/transactions/{subject}", f"transaction {subject[:8]}…"
    else:
        shown = subject
    return EventLine(id_, happened, shown, path, at)
