"""Invariant: a job names all that its proof says, and no proof leaves here that does not verify.

This is proving in one's own process; prover/distribution/ gives jobs to others.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from protocol.batch import ExecutedProof, PublicInputs, Shape
from protocol.crypto import compiled
from prover.cache import Cache, user_cache
from prover.circuits.batch import BatchCircuit, batch_circuit
from prover.errors import KeyNotFound, NotSetUp, Unsatisfied, WrongShape
from prover.groth16 import Proof, ProvingKey, VerifyingKey, prove
from prover.groth16.store import circuit_key, folder_of, key_of_digest
from prover.kernels import warm
from prover.progress import Progress, silent
from prover.r1cs.errors import BrokenConstraint
from prover.r1cs.system import R1CS
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
        self,
        shape: Shape,
        *,
        cache_folder: Path | None = None,
        key: bytes | None = None,
        progress: Progress = silent,
    ) -> None:
        """`cache_folder`: where keys are kept, the user's cache by default.

        `key`: the digest of the verifying key to prove under; None is a ceremony's key for the
        circuit if there is one, else its development key, which is made where there is none.
        """
        self.shape = shape
        self._cache = user_cache() if cache_folder is None else Cache(cache_folder)
        self._wanted_key, self._progress = key, progress
        self._circuit: BatchCircuit | None = None
        self._key: ProvingKey | None = None

    def setup(self) -> None:
        """Compile the kernels, record the circuit, and load or make its key.

        Stages of the progress: "compiling kernels", "recording the circuit", then those of the
        key. Raises KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory, and KeyNotFound where
        a certain key was asked for.
        """
        if self._key is not None:
            return
        warm(self._progress)
        compiled.install()
        self._progress("recording the circuit", 0, 1)
        self._circuit = batch_circuit(self.shape)
        self._progress("recording the circuit", 1, 1)
        self._key = self._find_key(self._circuit.r1cs)

    def _find_key(self, r1cs: R1CS) -> ProvingKey:
        if self._wanted_key is None:
            entropy = secrets.token_bytes(_ENTROPY_BYTES)
            return circuit_key(r1cs, cache=self._cache, entropy=entropy, progress=self._progress)
        circuit = r1cs.digest().hex()
        key = key_of_digest(self._wanted_key, circuit, self._cache)
        if key is None:
            raise KeyNotFound(self._wanted_key.hex(), circuit, self._cache.root)
        return key

    @property
    def circuit(self) -> BatchCircuit:
        """The circuit. Raises NotSetUp."""
        if self._circuit is None:
            raise NotSetUp
        return self._circuit

    @property
    def key(self) -> ProvingKey:
        """What proofs are made with. Raises NotSetUp."""
        if self._key is None:
            raise NotSetUp
        return self._key

    @property
    def verifying_key(self) -> VerifyingKey:
        """What proofs made here verify under. Raises NotSetUp."""
        return self.key.verifying_key

    @property
    def key_folder(self) -> Path:
        """The folder of the key's files. Raises NotSetUp."""
        return folder_of(self.key, self._cache)

    @property
    def constraints(self) -> int:
        """The size of the circuit. Raises NotSetUp."""
        return self.circuit.r1cs.n_constraints

    def prove(self, job: ProofJob) -> Proof:
        """A proof of the job, verified.

        Raises NotSetUp, WrongShape, NotEnoughMemory, and BrokenConstraint, which names the rule,
        where the job's execution is not one that the circuit allows.
        """
        circuit, key = self.circuit, self.key
        if job.executed.shape != self.shape:
            raise WrongShape(str(job.executed.shape), str(self.shape))
        witness = batch_witness(circuit, job.executed, job.public)
        entropy = secrets.token_bytes(_ENTROPY_BYTES)
        try:
            return prove(key, circuit.r1cs, witness, entropy=entropy, progress=self._progress)
        except Unsatisfied as error:
            raise BrokenConstraint(error.row, circuit.circuit.row_name(error.row)) from error
