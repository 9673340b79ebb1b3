"""A street that does anything: honest and garbage transactions, queue ops, time, proofs.

Beside the executor stands a model that shares no rule with it: what L1 took in and paid out, the
queue op by op, and each channel's lanes and deposits as last seen. Every proof is executed again
as one, and replayed from its data on a state of its own.
"""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from protocol import codec
from protocol.batch import queue_covered
from protocol.channels import Channel, Lane, Status
from protocol.crypto.schnorr import Signature, sign
from protocol.errors import BalanceOverflow, InvalidSignature, InvalidTransaction
from protocol.execute import credit_fees, execute
from protocol.execute_queue import execute_queue_op
from protocol.proof_builder import execute_proof
from protocol.queue import Deposit, NewAccount
from protocol.replay import replay_proof
from protocol.trace import Context, UserTrace
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    TxType,
    Withdraw,
)
from protocol.units import DAY_S
from protocol.windows import OpenWindows, leaves_of
from tests.property.executor_model import (
    DOMAIN,
    HASHES,
    SECRET_OF,
    SECRETS,
    SHAPE,
    ExecutorModel,
    is_empty,
)
from tests.property.strategies import (
    amounts,
    fees,
    lanes,
    lies,
    numbers,
    sides,
    spoilt,
    windows,
)
from tests.protocol.street import leaves_in


class ExecutorMachine(ExecutorModel):
    """Any sequence of anything. Subclasses add one invariant each."""

    @initialize()
    def two_homes_move_in_and_open_a_channel(self) -> None:
        for amount in (10**6, 2 * 10**6):
            self._enqueue_account(amount)
        self.the_queue_is_worked_off()
        self._submit(Open(0, 1, 0, 5_000, 0, DAY_S, self.now), [HASHES[0]], None)

    def _enqueue_account(self, amount_ntok: int) -> None:
        index = self._accounts_promised()
        owner, key = 0xA000 + index, HASHES[index % len(HASHES)]
        number = len(self.l1_queue) + 1
        self.l1_queue.append(NewAccount(number, self.now, index, key, owner, amount_ntok, owner))

    @rule(amount_ntok=amounts)
    def a_home_registers(self, amount_ntok: int) -> None:
        if self._accounts_promised() < 5:
            self._enqueue_account(min(amount_ntok, self._room_ntok()))

    @rule(which=numbers, amount_ntok=amounts)
    def a_home_deposits(self, which: int, amount_ntok: int) -> None:
        index, amount = which % self._accounts_promised(), min(amount_ntok, self._room_ntok())
        self.l1_queue.append(Deposit(len(self.l1_queue) + 1, self.now, index, amount, 7))

    @rule(which=numbers, amount_ntok=amounts, new=st.booleans())
    def an_op_arrives_that_cannot_apply(self, which: int, amount_ntok: int, new: bool) -> None:
        """The contract forbids it; the executor must not rely on that."""
        number, amount = len(self.l1_queue) + 1, min(amount_ntok, self._room_ntok())
        if new:
            index = which % self._accounts_promised()
            self.l1_queue.append(NewAccount(number, self.now, index, 5, 6, amount, 6))
        else:
            self.l1_queue.append(Deposit(number, self.now, 2**24 - 1 - which, amount, 6))
        self.stranded_ntok += amount

    @rule(seconds=st.sampled_from([0, 1, 7_200, DAY_S, 31 * DAY_S]))
    def time_passes(self, seconds: int) -> None:
        self.a_proof_is_sealed()
        self.now += seconds

    # --- the queue and proofs ---------------------------------------------------------------

    @property
    def context(self) -> Context:
        left = self.l1_queue[self.consumed :]
        return Context(
            DOMAIN, self.now, queue_covered(self.now, left[0].enqueue_time if left else None)
        )

    @rule()
    def the_queue_is_worked_off(self) -> None:
        self.a_proof_is_sealed()
        while self.consumed < len(self.l1_queue) and len(self.queue) < SHAPE.queue_slots:
            op = self.l1_queue[self.consumed]
            before = self.state.root
            trace = execute_queue_op(self.state, self.context, op)
            if trace.applied == (self.state.root == before) and not is_empty(op):
                self.faults.append(f"{op} says applied={trace.applied}")
            self.queue.append(trace)
            self.consumed += 1
            self.applied[op.TYPE.name if trace.applied else "NO-OP"] += 1
            self._book_payments(trace.withdrawal)
            self._watch_channel(trace.channel, (trace.account_1, trace.account_2))

    @rule()
    def a_proof_is_sealed(self) -> None:
        """As one: the same root. Replayed from data on another state: the same root (C6)."""
        fees = sum(trace.fee_ntok for trace in self.users)
        operator = self.consumed % 2
        if fees:
            credit_fees(self.state, operator, fees)
        listed = [(trace.transaction, trace.slot) for trace in self.users]
        consumed = [trace.op for trace in self.queue]
        proof = execute_proof(self.base, SHAPE, self.context, operator, consumed, listed)
        assert proof.new_root == self.state.root
        assert proof.queue == tuple(self.queue)
        ops = self.l1_queue[self.consumed - len(consumed) :]
        out = replay_proof(self.replica, proof.context, ops, proof.data)
        assert self.replica.root == proof.new_root
        assert self.replica.accounts == self.state.accounts
        assert self.replica.channels == self.state.channels
        assert out.queue == tuple(trace.withdrawal for trace in self.queue)
        assert out.users[: len(self.users)] == tuple(trace.withdrawal for trace in self.users)
        self.proofs.append(proof)
        self.queue, self.users, self.fees_ntok = [], [], 0
        self.windows = OpenWindows()

    # --- users ------------------------------------------------------------------------------

    def _channel(self, which: int) -> Channel:
        """One that exists (or is opened for this), seldom one that does not."""
        if not self.state.channels and which % 4:
            deposit = min(self.state.account(0).balance_ntok, 3_000)
            self._submit(Open(0, 1, self._nonce(0), deposit, 0, DAY_S, self.now), [HASHES[0]], None)
        channels = sorted(self.state.channels.items())
        if channels:
            return channels[which % len(channels)][1]
        return Channel(0, 1, 9, DAY_S, Status.OPEN, 0, 0, 0, 0, 0, *HASHES[:2])

    def _account(self, which: int) -> int:
        return which % max(len(self.state.accounts), 1)

    def _nonce(self, index: int) -> int:
        account = self.state.find_account(index)
        return account.nonce if account else 0

    @rule(a=numbers, b=numbers, amount=amounts, fee=fees, lie=lies)
    def transfer(self, a: int, b: int, amount: int, fee: int, lie: str | None) -> None:
        a = self._account(a)
        b = self._other(a, b, lie)
        body = Transfer(a, b, self._nonce(a), amount, fee, self.now + 60)
        self._submit(body, [self._key(a)], lie)

    @rule(a=numbers, amount=amounts, fee=fees, lie=lies)
    def withdraw(self, a: int, amount: int, fee: int, lie: str | None) -> None:
        a = self._account(a)
        body = Withdraw(a, self._nonce(a), amount, fee, self.now + 60)
        self._submit(body, [self._key(a)], lie)

    @rule(
        a=numbers,
        b=numbers,
        deposit=amounts,
        fee=fees,
        window=windows,
        lie=lies,
        slot=st.one_of(st.none(), st.sampled_from([0, 1, 2, 2**24 - 1])),
    )
    def open_(
        self, a: int, b: int, deposit: int, fee: int, window: int, lie: str | None, slot: int | None
    ) -> None:
        a = self._account(a)
        b = self._other(a, b, lie)
        window = 5 if lie == "window" else window
        body = Open(a, b, self._nonce(a), deposit, fee, window, self.now + 60)
        self._submit(body, [self._key(a)], lie, slot)

    @rule(which=numbers, side=sides, amount=amounts, fee=fees, lie=lies)
    def top_up(self, which: int, side: Lane, amount: int, fee: int, lie: str | None) -> None:
        channel = self._channel(which)
        index = (channel.a_index, channel.b_index)[side]
        body = TopUp(channel.id, side, self._nonce(index), amount, fee, self.now + 60)
        self._submit(body, [self._key(index)], lie)

    @rule(which=numbers, side=sides, value=lanes, lie=lies)
    def claim(self, which: int, side: Lane, value: int, lie: str | None) -> None:
        channel = self._channel(which)
        body = Claim(channel.id, side, value)
        self._submit(body, [channel.key_hash(side)], lie)

    @rule(which=numbers, side=sides, lie=lies)
    def start_close(self, which: int, side: Lane, lie: str | None) -> None:
        channel = self._channel(which)
        index = (channel.a_index, channel.b_index)[side]
        body = StartClose(channel.id, side, self._nonce(index), self.now + 60)
        self._submit(body, [self._key(index)], lie)

    @rule(which=numbers, more=st.tuples(lanes, lanes), low=st.booleans(), lie=lies)
    def close(self, which: int, more: tuple[int, int], low: bool, lie: str | None) -> None:
        channel = self._channel(which)
        grown = [max(a, b) for a, b in zip(more, (channel.lane_ab, channel.lane_ba), strict=True)]
        deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
        ab, ba = more if low else grown
        body = Close(channel.id, ab, ba, *deposits, self.now + 60)
        self._submit(body, [channel.key_hash_a, channel.key_hash_b], lie)

    @rule(which=numbers, early_s=st.sampled_from([None, 0, 0, 1]), covered=st.booleans())
    def finalize(self, which: int, early_s: int | None, covered: bool) -> None:
        """At once, at the deadline, or a second before it; the queue worked off, or not."""
        channel = self._channel(which)
        while covered and self.consumed < len(self.l1_queue):
            self.the_queue_is_worked_off()
        if early_s is not None and channel.status is Status.CLOSING:
            self.time_passes(max(channel.deadline - early_s - self.now, 0))
        self._submit(Finalize(channel.id), [], None)

    @rule(which=numbers, side=sides, value=lanes)
    def one_side_goes_its_own_way(self, which: int, side: Lane, value: int) -> None:
        """START_CLOSE, perhaps a CLAIM, the window, FINALIZE."""
        self.start_close(which, side, None)
        self.claim(which, Lane(1 - side), value, None)
        self.finalize(which, early_s=0, covered=True)

    @precondition(lambda self: bool(self.users))
    @rule(which=numbers)
    def an_old_transaction_comes_again(self, which: int) -> None:
        before = self.users[which % len(self.users)].transaction
        if self._apply(before, None) and before.body.TYPE is not TxType.CLAIM:
            self.faults.append(f"{before.body} applied twice")

    def _key(self, index: int) -> int:
        account = self.state.find_account(index)
        return account.key_hash if account else HASHES[0]

    def _other(self, a: int, b: int, lie: str | None) -> int:
        if lie == "same":
            return a
        count = max(len(self.state.accounts), 2)
        return 2**24 - 1 if lie == "nobody" else (a + 1 + b % (count - 1)) % count

    def _submit(
        self, body: Body, signers: list[int], lie: str | None, slot: int | None = None
    ) -> None:
        domain = DOMAIN
        if lie == "nonce" and not isinstance(body, Claim | Close | Finalize):
            body = replace(body, nonce=body.nonce + 1)
        if lie == "expired" and not isinstance(body, Claim | Finalize):
            body = replace(body, valid_until=self.now - 1)
        if lie == "domain":
            domain ^= 1
        signatures: tuple[Signature, ...] = ()
        if not isinstance(body, Finalize):
            message = body.message(domain) ^ (lie == "message")
            secrets = [SECRET_OF.get(one, SECRETS[0]) for one in signers]
            if lie == "key":
                secrets[-1] = 12_345
            signatures = tuple(sign(secret, message, bytes(32)) for secret in secrets)
            signatures = (*signatures[:-1], spoilt(signatures[-1], lie))
        applied = self._apply(Transaction(body, signatures), slot)
        if applied and lie in ("nonce", "expired", "domain", "message", "key", "s + l", "s", "r"):
            harmless = isinstance(body, Finalize)
            harmless |= isinstance(body, Claim) and lie in ("nonce", "expired")
            harmless |= isinstance(body, Close) and lie == "nonce"
            if not harmless:
                self.faults.append(f"{body} applied in spite of its {lie}")

    def _apply(self, transaction: Transaction, slot: int | None) -> bool:
        """Execute, or see that nothing changed; the model learns what the trace shows."""
        if len(self.users) == SHAPE.user_slots or self._is_outside(transaction.body, slot):
            self.a_proof_is_sealed()
        encoded = json.loads(json.dumps(codec.transaction_to_json(transaction)))
        assert codec.transaction_from_json(encoded) == transaction
        before = self.state.root, self.state.accounts, self.state.channels, self.state.free_slot()
        try:
            trace = execute(self.state, self.context, transaction, slot)
        except (InvalidTransaction, InvalidSignature) as error:
            refused = type(error)
        else:
            return self._book(trace)
        now = self.state.root, self.state.accounts, self.state.channels, self.state.free_slot()
        assert now == before
        assert refused is not BalanceOverflow  # the contract's cap keeps every balance in range
        self.applied[refused.__name__] += 1
        return False

    def _is_outside(self, body: Body, slot: int | None) -> bool:
        """Whether the proof in the making does not reach what the transaction would touch."""
        try:
            return self.windows.outside(leaves_of(self.state, body, slot)) is not None
        except InvalidTransaction:
            return False

    def _book(self, trace: UserTrace) -> bool:
        self.windows = self.windows.touched(self.state, leaves_in(trace))
        self.users.append(trace)
        self.applied[trace.transaction.body.TYPE.name] += 1
        self.fees_ntok += trace.fee_ntok
        self._book_payments(trace.withdrawal)
        self._watch_channel(trace.channel, (trace.account_1, trace.account_2))
        return True
