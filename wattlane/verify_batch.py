"""Check accepted batches against L1 alone, step by step: no step is skipped, none trusts another.

Needs an L1 URL and the contract's address, nothing of the sequencer. Every batch up to the last
one asked for is recomputed and replayed from genesis; the Groth16 proofs of those asked for are
verified with two libraries that share no code, py_arkworks and py_ecc.
Ref: docs/protocol.md sections 4 to 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from contracts.batches import AcceptedBatch, BatchStatement
from contracts.errors import L1Error
from protocol.batch import digest_of, domain_of, queue_covered
from protocol.crypto.field import R
from protocol.data import unpack, unpack_header
from protocol.errors import ProtocolError
from protocol.state import State, genesis_root
from protocol.transactions import TxType
from protocol.units import L1_TIME_SLACK_S
from prover.errors import ProverError
from wattlane.errors import BadChoice, WattlaneError
from wattlane.l1_record import L1Record, hashes_of, replay_batch
from wattlane.proof_check import check_by_arkworks, check_by_py_ecc


@dataclass
class VerificationFailed(WattlaneError):
    """A batch does not check out. `step` is the name of the check that failed."""

    batch: int
    step: str
    what: str

    def __str__(self) -> str:
        return f"batch {self.batch}: {self.step}: {self.what}"


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that held, with what was found and the seconds that it took."""

    batch: int
    step: str
    found: str
    seconds: float


_Check = Callable[[L1Record, AcceptedBatch], str]


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _Failed(what)


class _Failed(Exception):
    """Raised inside a check; the runner turns it into a VerificationFailed that names it."""


def _statement(record: L1Record, batch: AcceptedBatch) -> BatchStatement:
    return batch.statement(record.settings.shape, record.settings.domain)


def check_domain(record: L1Record, batch: AcceptedBatch) -> str:
    """The domain in the proof's context is this chain's and this contract's."""
    own = domain_of(record.chain_id, record.contract)
    _require(own == record.settings.domain, f"the contract says {record.settings.domain:#x}")
    return f"{own:#034x} of chain {record.chain_id}"


def check_data(record: L1Record, batch: AcceptedBatch) -> str:
    """S elements below r, each of a known type and no longer than it, as the header says."""
    data, shape = batch.submission.data, record.settings.shape
    _require(len(data) == shape.data_length, f"{len(data)} elements, not {shape.data_length}")
    _require(all(element < R for element in data), "an element is not below r")
    _, consumed = unpack_header(data[0])
    ops = len(batch.submission.ops)
    _require(consumed == ops, f"the header consumes {consumed} queue ops, the batch has {ops}")
    kinds = [unpack(element).type for element in data[1:]]
    used = ", ".join(kind.name for kind in kinds if kind is not TxType.NOOP)
    return f"{consumed} queue ops; {used or 'no transaction'}"


def check_queue(record: L1Record, batch: AcceptedBatch) -> str:
    """The ops are the queue's next ones, hash for hash, and as many as had to be consumed."""
    first = record.first_op_of(batch.number)
    ops, slots = batch.submission.ops, record.settings.shape.queue_slots
    _require(ops == record.ops[first : first + len(ops)], "not the next ops that L1 logged")
    _require(batch.processed == first + len(ops), f"L1 counts {batch.processed} ops processed")
    chain = hashes_of(record.ops[: batch.processed])
    _require(chain == record.queue_hashes[: batch.processed], "the rolling hash is not the queue's")
    l1_time = batch.submission.l1_time
    _require(all(op.enqueue_time <= l1_time for op in ops), "an op was enqueued after l1_time")
    due = sum(1 for op in record.ops[first:] if op.enqueue_time < l1_time)
    _require(len(ops) >= min(slots, due), f"{due} ops were due, {len(ops)} were consumed")
    return f"ops {first + 1} to {batch.processed}" if ops else "no op was due"


def check_time(record: L1Record, batch: AcceptedBatch) -> str:
    """l1_time never falls, lies at most 7,200 s behind its block; queue_covered follows from it."""
    place, l1_time = batch.number - 1, batch.submission.l1_time
    block_time = record.block_times[place]
    if place:
        before = record.batches[place - 1].submission.l1_time
        _require(l1_time >= before, f"l1_time {l1_time} is before the last batch's {before}")
    _require(l1_time <= block_time, f"l1_time {l1_time} is after its block's {block_time}")
    lag = block_time - l1_time
    _require(lag <= L1_TIME_SLACK_S, f"l1_time lies {lag} s behind its block")
    left = record.ops[batch.processed :]
    covered = queue_covered(l1_time, left[0].enqueue_time if left else None)
    _require(covered == batch.queue_covered, f"queue_covered is {covered}, L1 logged another")
    return f"l1_time {l1_time}, {lag} s before its block; queue covered to {covered}"


def check_digest(record: L1Record, batch: AcceptedBatch) -> str:
    """Poseidon over data and messages, both rebuilt from L1, is the digest that was proved."""
    statement = _statement(record, batch)
    digest = digest_of(statement.data, statement.messages)
    _require(digest == statement.digest, f"recomputed {digest:#066x}")
    return f"{digest:#066x}"


def check_evaluations(record: L1Record, batch: AcceptedBatch) -> str:
    """z from everything before it; both polynomials at z are what was proved."""
    inputs = _statement(record, batch).public_inputs()
    submission = batch.submission
    _require(inputs.y_data == submission.y_data, "D(z) is not the submitted y_data")
    _require(inputs.y_msg == submission.y_msg, "M(z) is not the submitted y_msg")
    _require(all(value < R for value in inputs.values()), "a public input is not below r")
    return f"z = {inputs.z:#066x}"


def check_roots(record: L1Record, batch: AcceptedBatch) -> str:
    """old_root is the batch before's new_root (genesis for the first), up to L1's present root."""
    place, submission = batch.number - 1, batch.submission
    before = record.batches[place - 1].submission.new_root if place else genesis_root()
    _require(submission.old_root == before, "old_root is not where the batch before ended")
    if batch.number == len(record.batches):
        _require(submission.new_root == record.state_root, "L1's root is not this new_root")
    return f"{submission.old_root:#066x} -> {submission.new_root:#066x}"


CHECKS: tuple[tuple[str, _Check], ...] = (
    ("domain", check_domain),
    ("data", check_data),
    ("queue", check_queue),
    ("time", check_time),
    ("digest", check_digest),
    ("evaluations", check_evaluations),
    ("roots", check_roots),
)

PROOF_CHECKS: tuple[tuple[str, _Check], ...] = (
    ("proof, by py_arkworks", check_by_arkworks),
    ("proof, by py_ecc", check_by_py_ecc),
)


def chosen(record: L1Record, which: str) -> range:
    """The batch numbers that `all` or a decimal number names. Raises BadChoice."""
    last = len(record.batches)
    if not last:
        raise BadChoice("L1 has accepted no batch of this rollup so far")
    if which == "all":
        return range(1, last + 1)
    if which.isascii() and which.isdigit() and 1 <= int(which) <= last:
        return range(int(which), int(which) + 1)
    raise BadChoice(f"there is no batch {which[:20]!r}: name one of 1 to {last}, or all")


def verify(record: L1Record, numbers: Collection[int]) -> Iterator[Passed]:
    """Run every check, yielding each as it passes; batches not asked for are replayed only.

    Raises VerificationFailed at the first that does not hold.
    """
    state = State()
    for batch in record.batches[: max(numbers)]:
        asked = batch.number in numbers
        for step, check in CHECKS:
            passed = _run(record, batch, step, check)
            if asked:
                yield passed
        replayed = _run(record, batch, "replay", lambda r, b: check_replay(r, b, state))
        if asked:
            yield replayed
            for step, check in PROOF_CHECKS:
                yield _run(record, batch, step, check)


def check_replay(record: L1Record, batch: AcceptedBatch, state: State) -> str:
    """The data, replayed on the state before, give new_root and exactly the listed payouts."""
    first = 8 * record.settings.shape.queue_slots
    withdrawn = [
        (first + place, out.l1_address, out.amount_ntok)
        for place, out in enumerate(replay_batch(record, state, batch))
        if out is not None and out.amount_ntok
    ]
    listed = [(p.position, p.l1_address, p.amount_ntok) for p in batch.submission.payouts]
    _require(withdrawn == listed, "the payouts on L1 are not what the data withdraw")
    accounts, channels = len(state.accounts), len(state.channels)
    return f"{accounts} accounts, {channels} open channels, {len(listed)} payouts"


def _run(record: L1Record, batch: AcceptedBatch, step: str, check: _Check) -> Passed:
    started = time.monotonic()
    try:
        found = check(record, batch)
    except (_Failed, ProtocolError, L1Error, ProverError) as error:
        raise VerificationFailed(batch.number, step, str(error)) from error
    return Passed(batch.number, step, found, time.monotonic() - started)
