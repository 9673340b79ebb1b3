"""What Prometheus scrapes: one registry a process, filled by the process that does the work.

Only the process that follows L1, seals and submits exports these; it alone knows them, and workers
hand the question on to it, so nothing is added up over processes. Every name begins with
`wattlane_`; times are seconds, money is ether. What is a state of the ledger is read when it is
scraped; what happens is counted when it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sequencer.standing import BATCH_STATUSES, Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PROOF_BUCKETS_S = (1, 2, 4, 8, 15, 30, 60, 120, 300, 900)
GAS_BUCKETS = (250e3, 300e3, 400e3, 550e3, 700e3, 850e3, 1e6, 1.5e6, 2e6, 4e6)


class Metrics:
    """See the module. Thread-safe; cheap where nobody scrapes."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.proof_seconds = Histogram(
            "wattlane_proof_seconds",
            "How long a proof took, from the order or the proof before it",
            buckets=PROOF_BUCKETS_S,
            registry=registry,
        )
        self.batch_gas = Histogram(
            "wattlane_batch_gas",
            "L1 gas that an accepted batch used",
            buckets=GAS_BUCKETS,
            registry=registry,
        )
        self.batches_sealed = Counter(
            "wattlane_batches_sealed", "Batches sealed", registry=registry
        )
        self.batches_resealed = Counter(
            "wattlane_batches_resealed",
            "Batches sealed anew, as L1 could no longer accept them",
            registry=registry,
        )
        self.replacements = Counter(
            "wattlane_l1_replacements",
            "L1 transactions replaced by others that offer more",
            registry=registry,
        )
        self.foreign_nonces = Counter(
            "wattlane_l1_foreign_nonces",
            "Nonces of a batch that a transaction of somebody else's used",
            registry=registry,
        )
        self.reorgs = Counter(
            "wattlane_l1_reorgs", "Times that L1 took accepted batches back", registry=registry
        )
        self.base_fee = Gauge(
            "wattlane_l1_base_fee_gwei", "L1's newest base fee a gas", registry=registry
        )
        self.reserve = Gauge(
            "wattlane_reserve_ether", "What the operator's L1 account holds", registry=registry
        )
        self.reserve_batches = Gauge(
            "wattlane_reserve_batches",
            "Batches that the reserve pays for at L1's newest prices",
            registry=registry,
        )

    def observe(
        self, standing: Callable[[], Standing], ailments: Callable[[], Iterable[str]]
    ) -> None:
        """From now on show also what these say at each scrape."""
        self.registry.register(_Observed(standing, ailments))

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)


class _Observed(Collector):
    """The ledger's state at the moment of a scrape."""

    def __init__(
        self, standing: Callable[[], Standing], ailments: Callable[[], Iterable[str]]
    ) -> None:
        self._standing, self._ailments = standing, ailments

    def collect(self) -> Iterator[Metric]:
        """One family a fact."""
        now = self._standing()
        for name, text, value in (
            ("queue_ops", "L1 queue ops that no final batch has consumed", now.queue_ops),
            ("queue_age_seconds", "L1 time since the oldest of them", now.queue_age_s),
            ("forced_age_seconds", "L1 time since the oldest forced one", now.forced_age_s),
            ("mempool_transactions", "Transactions in no batch yet", now.mempool),
            ("mempool_age_seconds", "How long the oldest of them waits", now.mempool_age_s),
            ("watch_lag_seconds", "Since L1 was last followed to its end", now.watch_lag_s),
            ("final_batch", "The newest batch in a final L1 block", now.final_batch),
            ("proofs_missing", "Proofs that sealed batches wait for", now.proofs_missing),
        ):
            yield GaugeMetricFamily(f"wattlane_{name}", text, value)
        batches = GaugeMetricFamily(
            "wattlane_batches", "Batches on their way to a final block", labels=["status"]
        )
        for status in BATCH_STATUSES:
            batches.add_metric([status], now.batches.get(status, 0))
        yield batches
        ailing = GaugeMetricFamily(
            "wattlane_ailments", "1 for each part that ails; see /v1/health", labels=["part"]
        )
        for part in self._ailments():
            ailing.add_metric([part], 1)
        yield ailing
