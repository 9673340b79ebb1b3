"""Invariant: whoever fills a proof fills it in one way: queue ops, transactions, then the fees.

Sequencer, demo and tests all execute through a ProofBuilder, so that what is admitted into a proof
is what its circuit can prove. Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.batch import ExecutedProof, Shape, seal
from protocol.errors import InvalidTransaction, OpAfterTransactions
from protocol.execute import credit_fees, execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context, QueueTrace, UserTrace
from protocol.transactions import Transaction
from protocol.windows import OpenWindows, leaves_of


class ProofBuilder:
    """One proof in the making: changes `state` as it goes; `finish` ends it, once.

    An empty one admits any transaction: none touches more than two accounts and one channel.
    """

    def __init__(self, state: State, shape: Shape, context: Context, operator_index: int) -> None:
        self.state = state
        self.shape = shape
        self.context = context
        self.operator_index = operator_index
        self._old_trees = state.tree_roots
        self._queue: list[QueueTrace] = []
        self._users: list[UserTrace] = []
        self._windows = OpenWindows()

    @property
    def free_user_slots(self) -> int:
        """How many more transactions there is room for."""
        return self.shape.user_slots - len(self._users)

    def consume(self, op: QueueOp) -> QueueTrace:
        """Apply a queue op, or do nothing where it does not apply; before any transaction.

        Raises BatchTooLarge, OpAfterTransactions.
        """
        self.shape.check_fits(len(self._queue) + 1, 0)
        if self._users:
            raise OpAfterTransactions(op.number)
        trace = execute_queue_op(self.state, self.context, op)
        self._queue.append(trace)
        return trace

    def admits(self, transaction: Transaction, slot: int | None = None) -> bool:
        """Whether a user slot is free and what the transaction touches is in this proof's windows.

        Where it is not, it belongs to the next proof. Nothing is said about its being valid: one
        that names an unknown channel is admitted, for `add` to say so.
        """
        if not self.free_user_slots:
            return False
        try:
            leaves = leaves_of(self.state, transaction.body, slot)
        except InvalidTransaction:
            return True
        return self._windows.outside(leaves) is None

    def add(self, transaction: Transaction, slot: int | None = None) -> UserTrace:
        """Apply a transaction; `slot`: where an OPEN puts its channel (the lowest free one).

        Raises BatchTooLarge or OutsideWindows where it is not admitted, and an InvalidTransaction
        or InvalidSignature where it does not apply; then nothing has changed.
        """
        self.shape.check_fits(0, len(self._users) + 1)
        leaves = leaves_of(self.state, transaction.body, slot)
        outside = self._windows.outside(leaves)
        if outside is not None:
            raise outside
        windows = self._windows.touched(self.state, leaves)
        trace = execute(self.state, self.context, transaction, slot)
        self._windows = windows
        self._users.append(trace)
        return trace

    def finish(self) -> ExecutedProof:
        """Credit the fees and seal. Raises NoOperatorAccount, BalanceOverflow: `state` stays."""
        windows = self._windows.closed(self.state)
        fees_ntok = sum(trace.fee_ntok for trace in self._users)
        fees = credit_fees(self.state, self.operator_index, fees_ntok) if fees_ntok else None
        return seal(
            self.shape,
            self.context,
            self.operator_index if fees_ntok else 0,
            self._old_trees,
            self.state.root,
            self._queue,
            self._users,
            windows,
            fees,
        )


def execute_proof(
    state: State,
    shape: Shape,
    context: Context,
    operator_index: int,
    ops: Sequence[QueueOp],
    transactions: Sequence[tuple[Transaction, int | None]],
) -> ExecutedProof:
    """Run queue ops, then transactions (each with the slot that its OPEN takes), then the fees.

    Mutates `state`. Raises BatchTooLarge before that, and what ProofBuilder raises in the middle of
    it: work on a copy where that may happen.
    """
    shape.check_fits(len(ops), len(transactions))
    builder = ProofBuilder(state, shape, context, operator_index)
    for op in ops:
        builder.consume(op)
    for transaction, slot in transactions:
        builder.add(transaction, slot)
    return builder.finish()
