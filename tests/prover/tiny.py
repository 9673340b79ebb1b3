"""The smallest batch circuit, one user slot, and jobs for it."""

from __future__ import annotations

from protocol.batch import Shape, challenge, public_inputs
from protocol.transactions import Transfer
from prover.jobs import ProofJob
from tests.protocol.street import ANNA, LATER, signed
from tests.prover.circuits.cases import seasoned_street
from tests.prover.circuits.proofs import executed

TINY = Shape(queue_slots=0, user_slots=1)


def a_job(amount_ntok: int = 900) -> ProofJob:
    """A transfer; another amount is another job."""
    transaction = signed(Transfer(0, 77, 0, amount_ntok, 7, LATER), ANNA)
    proof = executed(seasoned_street(), [], [(transaction, None)], shape=TINY)
    return ProofJob(proof, public_inputs(proof, challenge([proof])))
