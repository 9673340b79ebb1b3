"""Invariant: a job names all that its proof says, and no proof leaves here that does not verify.

Jobs are proved wherever a concurrent.futures.Executor takes them:

    executor.submit(prove_job, shape, cache_folder, job)

Each process keeps one BatchProver; keys and kernels come from the cache that all share.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from protocol.batch import ExecutedProof, PublicInputs, Shape
from protocol.crypto import compiled
from prover.cache import Cache, user_cache
from prover.circuits.batch import BatchCircuit, batch_circuit
from prover.errors import NotSetUp, Unsatisfied, WrongShape
from prover.groth16 import Proof, ProvingKey, VerifyingKey, prove
from prover.groth16.store import development_key
from prover.kernels import warm
from prover.progress import Progress, silent
from prover.r1cs.errors import BrokenConstraint
from prover.witness import batch_witness

_ENTROPY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProofJob:
    """One proof to make. Picklable; the same job made twice is the same job."""

    executed: ExecutedProof
    public: PublicInputs

    @property
    def id(self) -> str:
        """SHA-256, in hex, of shape and public inputs, which bind all that the proof says."""
        shape = self.executed.shape
        words = (shape.queue_slots, shape.user_slots, *self.public.values())
        return hashlib.sha256(b"".join(word.to_bytes(32, "big") for word in words)).hexdigest()


class BatchProver:
    """Proves batches of one shape. `setup` first; it is quick where the cache has everything."""

    def __init__(
        self, shape: Shape, *, cache_folder: Path | None = None, progress: Progress = silent
    ) -> None:
        """`cache_folder`: where keys are kept, the user's cache by default."""
        self.shape = shape
        self._cache = user_cache() if cache_folder is None else Cache(cache_folder)
        self._progress = progress
        self._ready: tuple[BatchCircuit, ProvingKey] | None = None

    def setup(self) -> None:
        """Compile the kernels, record the circuit, and load or make its development key.

        Stages of the progress: "compiling kernels", "recording the circuit", then those of the
        key. Raises KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory.
        """
        if self._ready is not None:
            return
        warm(self._progress)
        compiled.install()
        self._progress("recording the circuit", 0, 1)
        circuit = batch_circuit(self.shape)
        self._progress("recording the circuit", 1, 1)
        entropy = secrets.token_bytes(_ENTROPY_BYTES)
        key = development_key(
            circuit.r1cs, cache=self._cache, entropy=entropy, progress=self._progress
        )
        self._ready = circuit, key

    @property
    def circuit(self) -> BatchCircuit:
        """The circuit. Raises NotSetUp."""
        return self._parts()[0]

    @property
    def verifying_key(self) -> VerifyingKey:
        """What proofs made here verify under. Raises NotSetUp."""
        return self._parts()[1].verifying_key

    @property
    def constraints(self) -> int:
        """The size of the circuit. Raises NotSetUp."""
        return self.circuit.r1cs.n_constraints

    def prove(self, job: ProofJob) -> Proof:
        """A proof of the job, verified.

        Raises NotSetUp, WrongShape, NotEnoughMemory, and BrokenConstraint, which names the rule,
        where the job's execution is not one that the circuit allows.
        """
        circuit, key = self._parts()
        if job.executed.shape != self.shape:
            raise WrongShape(str(job.executed.shape), str(self.shape))
        witness = batch_witness(circuit, job.executed, job.public)
        entropy = secrets.token_bytes(_ENTROPY_BYTES)
        try:
            return prove(key, circuit.r1cs, witness, entropy=entropy, progress=self._progress)
        except Unsatisfied as error:
            raise BrokenConstraint(error.row, circuit.circuit.row_name(error.row)) from error

    def _parts(self) -> tuple[BatchCircuit, ProvingKey]:
        if self._ready is None:
            raise NotSetUp
        return self._ready


def prove_job(shape: Shape, cache_folder: Path | None, job: ProofJob) -> Proof:
    """Prove in whatever process this runs. Raises what BatchProver.setup and .prove raise."""
    return _prover(shape, cache_folder).prove(job)


def prepare_process(shape: Shape, cache_folder: Path | None) -> None:
    """Load what prove_job needs here, ahead of the first job. Raises as BatchProver.setup."""
    _prover(shape, cache_folder)


@lru_cache(maxsize=1)
def _prover(shape: Shape, cache_folder: Path | None) -> BatchProver:
    prover = BatchProver(shape, cache_folder=cache_folder)
    prover.setup()
    return prover
