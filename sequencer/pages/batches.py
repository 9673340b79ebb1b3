"""A batch as its page and the lists show it, made from what the API's views say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.codec import Json
from sequencer.pages.marks import Mark, Rung, batch_mark, ladder
from sequencer.pages.telling import Told

PAGE = 25


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in a list. `made` of its `proofs` are there; `gas` None: not on L1 yet."""

    number: int
    status: str
    mark: Mark
    transactions: int
    ops: int
    proofs: int
    made: int
    prove_seconds: float | None
    gas: int | None
    new_root: int | None


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One proof of a batch. `hex` None: it is still being made."""

    place: int
    transactions: int
    ops: int
    new_root: int
    digest: int
    hex: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A transaction or a queue op in a batch, with the path of its page (or none)."""

    path: str | None
    name: str
    told: Told


@dataclass(frozen=True, slots=True)
class BatchPage:
    """All of one batch. `l1_link` None: there is no setting `l1_explorer_url`, or no L1 yet."""

    line: BatchLine
    ladder: tuple[Rung, ...]
    old_root: int
    l1_time: int | None
    queue_covered: int | None
    constraints: int | None
    data_mode: str | None
    calldata_bytes: int | None
    l1_tx: str | None
    l1_block: int | None
    l1_link: str | None
    proofs: tuple[ProofLine, ...]
    rows: tuple[Row, ...]
    ops: tuple[Row, ...]
    previous: int | None
    next: int | None

    @property
    def on_l1(self) -> bool:
        """Whether L1 holds it, so that there is something to verify."""
        return self.line.status in ("accepted", "final")

    @property
    def gas_a_transaction(self) -> int | None:
        """Gas shared out over transactions and ops."""
        shared = self.line.transactions + self.line.ops
        return self.line.gas // shared if self.line.gas is not None and shared else None


@dataclass(frozen=True, slots=True)
class BatchList:
    """A page of batches, the newest first. `older`, `newer`: what to ask for next, or None."""

    lines: tuple[BatchLine, ...]
    older: int | None
    newer: int | None


def line_of(given: Json) -> BatchLine:
    """A sealed batch of the API, or the open one."""
    status = str(given["status"])
    proofs = given.get("proofs", [])
    transactions = given.get("transaction_count", len(given["transactions"]))
    root = given.get("new_root")
    return BatchLine(
        number=int(given["number"]),
        status=status,
        mark=batch_mark(status),
        transactions=int(transactions),
        ops=int(given.get("op_count", 0)),
        proofs=len(proofs),
        made=sum(one["proof"] is not None for one in proofs),
        prove_seconds=given.get("prove_seconds"),
        gas=given.get("gas_used"),
        new_root=None if root is None else int(root),
    )


def page_of(
    given: Json, rows: Sequence[Row], ops: Sequence[Row], newest: int, explorer_url: str | None
) -> BatchPage:
    """A batch's page. `newest`: the number of the open batch; `explorer_url`: of an L1 explorer."""
    line, l1_tx = line_of(given), given.get("l1_tx")
    return BatchPage(
        line=line,
        ladder=ladder(line.mark.level),
        old_root=int(given["old_root"]),
        l1_time=_number(given.get("l1_time")),
        queue_covered=_number(given.get("queue_covered")),
        constraints=given.get("constraints"),
        data_mode=given.get("data_mode"),
        calldata_bytes=given.get("calldata_bytes"),
        l1_tx=l1_tx,
        l1_block=_number(given.get("l1_block")),
        l1_link=f"{explorer_url.rstrip('/')}/tx/{l1_tx}" if explorer_url and l1_tx else None,
        proofs=tuple(_proof(place, one) for place, one in enumerate(given.get("proofs", []), 1)),
        rows=tuple(rows),
        ops=tuple(ops),
        previous=line.number - 1 if line.number > 1 else None,
        next=line.number + 1 if line.number < newest else None,
    )


def list_of(given: Sequence[Json], newest: int, below: int) -> BatchList:
    """The page of batches with numbers under `below`, of which `given` are the sealed ones."""
    lines = sorted((line_of(one) for one in given), key=lambda one: -one.number)
    shown = tuple(one for one in lines if one.number < below)[:PAGE]
    last = shown[-1].number if shown else 1
    above = min(below + PAGE, newest + 2)
    return BatchList(shown, last if last > 1 else None, above if below <= newest else None)


def _proof(place: int, given: Json) -> ProofLine:
    return ProofLine(
        place=place,
        transactions=int(given["transaction_count"]),
        ops=int(given["op_count"]),
        new_root=int(given["new_root"]),
        digest=int(given["digest"]),
        hex=given["proof"],
        seconds=given["prove_seconds"],
    )


def _number(given: object) -> int | None:
    return None if given is None else int(str(given))
