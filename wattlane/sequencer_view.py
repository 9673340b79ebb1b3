"""What a sequencer says of itself over HTTP: shown to people, never believed as proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

import httpx

from wattlane.errors import WattlaneError

TIMEOUT_S = 10.0


@dataclass
class SequencerSilent(WattlaneError):
    """The sequencer does not answer, or its answer is not the JSON that it promises."""

    url: str
    what: str

    def __str__(self) -> str:
        return f"the sequencer at {self.url} is of no use now: {self.what}"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A sealed batch. `transactions` and `ops`: user transactions and queue ops in it.

    `made`: how many of its proofs are there. `prove_seconds`: those of all together; 0.0 while one
    is missing.
    """

    number: int
    status: str
    proofs: int
    made: int
    transactions: int
    ops: int
    new_root: int
    constraints: int
    prove_seconds: float
    gas_used: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the sequencer is: its open work, its newest sealed batch and the newest final one."""

    l1_time: int
    mempool: int
    sealed_batch: int
    final_batch: int
    final_root: int
    ops_seen: int
    ops_final: int

    @property
    def idle(self) -> bool:
        """Nothing waits: all that it has taken is final."""
        settled = self.sealed_batch == self.final_batch and self.ops_seen == self.ops_final
        return settled and not self.mempool


class SequencerView:
    """A connection to one sequencer. Every method raises SequencerSilent."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> SequencerView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str) -> object:
        """The JSON at a path."""
        return self._page(path)[0]

    def rows(self, path: str) -> Iterator[object]:
        """The rows of a list, over all its pages."""
        next_, seen = path, {path}
        while True:
            page, cursor = self._page(next_)
            if not isinstance(page, list):
                raise SequencerSilent(self.url, f"{path} is no list")
            yield from page
            next_ = str(httpx.URL(path, params={"cursor": cursor or ""}))
            if cursor is None or next_ in seen:
                return
            seen.add(next_)

    def _page(self, path: str) -> tuple[object, str | None]:
        """The JSON at a path and the cursor of the page after it, if there is one."""
        try:
            answer = self._http.get(path)
            answer.raise_for_status()
            found: object = answer.json()
            link = answer.links.get("next", {}).get("url", "")
            return found, httpx.URL(link).params.get("cursor")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise SequencerSilent(self.url, f"{path}: {error or type(error).__name__}") from error

    def _object(self, path: str) -> Mapping[str, object]:
        found = self.get(path)
        if not isinstance(found, dict):
            raise SequencerSilent(self.url, f"{path} is no object")
        return found

    def info(self) -> Mapping[str, object]:
        """Chain, contract, shape and fee, as strings."""
        return self._object("/v1/info")

    def healthy(self) -> bool:
        """Whether it answers and says that it works."""
        try:
            return self._object("/v1/health").get("status") == "ok"
        except SequencerSilent:
            return False

    def standing(self) -> Standing:
        """Roots, queue and mempool."""
        state = self._object("/v1/state")
        queue = state.get("queue")
        if not isinstance(queue, dict):
            raise SequencerSilent(self.url, "/v1/state has no queue")
        return Standing(
            l1_time=self._int(state, "l1_time"),
            mempool=self._int(state, "mempool"),
            sealed_batch=self._int(state, "sealed_batch"),
            final_batch=self._int(state, "final_batch"),
            final_root=self._int(state, "final_root"),
            ops_seen=self._int(queue, "seen"),
            ops_final=self._int(queue, "final"),
        )

    def batches(self) -> tuple[BatchRow, ...]:
        """Every sealed batch, in order."""
        return tuple(self._row(one) for one in self.rows("/v1/batches"))

    def _row(self, given: object) -> BatchRow:
        if not isinstance(given, dict):
            raise SequencerSilent(self.url, "/v1/batches has a row that is no object")
        seconds, proofs = given.get("prove_seconds") or 0.0, given.get("proofs")
        if not isinstance(proofs, list) or not all(isinstance(one, dict) for one in proofs):
            raise SequencerSilent(self.url, "/v1/batches has a row without proofs")
        return BatchRow(
            number=self._int(given, "number"),
            status=str(given.get("status")),
            proofs=len(proofs),
            made=sum(one.get("proof") is not None for one in proofs),
            transactions=self._int(given, "transaction_count"),
            ops=self._int(given, "op_count"),
            new_root=self._int(given, "new_root"),
            constraints=self._int(given, "constraints"),
            prove_seconds=float(seconds) if isinstance(seconds, (int, float)) else 0.0,
            gas_used=self._int(given, "gas_used"),
        )

    def _int(self, given: Mapping[str, object], name: str) -> int:
        found = given.get(name) or 0
        try:
            return int(str(found), 0)
        except ValueError as error:
            raise SequencerSilent(self.url, f"{name} is {str(found)[:40]!r}") from error
