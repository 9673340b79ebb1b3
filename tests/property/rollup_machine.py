"""The rollup contract under any sequence of anything, beside a model that shares no code with it.

Proofs are made with the trapdoor of a key that only this test has, so a "proof" says whatever the
machine wants; the honest ones say what an honest operator would. What L1 must refuse is refused,
and then nothing has changed; what it must take it takes, and the model books it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar, cast

from eth_hash.auto import keccak
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.abi import load
from contracts.batches import Payout, Submission, SubmittedProof, statements_of
from contracts.deploy import QUEUE_FEE_WEI, rollup_arguments
from contracts.exodus import exit_account_call, refund_call
from contracts.verifying_key import PROOF_BYTES
from protocol.batch import Shape, challenge, domain_of, queue_covered
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.exits import AccountExit
from protocol.queue import (
    NO_OPS_HASH,
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    QueueOp,
    rolling_hash,
)
from protocol.state import genesis_root
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.support.direct_l1 import CHAIN_ID, DirectL1, Reverted
from tests.support.simulated_proofs import SimulatedKey

SHAPE = Shape(queue_slots=1, user_slots=2)
OPERATOR, STRANGER, *HOMES = (bytes([i]) * 20 for i in range(0x11, 0x16))
ROLLUP, TOKEN = load("rollup").functions, load("token").functions
NTOK_UNITS = 10**9
EXODUS_PLACE = 6
"""Of the exodus contract in the rollup's settings."""
WAITS = (1, 60, 60, 7_200, 7_200, DAY_S, 3 * DAY_S + 1, 7 * DAY_S + 1, 30 * DAY_S)

numbers = st.integers(0, 2**16)
amounts = st.one_of(st.integers(0, 50), st.sampled_from([1, 10**6, 2**62, 2**64 - 1]))
batch_lies = st.sampled_from(
    [None] * 10
    + ["an op left out", "an op too many", "other order", "another op", "stale root"]
    + ["wrong proof", "other data", "a payout raised", "a payout hidden", "covers more"]
    + ["from the future", "too old", "gone back", "an input of r"]
)


def hexed(address: bytes) -> str:
    return "0x" + address.hex()


def deployed() -> tuple[DirectL1, bytes, bytes, SimulatedKey, SimulatedKey]:
    """L1 with token and rollup, and everybody with tokens."""
    everybody = [OPERATOR, STRANGER, *HOMES]
    l1, key, exit_key = DirectL1(everybody), SimulatedKey(5), SimulatedKey(6)
    l1.now = 1_790_000_000
    token = l1.deploy(OPERATOR, load("token"), "Token", "T", 18)
    arguments = rollup_arguments(
        token=hexed(token),
        operator=hexed(OPERATOR),
        owner=hexed(OPERATOR),
        shape=SHAPE,
        key=key.key,
        exit_key=exit_key.key,
        exodus_blueprint=hexed(l1.create(OPERATOR, load("exodus").blueprint_deployment())),
    )
    rollup = l1.deploy(OPERATOR, load("rollup"), *arguments)
    for who in everybody:
        l1.call(OPERATOR, token, TOKEN["mint"].encode_call(hexed(who), 10**40))
        l1.call(who, token, TOKEN["approve"].encode_call(hexed(rollup), 2**256 - 1))
    return l1, token, rollup, key, exit_key


class RollupMachine(RuleBasedStateMachine):
    """Any sequence of anything. `seen`: what was taken, and every reason for which it was not."""

    seen: ClassVar[Counter[str]] = Counter()
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.l1, self.token, self.rollup, self.key, self.exit_key = deployed()
        (settings,) = self._view("settings")
        self.exodus_contract = bytes.fromhex(cast(tuple[str, ...], settings)[EXODUS_PLACE][2:])
        self.domain = domain_of(CHAIN_ID, int.from_bytes(self.rollup, "big"))
        self.owners: list[bytes] = []
        self.queue: list[QueueOp] = []
        self.consumed = 0
        self.root, self.l1_time, self.batches = genesis_root(), 0, 0
        self.inside_ntok = 0
        self.pending: Counter[bytes] = Counter()
        self.exodus = False
        self.exited: set[int] = set()
        self.refunded: set[int] = set()
        self.pause_end = 0
        self.sunset: int | None = None

    # --- calls ------------------------------------------------------------------------------

    def _view(self, name: str, *arguments: object) -> tuple[object, ...]:
        data = ROLLUP[name].encode_call(*arguments)
        return ROLLUP[name].decode_result(self.l1.call(STRANGER, self.rollup, data))

    def _send(
        self,
        who: bytes,
        data: bytes,
        refusals: Sequence[str],
        wei: int = 0,
        to: bytes | None = None,
    ) -> bytes | None:
        """What it returns, or None where it is refused, as it must be if `refusals` names why.

        That nothing changed then is seen by the invariants: the model books nothing.
        """
        type(self).steps += 1
        try:
            output = self.l1.call(who, to or self.rollup, data, wei)
        except Reverted as error:
            reason = error.reason
        else:
            assert not refusals, f"taken, though {refusals}"
            return output
        assert reason in refusals, f"{reason}, not {refusals}"
        self.seen[reason] += 1
        return None

    # --- the queue --------------------------------------------------------------------------

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

    def _held(self) -> int:
        return self.inside_ntok + sum(self.pending.values()) + self._unprocessed_ntok()

    def _unprocessed_ntok(self) -> int:
        left = [op for op in self.queue[self.consumed :] if op.number not in self.refunded]
        return sum(map(_brought, left))

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
            self._number(), self.l1.now, index, key % R, _int(owner), amount_ntok, _int(payer)
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
        op = Deposit(self._number(), self.l1.now, index, amount_ntok, _int(STRANGER))
        self._enqueue(STRANGER, op, call, refusals, fee)

    @rule(which=numbers, key=st.sampled_from([0, R - 1, R]), fee=fees)
    def a_key_change(self, which: int, key: int, fee: int) -> None:
        index, who = which % (len(self.owners) + 1), HOMES[which % len(HOMES)]
        refusals = ["UnknownAccount"] * (index == len(self.owners))
        refusals += ["KeyHashTooLarge"] * (key >= R)
        call = ROLLUP["change_key"].encode_call(index, key)
        op = KeyChange(self._number(), self.l1.now, index, key % R, _int(who))
        self._enqueue(who, op, call, refusals, fee)

    @rule(which=numbers, fee=fees)
    def a_forced_exit(self, which: int, fee: int) -> None:
        index, who = which % (len(self.owners) + 1), HOMES[which % len(HOMES)]
        call = ROLLUP["force_exit"].encode_call(index)
        op = ForcedExit(self._number(), self.l1.now, index, _int(who))
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
            op = ForcedFinalize(number, now, *at, _int(who))
        elif kind == "start":
            refusals += ["LaneTooLarge"] * (lane > 1)
            call = ROLLUP["force_start_close"].encode_call(slot, epoch, lane)
            op = ForcedStartClose(number, now, *at, side, _int(who))
        else:
            refusals += ["LaneTooLarge"] * (lane > 1) + ["LaneValueTooLarge"] * (value >= 2**96)
            refusals += ["ElementTooLarge"] * (element >= R)
            words = [1, 2, 3, 4, element]
            call = ROLLUP["force_claim"].encode_call(slot, epoch, lane, value, words)
            signature = Signature(Point(1, 2), Point(3, 4), element % R)
            op = ForcedClaim(number, now, *at, side, value % 2**96, signature, _int(who))
        self._enqueue(who, op, call, refusals, fee)

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.l1.now += seconds

    # --- batches ----------------------------------------------------------------------------

    def _oldest_waits(self) -> int:
        left = self.queue[self.consumed :]
        return self.l1.now - left[0].enqueue_time if left else 0

    @rule(
        proofs=st.integers(1, 3),
        behind=st.sampled_from([0, 0, 1, L1_TIME_SLACK_S]),
        share=st.integers(0, 100),
        by_operator=st.sampled_from([True, True, True, False]),
        lie=batch_lies,
    )
    def a_batch(
        self, proofs: int, behind: int, share: int, by_operator: bool, lie: str | None
    ) -> None:
        who = OPERATOR if by_operator else STRANGER
        time = max(self.l1.now - behind, self.l1_time)
        left = self.queue[self.consumed :]
        due = [op for op in left if op.enqueue_time <= time]
        ops = due[: proofs * SHAPE.queue_slots]
        rest = left[len(ops) :]
        covered = queue_covered(time, rest[0].enqueue_time if rest else None)
        inside = self.inside_ntok + sum(map(_brought, ops))
        paid = inside * share // 100
        outs = [(HOMES[share % len(HOMES)], paid)] if paid else []
        made = self._submission(proofs, time, ops, outs, covered)
        spoilt = self._spoilt(made, lie, covered) if lie else made
        if spoilt == made:
            lie = None
        refusals = []
        if lie is not None:
            refusals = list(REASONS[lie])
        if self.exodus:
            refusals += ["ExodusStarted"]
        if self._oldest_waits() <= 3 * DAY_S:
            refusals += ["NotOperator"] * (not by_operator)
            refusals += ["Paused"] * (self.l1.now < self.pause_end)
        if self._send(who, spoilt.calldata(), refusals) is None:
            return
        self.consumed += len(ops)
        self.inside_ntok = inside - paid
        for recipient, amount in outs:
            self.pending[recipient] += amount
        self.root, self.l1_time = spoilt.new_root, time
        self.batches += 1
        self.seen["a batch" if by_operator else "a batch of a stranger"] += 1

    @precondition(lambda self: not self.exodus)
    @rule(proofs=st.integers(1, 3), share=st.integers(0, 100), lie=batch_lies)
    def a_batch_of_the_operator(self, proofs: int, share: int, lie: str | None) -> None:
        self.a_batch(proofs, 0, share, True, lie)

    def _submission(
        self,
        proofs: int,
        time: int,
        ops: Sequence[QueueOp],
        outs: Sequence[tuple[bytes, int]],
        covered: int,
        old_root: int | None = None,
    ) -> Submission:
        first = self.root if old_root is None else old_root
        roots = [first, *(_draw(self.batches, k) for k in range(proofs))]
        payouts = [
            Payout((proofs - 1) * SHAPE.message_length + SHAPE.user_output(0), _int(who), amount)
            for who, amount in outs
        ]
        draft = Submission(
            l1_time=time,
            proofs=tuple(
                SubmittedProof(old, new, 0xD16E57 + k, 0, 0, bytes(PROOF_BYTES))
                for k, (old, new) in enumerate(pairwise(roots))
            ),
            data=tuple(range(proofs * SHAPE.data_length)),
            ops=tuple(ops),
            payouts=tuple(payouts),
        )
        return self._proved(draft, covered)

    def _proved(self, draft: Submission, covered: int, off_by: int = 0) -> Submission:
        """With proofs of exactly what it says, and of `covered` at its end."""
        statements = statements_of(draft, SHAPE, self.domain, covered)
        z = challenge(statements)
        made = []
        for proof, statement in zip(draft.proofs, statements, strict=True):
            public = statement.public_inputs(z)
            points = self.key.prove(public.values(), off_by)
            made.append(
                replace(proof, y_data=public.y_data, y_msg=public.y_msg, proof_bytes=points)
            )
        return replace(draft, proofs=tuple(made))

    def _spoilt(self, honest: Submission, lie: str, covered: int) -> Submission:
        """Proved anew where the lie is in what is proved: the prover is the operator's own."""
        waiting = self.queue[self.consumed :]
        match lie:
            case "an op left out" if honest.ops:
                return self._proved(replace(honest, ops=honest.ops[:-1]), covered)
            case "an op too many" if len(waiting) > len(honest.ops):
                more = tuple(waiting[: len(honest.ops) + 1])
                if len(more) <= len(honest.proofs):
                    return self._proved(replace(honest, ops=more), covered)
            case "other order" if len(honest.ops) > 1 and honest.ops[0] != honest.ops[1]:
                turned = (honest.ops[1], honest.ops[0], *honest.ops[2:])
                return self._proved(replace(honest, ops=turned), covered)
            case "another op" if honest.ops:
                last = honest.ops[-1]
                other = replace(last, enqueue_time=last.enqueue_time + 1)
                return self._proved(replace(honest, ops=(*honest.ops[:-1], other)), covered)
            case "stale root":
                first = replace(honest.proofs[0], old_root=honest.old_root ^ 1)
                return self._proved(replace(honest, proofs=(first, *honest.proofs[1:])), covered)
            case "wrong proof":
                return self._proved(honest, covered, off_by=1)
            case "other data":
                return replace(honest, data=(*honest.data[:-1], honest.data[-1] + 1))
            case "a payout raised" if honest.payouts:
                (out,) = honest.payouts
                return replace(honest, payouts=(replace(out, amount_ntok=out.amount_ntok + 1),))
            case "a payout hidden" if honest.payouts:
                return replace(honest, payouts=())
            case "covers more":
                return self._proved(honest, covered + 1)
            case "from the future":
                return self._proved(replace(honest, l1_time=self.l1.now + 1), self.l1.now + 1)
            case "too old" if self.l1.now - L1_TIME_SLACK_S - 1 >= self.l1_time:
                late = self.l1.now - L1_TIME_SLACK_S - 1
                return self._proved(replace(honest, l1_time=late), late)
            case "gone back" if self.l1_time > 1:
                return self._proved(replace(honest, l1_time=self.l1_time - 1), covered)
            case "an input of r":
                first = replace(honest.proofs[0], digest=honest.proofs[0].digest + R)
                return replace(honest, proofs=(first, *honest.proofs[1:]))
        return honest

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
        leaf = AccountExit(which % 3, _int(HOMES[which % 3]), self.inside_ntok * share // 100)
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
        refusals += ["OpHoldsNothing"] * (_brought(op) == 0)
        refusals += ["AlreadyRefunded"] * (op.number in self.refunded)
        if raised and isinstance(op, Deposit):
            op = replace(op, amount_ntok=op.amount_ntok + 1)
            refusals += ["QueueMismatch"]
        call = refund_call(op)
        if self._send(STRANGER, call, refusals, to=self.exodus_contract) is not None:
            self.refunded.add(op.number)
            self.pending[op.payer.to_bytes(20, "big")] += _brought(op)
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

    def _is_after_sunset(self, days: int) -> bool:
        return self.sunset is not None and self.l1.now >= self.sunset + days * DAY_S

    # --- what must hold ---------------------------------------------------------------------

    @invariant()
    def c1_the_balance_is_all_that_is_owed(self) -> None:
        data = TOKEN["balanceOf"].encode_call(hexed(self.rollup))
        (units,) = TOKEN["balanceOf"].decode_result(self.l1.call(STRANGER, self.token, data))
        assert units == self._held() * NTOK_UNITS
        assert self._view("held_ntok") == (self._held(),)
        assert self.l1.balance_wei(self.rollup) == 0
        who = HOMES[self.steps % len(HOMES)]
        assert self._view("pending_ntok", hexed(who)) == (self.pending[who],)

    @invariant()
    def c2_the_root_is_the_last_accepted_batchs(self) -> None:
        assert self._view("state_root") == (self.root,)

    @invariant()
    def c3_the_queue_is_what_was_enqueued_and_taken_in_order(self) -> None:
        assert self._view("progress") == ((self.l1_time, self.consumed, self.batches),)
        assert self._view("enqueued") == (len(self.queue),)
        if self.queue:
            expected = NO_OPS_HASH
            for op in self.queue:
                expected = rolling_hash(expected, op)
            recorded = expected, self.queue[-1].enqueue_time
            assert self._view("queue_record", len(self.queue)) == (recorded,)


REASONS: dict[str, tuple[str, ...]] = {
    "an op left out": ("OpSkipped",),
    "an op too many": ("OpNotDue", "TooManyOps"),
    "other order": ("QueueMismatch",),
    "another op": ("QueueMismatch",),
    "stale root": ("StaleRoot",),
    "wrong proof": ("ProofRejected",),
    "other data": ("DataMismatch", "MessagesMismatch"),
    "a payout raised": ("MessagesMismatch",),
    "a payout hidden": ("MessagesMismatch",),
    "covers more": ("MessagesMismatch", "DataMismatch"),
    "from the future": ("TimeInFuture",),
    "too old": ("TimeTooOld",),
    "gone back": ("TimeWentBack",),
    "an input of r": ("InputTooLarge",),
}
"""What L1 may say to each lie."""


def _int(address: bytes) -> int:
    return int.from_bytes(address, "big")


def _draw(batch: int, proof: int) -> int:
    """A new root: any element will do."""
    return int.from_bytes(keccak(bytes([batch % 256, batch // 256, proof])), "big") % R


def _brought(op: QueueOp) -> int:
    return op.amount_ntok if isinstance(op, NewAccount | Deposit) else 0
