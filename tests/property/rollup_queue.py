"""Everything that goes through the queue: honest ops, and those that the contract must refuse."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.deploy import QUEUE_FEE_WEI
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    QueueOp,
)
from protocol.units import DAY_S
from tests.property.rollup_model import (
    HOMES,
    NTOK_UNITS,
    ROLLUP,
    STRANGER,
    RollupModel,
    hexed,
    number_of,
)

WAITS = (1, 60, 60, 7_200, 7_200, DAY_S, 3 * DAY_S + 1, 7 * DAY_S + 1, 30 * DAY_S)

numbers = st.integers(0, 2**16)
amounts = st.one_of(st.integers(0, 50), st.sampled_from([1, 10**6, 2**62, 2**64 - 1]))


class QueueRules(RollupModel):
    """Anybody enqueues anything, and time passes."""

    def _number(self) -> int:
        return len(self.queue) + 1

    def _enqueue(
        self, who: bytes, op: QueueOp, call: bytes, refusals: Sequence[str], fee: int
    ) -> bool:
        """`fee`: how much more than the fee (in wei) comes with it; below 0: too little."""
        wei = QUEUE_FEE_WEI + fee
        reasons = [*refusals, *["ExodusStarted"] * self.exodus, *["FeeTooLow"] * (fee < 0)]
        before = self.l1.balance_wei(who)
        if self._send(who, call, reasons, wei) is None:
            return False
        assert before - self.l1.balance_wei(who) == QUEUE_FEE_WEI
        self.queue.append(op)
        self.seen[op.TYPE.name] += 1
        return True

    fees = st.sampled_from([0, 0, 0, 1, 10**15, -1])

    def _deposit_refusals(self, amount_ntok: int) -> list[str]:
        refusals = ["AmountZero"] * (amount_ntok == 0)
        refusals += ["TooMuchDeposited"] * (self._held() + amount_ntok >= 2**64)
        refusals += ["Paused"] * (self.l1.now < self.pause_end)
        return refusals + ["SunsetReached"] * self._is_after_sunset(30)

    @rule(amount_ntok=amounts, key=st.sampled_from([0, 7, R - 1, R]), whose=numbers, fee=fees)
    def a_home_registers(self, amount_ntok: int, key: int, whose: int, fee: int) -> None:
        owner, payer = HOMES[whose % len(HOMES)], HOMES[(whose + 1) % len(HOMES)]
        index, refusals = len(self.owners), self._deposit_refusals(amount_ntok)
        refusals += ["KeyHashTooLarge"] * (key >= R)
        call = ROLLUP["new_account"].encode_call(key, hexed(owner), amount_ntok * NTOK_UNITS)
        op = NewAccount(
            self._number(),
            self.l1.now,
            index,
            key % R,
            number_of(owner),
            amount_ntok,
            number_of(payer),
        )
        if self._enqueue(payer, op, call, refusals, fee):
            self.owners.append(owner)

    @precondition(lambda self: bool(self.owners))
    @rule(
        amount_ntok=amounts,
        which=numbers,
        right=st.sampled_from([True, True, True, False]),
        fee=fees,
    )
    def a_deposit(self, amount_ntok: int, which: int, right: bool, fee: int) -> None:
        known = right or which % 2 == 0
        index = which % len(self.owners) if known else len(self.owners) + which
        owner = self.owners[index] if right else STRANGER
        refusals = self._deposit_refusals(amount_ntok)
        refusals += ["UnknownAccount"] * (not known) + ["OwnerMismatch"] * (known and not right)
        call = ROLLUP["deposit"].encode_call(index, hexed(owner), amount_ntok * NTOK_UNITS)
        op = Deposit(self._number(), self.l1.now, index, amount_ntok, number_of(STRANGER))
        self._enqueue(STRANGER, op, call, refusals, fee)

    @rule(which=numbers, key=st.sampled_from([0, R - 1, R]), fee=fees)
    def a_key_change(self, which: int, key: int, fee: int) -> None:
        index, who = which % (len(self.owners) + 1), HOMES[which % len(HOMES)]
        refusals = ["UnknownAccount"] * (index == len(self.owners))
        refusals += ["KeyHashTooLarge"] * (key >= R)
        call = ROLLUP["change_key"].encode_call(index, key)
        op = KeyChange(self._number(), self.l1.now, index, key % R, number_of(who))
        self._enqueue(who, op, call, refusals, fee)

    @rule(which=numbers, fee=fees)
    def a_forced_exit(self, which: int, fee: int) -> None:
        index, who = which % (len(self.owners) + 1), HOMES[which % len(HOMES)]
        call = ROLLUP["force_exit"].encode_call(index)
        op = ForcedExit(self._number(), self.l1.now, index, number_of(who))
        self._enqueue(who, op, call, ["UnknownAccount"] * (index == len(self.owners)), fee)

    @rule(
        kind=st.sampled_from(["start", "claim", "finalize"]),
        slot=st.sampled_from([0, 2**24 - 1, 2**24]),
        epoch=st.sampled_from([0, 2**32 - 1, 2**32]),
        lane=st.sampled_from([0, 1, 2]),
        value=st.sampled_from([0, 2**96 - 1, 2**96]),
        element=st.sampled_from([0, R - 1, R]),
        fee=fees,
    )
    def a_forced_op_on_a_channel(
        self, kind: str, slot: int, epoch: int, lane: int, value: int, element: int, fee: int
    ) -> None:
        number, now, who = self._number(), self.l1.now, HOMES[0]
        refusals = ["IndexTooLarge"] * (slot >= 2**24) + ["EpochTooLarge"] * (epoch >= 2**32)
        at = slot % 2**24, epoch % 2**32
        side = Lane(lane % 2)
        op: QueueOp
        if kind == "finalize":
            call = ROLLUP["force_finalize"].encode_call(slot, epoch)
            op = ForcedFinalize(number, now, *at, number_of(who))
        elif kind == "start":
            refusals += ["LaneTooLarge"] * (lane > 1)
            call = ROLLUP["force_start_close"].encode_call(slot, epoch, lane)
            op = ForcedStartClose(number, now, *at, side, number_of(who))
        else:
            refusals += ["LaneTooLarge"] * (lane > 1) + ["LaneValueTooLarge"] * (value >= 2**96)
            refusals += ["ElementTooLarge"] * (element >= R)
            words = [1, 2, 3, 4, element]
            call = ROLLUP["force_claim"].encode_call(slot, epoch, lane, value, words)
            signature = Signature(Point(1, 2), Point(3, 4), element % R)
            op = ForcedClaim(number, now, *at, side, value % 2**96, signature, number_of(who))
        self._enqueue(who, op, call, refusals, fee)

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.l1.now += seconds
