from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from protocol.batch import Shape
from prover.errors import ProverError
from prover.jobs import ProofJob
from sequencer.proving import NICENESS, PoolProver, check_proof, contract_key
from tests.sequencer.world import World
from tests.support.pool_work import die, report
from tests.support.simulated_prover import SimulatedProver
from tests.support.trapdoor import Trapdoor


def ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    readable, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(readable)


@pytest.fixture
def job(world: World) -> ProofJob:
    world.ledger.submit(world.transfer())
    batch = world.sealed()
    return ProofJob(batch.proofs[0], batch.inputs[0])


def pool(work: object) -> PoolProver:
    key = Trapdoor.make().verifying_key
    return PoolProver(Shape(1, 1), None, key, None, work)  # type: ignore[arg-type]


def test_work_is_done_in_a_nicer_process_of_its_own(job: ProofJob) -> None:
    prover = pool(report)
    pid, niceness = prover.submit(job).result(60).split()
    assert int(pid) != os.getpid()
    assert int(niceness) == min(os.nice(0) + NICENESS, 19)
    prover.close()
    assert ended(int(pid))


def test_a_worker_that_dies_is_replaced(job: ProofJob) -> None:
    prover = pool(die)
    with pytest.raises(BrokenProcessPool):
        prover.submit(job).result(60)
    prover._work = report
    assert prover.submit(job).result(60)
    prover.close()


def test_the_worker_ends_with_the_sequencer_however_it_ends(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal
        from sequencer.proving import _pool
        if __name__ == "__main__":
            pool = _pool()
            print(pool.submit(os.getpid).result(60), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    path = tmp_path / "parent.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=60, cwd=Path.cwd()
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert ended(int(done.stdout.split()[0]))


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
