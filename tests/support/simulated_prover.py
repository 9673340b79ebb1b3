"""A sequencer's prover that simulates with a trapdoor: real proofs of the test's own key."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from protocol.batch import Shape
from prover.groth16.keys import VerifyingKey
from prover.jobs import ProofJob
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.trapdoor import Trapdoor

SHAPE = Shape(queue_slots=2, user_slots=4)


def simulated_exit_key() -> VerifyingKey:
    """What a rollup that `initialise` deploys verifies exits with."""
    return Trapdoor(EXIT_KEY).verifying_key


class SimulatedProver:
    """See sequencer.proving.Prover. `seconds` is how long a proof takes; none is made while there
    is the file `held`.
    """

    constraints = 4_242

    def __init__(
        self, shape: Shape = SHAPE, seconds: float = 0.0, held: Path | None = None
    ) -> None:
        self.shape = shape
        self._held = held
        self._seconds, self._trapdoor = seconds, Trapdoor.make()
        self._pool = ThreadPoolExecutor(1)

    @property
    def verifying_key(self) -> VerifyingKey:
        return self._trapdoor.verifying_key

    def submit(self, job: ProofJob) -> Future[bytes]:
        return self._pool.submit(self._prove, job)

    def ailments(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _prove(self, job: ProofJob) -> bytes:
        time.sleep(self._seconds)
        while self._held is not None and self._held.exists():
            time.sleep(0.02)
        return self._trapdoor.prove(job.public.values()).encode()
