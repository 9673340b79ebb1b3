"""Jobs: a real key, real proofs, in this process."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.batch import Shape
from protocol.crypto import compiled
from prover.errors import KeyNotFound, NotSetUp, WrongShape
from prover.groth16 import verify_arkworks
from prover.groth16.errors import VerificationError
from prover.jobs import BatchProver, ProofJob
from prover.r1cs.errors import BrokenConstraint
from tests.prover.tiny import TINY, a_job


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def prover(cache_folder: Path) -> BatchProver:
    compiled.install()
    made = BatchProver(TINY, cache_folder=cache_folder)
    made.setup()
    return made


def test_a_job_is_named_by_what_it_says() -> None:
    job = a_job()
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301
    assert a_job().id == job.id
    assert a_job(901).id != job.id
    assert ProofJob(job.executed, replace(job.public, z=1)).id != job.id


def test_nothing_works_before_setup() -> None:
    unready = BatchProver(TINY)
    for use in (
        lambda: unready.prove(a_job()),
        lambda: unready.verifying_key,
        lambda: unready.circuit,
    ):
        with pytest.raises(NotSetUp, match="setup"):
            use()


def test_a_proof_verifies_for_its_job_alone(prover: BatchProver) -> None:
    job = a_job()
    proof = prover.prove(job)
    verify_arkworks(prover.verifying_key, job.public.values(), proof)
    with pytest.raises(VerificationError):
        verify_arkworks(prover.verifying_key, a_job(901).public.values(), proof)


def test_a_false_job_is_refused_with_the_rule_it_breaks(prover: BatchProver) -> None:
    job = a_job()
    lie = ProofJob(job.executed, replace(job.public, digest=job.public.digest + 1))
    with pytest.raises(BrokenConstraint, match="tail/digest"):
        prover.prove(lie)


def test_another_shape_is_refused(prover: BatchProver) -> None:
    job = a_job()
    other = replace(job.executed, shape=Shape(1, 1))
    with pytest.raises(WrongShape):
        prover.prove(ProofJob(other, job.public))


def test_a_certain_key_is_used_or_missed(prover: BatchProver, cache_folder: Path) -> None:
    digest = prover.verifying_key.digest()
    same = BatchProver(TINY, cache_folder=cache_folder, key=digest)
    same.setup()
    assert same.verifying_key == prover.verifying_key
    assert (same.key_folder / "key.json").is_file()
    other = BatchProver(TINY, cache_folder=cache_folder, key=bytes(32))
    with pytest.raises(KeyNotFound, match="no key 0000"):
        other.setup()


def test_progress_names_every_stage(cache_folder: Path, prover: BatchProver) -> None:
    stages: list[str] = []
    again = BatchProver(
        TINY, cache_folder=cache_folder, progress=lambda stage, done, total: stages.append(stage)
    )
    again.setup()
    assert again.verifying_key == prover.verifying_key
    assert {"compiling kernels", "recording the circuit"} <= set(stages)
    assert again.constraints == prover.constraints < 1 << 16
