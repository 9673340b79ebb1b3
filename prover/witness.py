"""Invariant: a witness is made from what the executor did and from nothing else.

The inputs of every slot come from the executor's traces; slots without one are padding. All other
wires are computed by the templates' tapes, links between slots included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.batch import ExecutedProof, PublicInputs
from prover.circuits.batch import (
    CLOSED,
    HEAD,
    OPENED,
    TAIL,
    BatchCircuit,
    queue_name,
    user_name,
)
from prover.circuits.ends import head_inputs, tail_inputs
from prover.circuits.queue_inputs import queue_inputs
from prover.circuits.user_inputs import user_inputs
from prover.circuits.windows import closing_inputs, opening_inputs
from prover.errors import WrongShape


def batch_inputs(
    circuit: BatchCircuit, executed: ExecutedProof, public: PublicInputs
) -> dict[str, dict[str, int]]:
    """Instance -> name -> value, for all but the links. Raises WrongShape."""
    if executed.shape != circuit.shape:
        raise WrongShape(str(executed.shape), str(circuit.shape))
    inputs = {
        HEAD: head_inputs(public, executed.context, executed.old_trees),
        OPENED: opening_inputs(executed.windows),
        CLOSED: closing_inputs(executed.windows),
        TAIL: tail_inputs(executed),
    }
    for j in range(circuit.shape.queue_slots):
        queue_trace = executed.queue[j] if j < len(executed.queue) else None
        inputs[queue_name(j)] = queue_inputs(queue_trace)
    for i in range(circuit.shape.user_slots):
        user_trace = executed.users[i] if i < len(executed.users) else None
        inputs[user_name(i)] = user_inputs(user_trace, executed.windows)
    return inputs


def batch_witness(
    circuit: BatchCircuit, executed: ExecutedProof, public: PublicInputs, *, threads: int = 2
) -> NDArray[np.uint64]:
    """The witness, uint64[n_wires, 4] in Montgomery form, of an executed proof.

    Constraints are not looked at: `circuit.circuit.check` does. Raises WrongShape.
    """
    return circuit.circuit.witness(batch_inputs(circuit, executed, public), threads=threads)
