"""Invariant: one satisfied batch circuit is one proof of docs/protocol.md section 5, for its shape.

head, queue slots 0 .. Q - 1, user slots 0 .. N - 1 between the opening and the closing of windows,
and tail are templates, each recorded once and joined: a queue slot starts from the root, a user
slot from the windows that the one before left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from protocol.batch import Shape
from protocol.windows import PREFIX_BITS
from prover.circuits.ends import LINKED, PUBLIC, head, tail
from prover.circuits.queue_slot import ELEMENTS, queue_slot
from prover.circuits.user_slot import user_slot
from prover.circuits.windows import WINDOWS, closing, opening
from prover.r1cs.compose import Circuit, Instance, Port, compose
from prover.r1cs.system import R1CS

DEFAULT_SHAPE = Shape(queue_slots=2, user_slots=9)
"""The most user slots for which the whole circuit fits 2^18."""

HEAD, OPENED, CLOSED, TAIL = "head", "opened", "closed", "tail"


@dataclass(frozen=True, slots=True, eq=False)
class BatchCircuit:
    """The circuit of a shape. counts: constraints of each kind of part and of the whole."""

    shape: Shape
    circuit: Circuit
    counts: Mapping[str, int]

    @property
    def r1cs(self) -> R1CS:
        """The whole as one constraint system; its public inputs are PublicInputs' values."""
        return self.circuit.r1cs


def queue_name(j: int) -> str:
    """The name of queue slot j's instance."""
    return f"queue{j}"


def user_name(i: int) -> str:
    """The name of user slot i's instance."""
    return f"user{i}"


@lru_cache(maxsize=4)
def batch_circuit(shape: Shape) -> BatchCircuit:
    """Record and join the templates (seconds, once a process and shape)."""
    instances = _instances(shape)
    circuit = compose(f"batch of {shape.queue_slots} + {shape.user_slots}", instances)
    counts = {each.template.name: len(each.template.rows) for each in instances}
    counts["batch"] = circuit.r1cs.n_constraints
    return BatchCircuit(shape, circuit, counts)


def _instances(shape: Shape) -> list[Instance]:
    queue = [queue_name(j) for j in range(shape.queue_slots)]
    users = [user_name(i) for i in range(shape.user_slots)]
    context = {name: Port(HEAD, name) for name in ("domain", "l1_time", "queue_covered")}
    instances = [Instance(HEAD, head())]
    before = HEAD
    for name in queue:
        links = _roots_of(before) | {"used_before": Port(before, "used")}
        links |= {each: context[each] for each in ("domain", "l1_time")}
        instances.append(Instance(name, queue_slot(), links))
        before = name
    links = _roots_of(before)
    instances.append(Instance(OPENED, opening()))
    prefixes = {f"{window}/prefix": Port(OPENED, f"{window}/prefix") for window in WINDOWS}
    before = OPENED
    for name in users:
        nodes = {f"{window}/node": Port(before, window) for window in WINDOWS}
        instances.append(Instance(name, user_slot(), {**nodes, **prefixes, **context}))
        before = name
    for window in WINDOWS:
        links |= {f"{window}/old": Port(OPENED, window), f"{window}/new": Port(before, window)}
        bits = [f"{window}/bit/{i}" for i in range(PREFIX_BITS)]
        links |= {bit: Port(OPENED, bit) for bit in bits}
    instances.append(Instance(CLOSED, closing(), links))
    links = _roots_of(CLOSED) | {name: Port(HEAD, name) for name in LINKED}
    links |= {name: Port(HEAD, f"given/{name}") for name in PUBLIC}
    for i, name in enumerate(users):
        links |= {f"{each}/{i}": Port(name, each) for each in ("fee", "data", "message")}
    for j, name in enumerate(queue):
        links[f"used/{j}"] = Port(name, "used")
        links |= {f"element/{j}/{k}": Port(name, f"element/{k}") for k in range(ELEMENTS)}
    instances.append(Instance(TAIL, tail(shape), links))
    return instances


def _roots_of(name: str) -> dict[str, Port]:
    """The links to both roots as a part left them."""
    return {f"{tree}_root": Port(name, tree) for tree in ("accounts", "channels")}
