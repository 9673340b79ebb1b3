"""One slot by itself: its template, the inputs that a trace gives, and which constraints fail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from protocol.state import State
from protocol.trace import Context, QueueTrace, UserTrace
from protocol.windows import WINDOW_LEVELS, Leaves, OpenWindows, ProofWindows
from prover.circuits.queue_inputs import queue_inputs
from prover.circuits.user_inputs import user_inputs
from prover.circuits.windows import WINDOWS
from prover.curves.fr import to_ints
from prover.r1cs.builder import Builder
from prover.r1cs.compose import Circuit, Instance, Port, compose
from prover.r1cs.engine import combine
from prover.r1cs.products import products
from prover.r1cs.template import Template
from tests.protocol.street import leaves_in

Inputs = dict[str, int]


def windows_of(trace: UserTrace | None, before: State) -> ProofWindows:
    """The windows of a proof that has this slot alone; nodes as before it."""
    leaves = leaves_in(trace) if trace else Leaves((), None)
    return OpenWindows().touched(before, leaves).closed(before)


def nodes_of(windows: ProofWindows, state: State) -> dict[str, int]:
    """The nodes that a state has at these windows, by the names that a user slot exports."""
    first, second = (state.account_node(WINDOW_LEVELS, each.prefix) for each in windows.accounts)
    channel = state.channel_node(WINDOW_LEVELS, windows.channel.prefix)
    return dict(zip(WINDOWS, (first, second, channel), strict=True))


def user_case(trace: UserTrace | None, before: State, context: Context) -> Inputs:
    """All that the user slot's template is given on the state `before`."""
    windows = windows_of(trace, before)
    prefixes = [each.prefix for each in (*windows.accounts, windows.channel)]
    return {
        **user_inputs(trace, windows),
        **{f"{name}/node": node for name, node in nodes_of(windows, before).items()},
        **{f"{name}/prefix": prefix for name, prefix in zip(WINDOWS, prefixes, strict=True)},
        "domain": context.domain,
        "l1_time": context.l1_time,
        "queue_covered": context.queue_covered,
    }


def queue_case(
    trace: QueueTrace | None, before: State, context: Context, used_before: int = 1
) -> Inputs:
    """All that the queue slot's template is given on the state `before`."""
    return {
        **queue_inputs(trace),
        "accounts_root": before.accounts_root,
        "channels_root": before.channels_root,
        "used_before": used_before,
        "domain": context.domain,
        "l1_time": context.l1_time,
    }


def failures(template: Template, values: list[int]) -> set[str]:
    """The names of all constraints that these values fail."""
    failed = set()
    for row, name in zip(template.rows, template.row_names, strict=True):
        a, b, c = combine(row.a, values), combine(row.b, values), combine(row.c, values)
        if (a * b - c) % R:
            failed.add(name)
    return failed


@cache
def lone(template: Template) -> Circuit:
    """The template as a circuit of its own, for the compiled tape and check."""
    b = Builder("around")
    for name in template.links:
        b.export(f"out {name}", b.materialise(b.input(name), label=name))
    links = {name: Port("around", f"out {name}") for name in template.links}
    around = Instance("around", b.build())
    return compose(f"lone {template.name}", [around, Instance("slot", template, links)])


def _witness(template: Template, inputs: Mapping[str, int]) -> NDArray[np.uint64]:
    links = {name: inputs[name] for name in template.links}
    own = {name: value for name, value in inputs.items() if name not in links}
    return lone(template).witness({"around": links, "slot": own})


def values_of(template: Template, inputs: Mapping[str, int]) -> list[int]:
    """All values of a template, by the compiled tape. Constraints are not looked at."""
    return to_ints(lone(template).compiled[template].run(inputs))


def exports_of(template: Template, inputs: Mapping[str, int]) -> dict[str, int]:
    """What a slot exports, by the compiled tape. Constraints are not looked at."""
    values = values_of(template, inputs)
    return {name: values[wire] for name, wire in template.exports.items()}


def check(template: Template, inputs: Mapping[str, int]) -> None:
    """Raise BrokenConstraint for the first constraint that the slot fails."""
    lone(template).check(_witness(template, inputs))


def failing_in(circuit: Circuit, witness: NDArray[np.uint64]) -> set[str]:
    """The names of all constraints that a witness fails."""
    failed, evaluated = set(), products(circuit.r1cs, witness)
    while (row := evaluated.first_unsatisfied_row()) is not None:
        failed.add(circuit.row_name(row))
        for side in (evaluated.a, evaluated.b, evaluated.c):
            side[row] = 0  # looked at; on to the next
    return failed


def failing(template: Template, inputs: Mapping[str, int]) -> set[str]:
    """The names of all constraints that the slot fails, by the compiled tape."""
    failed = failing_in(lone(template), _witness(template, inputs))
    return {name.removeprefix("slot/") for name in failed}
