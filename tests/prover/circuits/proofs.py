"""Whole batches for tests: execute, take public inputs, make the witness, check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from protocol.batch import ExecutedProof, Shape, challenge, public_inputs
from protocol.proof_builder import execute_proof
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Transaction
from prover.circuits.batch import batch_circuit
from prover.witness import batch_inputs, batch_witness
from tests.protocol.street import CARL, CONTEXT
from tests.prover.circuits.lone import failing_in

SMALL = Shape(queue_slots=2, user_slots=2)


def executed(
    state: State,
    ops: Sequence[QueueOp],
    transactions: Sequence[tuple[Transaction, int | None]],
    *,
    shape: Shape = SMALL,
    context: Context = CONTEXT,
    operator_index: int = CARL.index,
) -> ExecutedProof:
    """One proof's execution; `state` moves on."""
    return execute_proof(state, shape, context, operator_index, ops, transactions)


def witness_of(proof: ExecutedProof) -> NDArray[np.uint64]:
    """The witness at the challenge of a batch of one. Constraints are not looked at."""
    public = public_inputs(proof, challenge([proof]))
    return batch_witness(batch_circuit(proof.shape), proof, public)


def check(proof: ExecutedProof) -> None:
    """Raise BrokenConstraint for the first constraint that the proof's witness fails."""
    batch_circuit(proof.shape).circuit.check(witness_of(proof))


def failing_of(proof: ExecutedProof, changed: Mapping[str, Mapping[str, int]]) -> set[str]:
    """The names of all constraints that fail, with inputs changed: instance -> name -> value."""
    circuit = batch_circuit(proof.shape)
    inputs = batch_inputs(circuit, proof, public_inputs(proof, challenge([proof])))
    for instance, values in changed.items():
        inputs[instance] |= values
    return failing_in(circuit.circuit, circuit.circuit.witness(inputs))
