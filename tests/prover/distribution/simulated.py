"""Pools whose proofs are simulated with the trapdoor: real verification, no proving."""

from __future__ import annotations

from pathlib import Path

from prover.distribution import Key, Order, ProvingPool, Requirement, Terms, Workforce
from prover.jobs import ProofJob
from tests.prover.tiny import TINY
from tests.support.trapdoor import Trapdoor

QUICK = Terms(timeout_s=120.0, attempts=3, pause_s=0.01)


def order_of(job: ProofJob) -> Order:
    return Order(_requirement(), job)


def simulated_pool(workforce: Workforce, terms: Terms = QUICK) -> ProvingPool:
    key = Key(Trapdoor.make().verifying_key, 4_242, Path("nowhere"))
    return ProvingPool(_requirement(), key, workforce, terms)


def _requirement() -> Requirement:
    return Requirement(TINY, "c1" * 32, Trapdoor.make().verifying_key.digest().hex())
