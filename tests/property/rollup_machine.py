"""The rollup contract under any sequence of anything, beside a model that shares no code with it.

What L1 must refuse is refused, and then nothing has changed; what it must take it takes, and the
model books it.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.exodus import exit_account_call, refund_call
from protocol.exits import AccountExit
from protocol.queue import Deposit
from protocol.units import DAY_S
from tests.property.rollup_batches import BatchRules
from tests.property.rollup_model import (
    HOMES,
    NTOK_UNITS,
    OPERATOR,
    ROLLUP,
    STRANGER,
    brought,
    number_of,
)
from tests.property.rollup_queue import numbers


class RollupMachine(BatchRules):
    """Any sequence of anything."""

    # --- what leaves ------------------------------------------------------------------------

    @rule(which=numbers)
    def a_withdrawal(self, which: int) -> None:
        who = (*HOMES, STRANGER)[which % (len(HOMES) + 1)]
        owed = self.pending[who]
        output = self._send(
            who, ROLLUP["withdraw"].encode_call(), ["NothingToWithdraw"] * (owed == 0)
        )
        if output is not None:
            assert ROLLUP["withdraw"].decode_result(output) == (owed * NTOK_UNITS,)
            self.pending[who] = 0
            self.seen["a withdrawal"] += 1

    @precondition(lambda self: len(self.queue) % 4 == 1)
    @rule()
    def an_exodus_is_tried(self) -> None:
        reasons = ["ExodusStarted"] * self.exodus
        is_time = self._oldest_waits() > 7 * DAY_S or self._is_after_sunset(60)
        reasons += ["TooEarlyForExodus"] * (not is_time)
        if self._send(STRANGER, ROLLUP["start_exodus"].encode_call(), reasons) is not None:
            self.exodus = True
            self.seen["an exodus"] += 1

    @precondition(lambda self: self.exodus or len(self.queue) % 4 == 2)
    @rule(which=numbers, share=st.integers(0, 100), lie=st.sampled_from([None, None, "proof"]))
    def an_account_exits(self, which: int, share: int, lie: str | None) -> None:
        """The prover says what the leaf holds: never more than there is."""
        leaf = AccountExit(which % 3, number_of(HOMES[which % 3]), self.inside_ntok * share // 100)
        statement = leaf.public(self.root, self.domain)
        points = self.exit_key.prove(statement.values(), off_by=int(lie is not None))
        refusals = ["ExodusNotStarted"] * (not self.exodus)
        refusals += ["AlreadyExited"] * (leaf.index in self.exited)
        refusals += ["ProofRejected"] * (lie is not None)
        call = exit_account_call(leaf, points)
        if self._send(STRANGER, call, refusals, to=self.exodus_contract) is not None:
            self.exited.add(leaf.index)
            self.pending[HOMES[which % 3]] += leaf.balance_ntok
            self.inside_ntok -= leaf.balance_ntok
            self.seen["an exit"] += 1

    @precondition(lambda self: bool(self.queue) and (self.exodus or len(self.queue) % 4 == 3))
    @rule(which=numbers, raised=st.sampled_from([False, False, False, True]))
    def a_deposit_goes_back(self, which: int, raised: bool) -> None:
        op = self.queue[which % len(self.queue)]
        refusals = ["ExodusNotStarted"] * (not self.exodus)
        refusals += ["OpProcessed"] * (op.number <= self.consumed)
        refusals += ["OpHoldsNothing"] * (brought(op) == 0)
        refusals += ["AlreadyRefunded"] * (op.number in self.refunded)
        if raised and isinstance(op, Deposit):
            op = replace(op, amount_ntok=op.amount_ntok + 1)
            refusals += ["QueueMismatch"]
        call = refund_call(op)
        if self._send(STRANGER, call, refusals, to=self.exodus_contract) is not None:
            self.refunded.add(op.number)
            self.pending[op.payer.to_bytes(20, "big")] += brought(op)
            self.seen["a refund"] += 1

    @precondition(lambda self: self.consumed < len(self.queue))
    @rule(days=st.sampled_from([3, 3, 3, 7]), proofs=st.integers(1, 3), which=numbers)
    def the_operator_is_silent(self, days: int, proofs: int, which: int) -> None:
        """Until others may submit, or end it; then they do."""
        self.l1.now += days * DAY_S + 1
        if days < 7:
            self.a_batch(proofs, 0, 10, False, None)
            return
        self.an_exodus_is_tried()
        self.an_account_exits(which, 50, None)
        self.a_deposit_goes_back(which, False)

    # --- the owner --------------------------------------------------------------------------

    @rule(ends=st.booleans(), by_owner=st.sampled_from([True, True, True, False]))
    def a_pause(self, ends: bool, by_owner: bool) -> None:
        now, who = self.l1.now, OPERATOR if by_owner else STRANGER
        refusals = ["NotOwner"] * (not by_owner)
        if ends:
            refusals += ["NotPaused"] * (now >= self.pause_end)
        elif self.pause_end:
            refusals += ["PauseTooSoon"] * (now < self.pause_end + 30 * DAY_S)
        name = "unpause" if ends else "pause"
        if self._send(who, ROLLUP[name].encode_call(), refusals) is not None:
            self.pause_end = now if ends else now + 3 * DAY_S
            self.seen[name] += 1

    @precondition(lambda self: len(self.queue) % 8 == 5)
    @rule(by_owner=st.booleans())
    def an_end_is_announced(self, by_owner: bool) -> None:
        refusals = ["NotOwner"] * (not by_owner)
        refusals += ["AlreadyAnnounced"] * (self.sunset is not None)
        who = OPERATOR if by_owner else STRANGER
        if self._send(who, ROLLUP["announce_sunset"].encode_call(), refusals) is not None:
            self.sunset = self.l1.now
            self.seen["a sunset"] += 1
