"""A receipt held against L1: which of the operator's promises was kept, is open, or is broken.

Nothing of the sequencer is asked. The receipt must be signed by a key that the operator's L1 key
endorsed; then every final batch is replayed, and the transaction looked for at each place. Two
promises, of a transaction that was executed: to be in a batch by the deadline, and, once final, to
be at that very place. Before it is final no place is promised, as a batch may be sealed anew; and
"accepted" promises nothing, as what was not executed may turn out not to apply. A promise that the
household itself made impossible (the transaction expired or no longer applies) is not the
operator's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from contracts.endorsements import Operators, endorser_of
from protocol.codec import point_from_json, to_int, transaction_from_json, transaction_id
from protocol.crypto.jubjub import Point
from protocol.data import DataRecord
from protocol.errors import (
    InvalidSignature,
    InvalidTransaction,
    ProtocolError,
    ReplayMismatch,
)
from protocol.execute import execute
from protocol.receipts import STATUSES, Receipt, is_signed, receipt_from_json
from protocol.replay import replay_proof
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import (
    Claim,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    TxType,
    Withdraw,
)
from wattlane.errors import WattlaneError
from wattlane.l1_record import L1Record


@dataclass
class BadReceipt(WattlaneError):
    """The file is no receipt that anybody could be held to."""

    what: str

    def __str__(self) -> str:
        return f"this is no receipt of this rollup's operator: {self.what}"


@dataclass
class NotEndorsed(BadReceipt):
    """Who endorsed the receipt key is not among those operators that were looked at."""


class Verdict(Enum):
    """What became of a promise."""

    KEPT = "kept"
    OPEN = "open"
    BROKEN = "BROKEN"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise, what became of it, and why."""

    promise: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What a household has kept: its transaction, and the operator's word."""

    transaction: Transaction
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Place:
    """Where L1 has a transaction: batch, position in it, and the time (seconds) of its block."""

    batch: int
    position: int
    block_time: int


def read_receipt(given: object, domain: int, operators: Operators) -> Kept:
    """The file's content, if an operator stands behind it. Raises BadReceipt, NotEndorsed."""
    if not isinstance(given, dict):
        raise BadReceipt("it is no JSON object")
    try:
        transaction = transaction_from_json(given["transaction"])
        receipt, signature = receipt_from_json(given["receipt"])
        key = point_from_json("receipt_key", given["receipt_key"])
        if to_int("domain", given["domain"]) != domain:
            raise BadReceipt("it is for another rollup")
        if receipt.id != transaction_id(transaction):
            raise BadReceipt("it is for another transaction")
        if not is_signed(key, domain, receipt, signature):
            raise BadReceipt("the receipt key did not sign it")
        _check_endorsed(key, domain, str(given["endorsement"]), operators)
    except KeyError as error:
        raise BadReceipt(f"field {error} is missing") from error
    except ProtocolError as error:
        raise BadReceipt(str(error)) from error
    return Kept(transaction, receipt)


def _check_endorsed(key: Point, domain: int, endorsement: str, operators: Operators) -> None:
    try:
        signer = endorser_of(domain, key, endorsement)
    except ValueError as error:
        raise BadReceipt(str(error)) from error
    if not operators.had(signer):
        what = f"{signer}, who endorsed the receipt key, is not the operator on L1, and never was"
        if operators.first_is_missing:
            what += (
                ", unless the first: who that was, this L1 node cannot say any more; "
                "ask one that keeps old states (an archive node)"
            )
        raise NotEndorsed(what)


def judge(record: L1Record, final: int, l1_time: int, kept: Kept) -> list[Finding]:
    """What became of each promise. `final`: how many batches are final; `l1_time`: the final
    block's (seconds). Raises ReplayMismatch, WrongShape.
    """
    if kept.receipt.status not in STATUSES:
        why = "it was not executed yet, so it may still turn out not to apply: nothing is promised"
        return [Finding(f"status {kept.receipt.status}", Verdict.VOID, why)]
    search = _Search(record, kept.transaction, kept.receipt.deadline)
    for number in range(1, final + 1):
        search.take(number)
    found = []
    if kept.receipt.deadline:
        found.append(_by_deadline(search, kept, l1_time))
    if kept.receipt.status == "final":
        found.append(_at_place(search, kept.receipt, final, l1_time))
    if not found:
        raise BadReceipt("it promises nothing: no deadline, and no final place")
    return found


def _by_deadline(search: _Search, kept: Kept, l1_time: int) -> Finding:
    receipt, place = kept.receipt, search.place
    promise = f"in a batch that L1 accepts by {receipt.deadline}"
    if place is not None:
        where = f"batch {place.batch}, position {place.position}, accepted at {place.block_time}"
        late = place.block_time > receipt.deadline
        return Finding(promise, Verdict.BROKEN if late else Verdict.KEPT, where)
    if l1_time <= receipt.deadline:
        return Finding(promise, Verdict.OPEN, f"L1's newest final block is at {l1_time}")
    valid_until = _expiry_of(kept.transaction)
    if valid_until is not None and valid_until < receipt.deadline:
        return Finding(promise, Verdict.VOID, f"no batch has it, and it expired at {valid_until}")
    reason = search.reason()
    if reason is None:
        return Finding(promise, Verdict.BROKEN, "no batch has it, and it could have been in one")
    return Finding(promise, Verdict.VOID, f"no batch has it, and it does not apply: {reason}")


def _at_place(search: _Search, receipt: Receipt, final: int, l1_time: int) -> Finding:
    promise = f"{receipt.status} at position {receipt.position} of batch {receipt.batch}"
    place = search.place
    if place is not None:
        there = (place.batch, place.position) == (receipt.batch, receipt.position)
        where = f"it is at position {place.position} of batch {place.batch}"
        return Finding(promise, Verdict.KEPT if there else Verdict.BROKEN, where)
    if final >= receipt.batch:
        return Finding(promise, Verdict.BROKEN, f"batch {receipt.batch} is final without it")
    return Finding(promise, Verdict.OPEN, f"batch {receipt.batch} is not final at {l1_time}")


class _Search:
    """Replays batches and looks for one transaction in them."""

    def __init__(self, record: L1Record, transaction: Transaction, deadline: int) -> None:
        self._record, self._wanted, self._deadline = record, transaction, deadline
        self._state = State()
        self._at_deadline: tuple[State, Context] | None = None
        self.place: Place | None = None

    def take(self, number: int) -> None:
        """Replay a batch."""
        record, batch = self._record, self._record.batches[number - 1]
        block_time, position = record.block_times[number - 1], 0

        def watch(slot: DataRecord) -> None:
            nonlocal position
            if slot.type is TxType.NOOP:
                return
            if self.place is None and is_it(self._state, slot, self._wanted):
                self.place = Place(number, position, block_time)
            position += 1

        done = record.first_op_of(number)
        for statement in batch.statements(record.settings.shape, record.settings.domain):
            ops = record.ops[done : done + len(statement.ops)]
            done += len(statement.ops)
            replay_proof(self._state, statement.context, ops, statement.data, watch)
            if self._state.root != statement.new_root:
                raise ReplayMismatch(f"the data of batch {number} lead to another root")
            if block_time <= self._deadline:
                self._at_deadline = self._state.copy(), statement.context

    def reason(self) -> str | None:
        """Why it did not apply to the last batch by the deadline; None where it did."""
        if self._at_deadline is None:
            return None
        state, context = self._at_deadline
        try:
            execute(state.copy(), context, self._wanted)
        except (InvalidTransaction, InvalidSignature) as error:
            return str(error)
        return None


def _expiry_of(transaction: Transaction) -> int | None:
    body = transaction.body
    return None if isinstance(body, Claim | Finalize) else body.valid_until


def is_it(state: State, slot: DataRecord, wanted: Transaction) -> bool:
    """Whether a user slot's record, on the state before it, is this very transaction.

    L1 holds no signatures; fields and nonce leave no other transaction of the same signer.
    """
    body = wanted.body
    if slot.type is not body.TYPE:
        return False
    given = {name: number for name, number in slot.values.items() if hasattr(body, name)}
    if any(int(getattr(body, name)) != number for name, number in given.items()):
        return False
    match body:
        case Transfer():
            return _nonce(state, body.from_index) == body.nonce
        case Withdraw():
            return _nonce(state, body.index) == body.nonce
        case Open():
            return _nonce(state, body.a_index) == body.nonce
    channel = state.find_channel(slot.values["slot"])
    if channel is None or channel.id != body.channel_id:
        return False
    if isinstance(body, TopUp | StartClose):
        return _nonce(state, (channel.a_index, channel.b_index)[body.side]) == body.nonce
    return True


def _nonce(state: State, index: int) -> int | None:
    account = state.find_account(index)
    return None if account is None else account.nonce
