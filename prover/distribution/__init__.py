"""Proofs that other processes make, here or on a cluster.

    pool = ProvingPool(requirement, key, LocalProcesses())     or open_cluster("tcp://host:8786")
    future = pool.submit(job)                                  a verified proof, or an error

Lost work is given out again, what comes back is verified, wrong proofs are blamed on their worker.
"""

from __future__ import annotations

from importlib.util import find_spec

from prover.distribution.errors import DaskMissing, Worker
from prover.distribution.local import NICENESS, LocalProcesses
from prover.distribution.pool import Key, ProvingPool, Terms, Workforce
from prover.distribution.work import Delivery, Order, Requirement

__all__ = [
    "NICENESS",
    "Delivery",
    "Key",
    "LocalProcesses",
    "Order",
    "ProvingPool",
    "Requirement",
    "Terms",
    "Worker",
    "Workforce",
    "need_dask",
    "open_cluster",
]


def open_cluster(scheduler: str) -> Workforce:
    """The workers of a Dask cluster. Raises DaskMissing, SchedulerUnreachable."""
    need_dask()
    from prover.distribution.cluster import Cluster

    return Cluster(scheduler)


def need_dask() -> None:
    """Raises DaskMissing where prover.distribution.cluster and .worker cannot be imported."""
    if find_spec("distributed") is None:
        raise DaskMissing
