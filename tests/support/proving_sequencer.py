"""The real daemon in a process of its own, with real proofs of a small circuit by a cluster."""

from __future__ import annotations

from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from protocol.batch import Shape
from prover.distribution import Terms
from tests.support import simulating_sequencer
from wattlane.proving import open_prover


def serve_on(scheduler: str, cache_folder: Path, shape: Shape) -> partial[None]:
    """The target of such a process. It keeps its keys in `cache_folder`."""
    return partial(_serve, scheduler, cache_folder, shape)


def _serve(
    scheduler: str,
    cache_folder: Path,
    shape: Shape,
    folder: Path,
    log: Path,
    answer: Connection,
    _kill_at: str | None,
    _proof_s: float,
) -> None:
    prover = open_prover(
        cache_folder=cache_folder, shape=shape, scheduler=scheduler, terms=Terms(timeout_s=100)
    )
    simulating_sequencer.run(folder, log, answer, prover)
