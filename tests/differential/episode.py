"""One street from its first transaction to its last, each compared: executor here, circuit there.

What applies satisfies every constraint of its slot, and the slot ends at the executor's roots with
the executor's words. What is refused changes nothing, and of some the best witness that anyone
could try is tried, and fails. A queue op applies or not: either way its slot is satisfied.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from protocol.errors import InvalidSignature, InvalidTransaction
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Transaction
from prover.circuits.queue_slot import queue_slot
from prover.circuits.user_slot import user_slot
from tests.differential.slot import slot_of
from tests.property.candidates import HOMES, SCATTERED, Street
from tests.protocol.street import DOMAIN, NOW
from tests.prover.circuits.lone import nodes_of, queue_case, user_case, windows_of
from tests.soundness.lenient import lenient_trace

LENGTH = 500
"""Transactions and queue ops of an episode."""
OPS = 0.25
"""The share of queue ops."""
REFUSALS_TRIED = 1 / 12
"""The share of refusals that are tried on the circuit as well."""


@dataclass
class Disagreement(Exception):
    """Executor and circuit say different things: how to see it again."""

    seed: int
    number: int
    what: str

    def __str__(self) -> str:
        return f"episode {self.seed}, number {self.number}: {self.what}"


def new_street(rng: random.Random) -> Street:
    """Homes with money, in one window or several; channels at few slots, so that they collide."""
    scattered = rng.random() < 0.5
    homes, state = SCATTERED if scattered else HOMES, State()
    for one in homes[:3]:
        state.write_account(one.index, one.account(rng.randrange(10**6, 10**9)))
    slots = (0, 1, 4_095, 4_096, 2**24 - 1) if scattered else tuple(range(6))
    return Street(rng, state, Context(DOMAIN, NOW, NOW), homes, slots)


class Episode:
    """`seen` counts types, refusals and no-ops by name."""

    def __init__(self, seed: int) -> None:
        self.seed, self.number = seed, 0
        self.seen: Counter[str] = Counter()
        self.rng = random.Random(seed)
        self.street = new_street(self.rng)

    def play(self, length: int = LENGTH) -> Counter[str]:
        """Raises Disagreement."""
        for self.number in range(length):
            if self.rng.random() < OPS:
                self._consume(self.street.op(1 + self.number))
            else:
                self._submit(*self.street.candidate())
            if self.rng.random() < 0.2:
                self.street.pass_time()
        return self.seen

    def _expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise Disagreement(
                self.seed, self.number, f"{what}: the circuit has {found}, the executor {expected}"
            )

    def _consume(self, op: QueueOp) -> None:
        state, context = self.street.state, self.street.context
        before = state.copy()
        trace = execute_queue_op(state, context, op)
        failing, exports = slot_of(queue_slot()).run(queue_case(trace, before, context))
        self._expect(f"{op}: what fails", failing, None)
        if not trace.applied:
            self._expect(f"{op}: the state after a no-op", before.root, state.root)
        paid = trace.withdrawal.element() if trace.withdrawal else 0
        words = {f"element/{i}": one for i, one in enumerate((*op.elements(), paid))}
        roots = {"accounts": state.accounts_root, "channels": state.channels_root}
        self._expect(f"{op}: exports", exports, {**roots, "used": 1, **words})
        self.seen[f"{op.TYPE.name} {'applied' if trace.applied else 'as a no-op'}"] += 1

    def _submit(self, transaction: Transaction, slot: int | None) -> None:
        state, context = self.street.state, self.street.context
        before = state.copy()
        try:
            trace = execute(state, context, transaction, slot)
        except (InvalidTransaction, InvalidSignature) as error:
            self._refused(transaction, slot, before, error)
            return
        failing, exports = slot_of(user_slot()).run(user_case(trace, before, context))
        self._expect(f"{transaction.body}: what fails", failing, None)
        words = {
            "data": trace.data_element,
            "message": trace.withdrawal.element() if trace.withdrawal else 0,
            "fee": trace.fee_ntok,
        }
        nodes = nodes_of(windows_of(trace, before), state)
        self._expect(f"{transaction.body}: exports", exports, {**nodes, **words})
        self.seen[transaction.body.TYPE.name] += 1

    def _refused(
        self, transaction: Transaction, slot: int | None, before: State, error: Exception
    ) -> None:
        state, context = self.street.state, self.street.context
        self._expect(f"{error!r}: the state after it", before.tree_roots, state.tree_roots)
        self.seen[type(error).__name__] += 1
        if self.rng.random() < REFUSALS_TRIED:
            trace = lenient_trace(state, context, transaction, slot)
            failing, _ = slot_of(user_slot()).run(user_case(trace, before, context))
            self._expect(f"{error!r} of {transaction.body}: satisfied", failing is None, False)
            self.seen["refusals tried on the circuit"] += 1
