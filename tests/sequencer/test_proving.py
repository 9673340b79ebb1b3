from __future__ import annotations

import pytest

from prover.errors import ProverError
from prover.jobs import ProofJob
from sequencer.proving import check_proof, contract_key
from tests.sequencer.world import World
from tests.support.simulated_prover import SimulatedProver
from tests.support.trapdoor import Trapdoor


@pytest.fixture
def job(world: World) -> ProofJob:
    world.ledger.submit(world.transfer())
    batch = world.sealed()
    return ProofJob(batch.proofs[0], batch.inputs[0])


def test_a_proof_is_checked_before_it_is_used(job: ProofJob) -> None:
    prover = SimulatedProver(job.executed.shape)
    proof = prover.submit(job).result(10)
    check_proof(prover, job, proof)
    for bad in (proof[:-1] + bytes([proof[-1] ^ 1]), bytes(512), proof[:-1]):
        with pytest.raises(ProverError):
            check_proof(prover, job, bad)
    prover.close()


def test_the_contracts_key_is_the_provers() -> None:
    trapdoor = Trapdoor.make()
    assert contract_key(trapdoor.verifying_key) == trapdoor.contract_key
