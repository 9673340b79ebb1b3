"""Check accepted batches against L1 alone, step by step: no step is skipped, none trusts another.

Needs an L1 URL and the contract's address, nothing of the sequencer. Every batch up to the last
one asked for is recomputed and replayed from genesis, proof by proof; the Groth16 proofs of those
asked for are verified one by one with two libraries that share no code, py_arkworks and py_ecc.
Ref: docs/protocol.md sections 4 to 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.batches import AcceptedBatch, BatchStatement
from contracts.errors import L1Error
from contracts.kzg import commitment_to, opens
from protocol.batch import digest_of, domain_of, evaluate, link_elements, queue_covered
from protocol.blobs import blob_of
from protocol.crypto.field import R
from protocol.data import unpack, unpack_header
from protocol.errors import ProtocolError
from protocol.state import State, genesis_root
from protocol.trace import Context
from protocol.transactions import TxType
from protocol.units import L1_TIME_SLACK_S
from prover.errors import ProverError
from wattlane.errors import BadChoice, WattlaneError
from wattlane.l1_record import L1Record, hashes_of, replay_place
from wattlane.proof_check import check_by_arkworks, check_by_py_ecc


@dataclass
class VerificationFailed(WattlaneError):
    """A batch does not check out. `step` is the name of the check that failed, `proof` counts the
    batch's proofs from 1 (None: the check is about all of them)."""

    batch: int
    proof: int | None
    step: str
    what: str

    def __str__(self) -> str:
        where = f"batch {self.batch}" + ("" if self.proof is None else f", proof {self.proof}")
        return f"{where}: {self.step}: {self.what}"


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that held, with what was found and the seconds that it took; see the failure."""

    batch: int
    proof: int | None
    step: str
    found: str
    seconds: float


_BatchCheck = Callable[[L1Record, AcceptedBatch], str]
_ProofCheck = Callable[[L1Record, AcceptedBatch, int], str]
"""The third argument is the proof's place in its batch, from 0."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _Failed(what)


class _Failed(Exception):
    """Raised inside a check; the runner turns it into a VerificationFailed that names it."""


def _statements(record: L1Record, batch: AcceptedBatch) -> tuple[BatchStatement, ...]:
    return batch.statements(record.settings.shape, record.settings.domain)


def check_domain(record: L1Record, batch: AcceptedBatch) -> str:
    """The domain in the proof's context is this chain's and this contract's."""
    own = domain_of(record.chain_id, record.contract)
    _require(own == record.settings.domain, f"the contract says {record.settings.domain:#x}")
    return f"{own:#034x} of chain {record.chain_id}"


def check_data(record: L1Record, batch: AcceptedBatch) -> str:
    """S elements below r a proof, each of a known type and no longer than it, as its header says;
    no payout is beyond the last proof."""
    submission, shape = batch.submission, record.settings.shape
    count, data = len(submission.proofs), submission.data
    _require(count > 0, "it has no proof")
    expected = count * shape.data_length
    _require(len(data) == expected, f"{len(data)} elements, not {expected}")
    _require(all(element < R for element in data), "an element is not below r")
    beyond = [p.position for p in submission.payouts if p.position >= count * shape.message_length]
    _require(not beyond, f"a payout at {beyond[:1]}, beyond the last proof")
    found = []
    for place, statement in enumerate(_statements(record, batch)):
        _, consumed = unpack_header(statement.data[0])
        ops = len(statement.ops)
        has = f"the header of proof {place + 1} consumes {consumed} queue ops, its share is {ops}"
        _require(consumed == ops, has)
        kinds = [unpack(element).type for element in statement.data[1:]]
        used = ", ".join(kind.name for kind in kinds if kind is not TxType.NOOP)
        found.append(f"{consumed} queue ops; {used or 'no transaction'}")
    return " | ".join(found)


def check_queue(record: L1Record, batch: AcceptedBatch) -> str:
    """The ops are the queue's next ones, hash for hash, and as many as had to be consumed."""
    first = record.first_op_of(batch.number)
    ops, proofs = batch.submission.ops, len(batch.submission.proofs)
    slots = proofs * record.settings.shape.queue_slots
    _require(ops == record.ops[first : first + len(ops)], "not the next ops that L1 logged")
    _require(batch.processed == first + len(ops), f"L1 counts {batch.processed} ops processed")
    chain = hashes_of(record.ops[: batch.processed])
    _require(chain == record.queue_hashes[: batch.processed], "the rolling hash is not the queue's")
    l1_time = batch.submission.l1_time
    _require(all(op.enqueue_time <= l1_time for op in ops), "an op was enqueued after l1_time")
    due = sum(1 for op in record.ops[first:] if op.enqueue_time < l1_time)
    _require(min(slots, due) <= len(ops) <= slots, f"{due} ops were due, {len(ops)} were consumed")
    return f"ops {first + 1} to {batch.processed}" if ops else "no op was due"


def check_time(record: L1Record, batch: AcceptedBatch) -> str:
    """l1_time never falls, lies at most 7,200 s behind its block; each proof's queue_covered
    follows from it and from the op that the proof leaves for those after it."""
    number, l1_time = batch.number - 1, batch.submission.l1_time
    block_time = record.block_times[number]
    if number:
        before = record.batches[number - 1].submission.l1_time
        _require(l1_time >= before, f"l1_time {l1_time} is before the last batch's {before}")
    _require(l1_time <= block_time, f"l1_time {l1_time} is after its block's {block_time}")
    lag = block_time - l1_time
    _require(lag <= L1_TIME_SLACK_S, f"l1_time lies {lag} s behind its block")
    done = record.first_op_of(batch.number)
    for place, statement in enumerate(_statements(record, batch)):
        done += len(statement.ops)
        left = record.ops[done:]
        covered = queue_covered(l1_time, left[0].enqueue_time if left else None)
        context = Context(record.settings.domain, l1_time, covered)
        said = f"queue_covered of proof {place + 1} is {covered}, L1 logged another"
        _require(context == statement.context, said)
    return f"l1_time {l1_time}, {lag} s before its block; queue covered to {batch.queue_covered}"


def check_blob(record: L1Record, batch: AcceptedBatch) -> str:
    """The data are the blob's that L1 names, all of them: its KZG commitment, computed from them
    alone, is the batch's, and opens at z to what the proofs say."""
    submission = batch.submission
    link = submission.link
    if link is None:
        return "none: its data are in calldata"
    _require(commitment_to(blob_of(submission.data)) == link.commitment, "the blob is another")
    z = batch.challenge(record.settings.shape, record.settings.domain)
    y = evaluate(submission.data, z)
    opened = opens(link.commitment, z, y, link.opening_proof)
    _require(opened, "the KZG proof does not hold")
    return f"0x{link.versioned_hash.hex()}"


def check_digest(record: L1Record, batch: AcceptedBatch, place: int) -> str:
    """Poseidon over data and messages, both rebuilt from L1, is the digest that was proved."""
    statement = _statements(record, batch)[place]
    links = link_elements(statement.old_root, statement.new_root, statement.context)
    digest = digest_of(statement.data, statement.messages, links)
    _require(digest == statement.digest, f"recomputed {digest:#066x}")
    return f"{digest:#066x}"


def check_roots(record: L1Record, batch: AcceptedBatch, place: int) -> str:
    """old_root is the new_root of the proof before (genesis for the first), up to L1's own root."""
    proofs, number = batch.submission.proofs, batch.number - 1
    if place:
        before = proofs[place - 1].new_root
    else:
        before = record.batches[number - 1].submission.new_root if number else genesis_root()
    proof = proofs[place]
    _require(proof.old_root == before, "old_root is not where the proof before ended")
    _require(proof.new_root < R, "new_root is not below r")
    if batch.number == len(record.batches) and place == len(proofs) - 1:
        _require(proof.new_root == record.state_root, "L1's root is not this new_root")
    return f"{proof.old_root:#066x} -> {proof.new_root:#066x}"


def check_evaluations(record: L1Record, batch: AcceptedBatch, place: int) -> str:
    """z from all proofs of the batch; both polynomials at z are what was proved."""
    z = batch.challenge(record.settings.shape, record.settings.domain)
    inputs = _statements(record, batch)[place].public_inputs(z)
    submitted = batch.submission.proofs[place]
    _require(inputs.y_data == submitted.y_data, "D(z) is not the submitted y_data")
    _require(inputs.y_msg == submitted.y_msg, "M(z) is not the submitted y_msg")
    _require(all(value < R for value in inputs.values()), "a public input is not below r")
    return f"z = {inputs.z:#066x}"


BATCH_CHECKS: tuple[tuple[str, _BatchCheck], ...] = (
    ("domain", check_domain),
    ("data", check_data),
    ("blob", check_blob),
    ("queue", check_queue),
    ("time", check_time),
)

PROOF_CHECKS: tuple[tuple[str, _ProofCheck], ...] = (
    ("digest", check_digest),
    ("roots", check_roots),
    ("evaluations", check_evaluations),
)

ProofCheck = tuple[str, _ProofCheck]
"""A check's name, and the check."""
BY_ARKWORKS: ProofCheck = ("proof, by py_arkworks", check_by_arkworks)
GROTH16_CHECKS: tuple[ProofCheck, ...] = (BY_ARKWORKS, ("proof, by py_ecc", check_by_py_ecc))


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


def verify(
    record: L1Record, numbers: Collection[int], proofs: Sequence[ProofCheck] = GROTH16_CHECKS
) -> Iterator[Passed]:
    """Run every check, yielding each as it passes; batches not asked for are replayed only.

    `proofs`: how the proofs of those asked for are verified. Raises VerificationFailed at the first
    check that does not hold.
    """
    state = State()
    for batch in record.batches[: max(numbers)]:
        asked = batch.number in numbers
        for passed in _checked(record, batch, state, proofs if asked else ()):
            if asked:
                yield passed


def _checked(
    record: L1Record, batch: AcceptedBatch, state: State, proofs: Sequence[ProofCheck]
) -> Iterator[Passed]:
    for step, check in BATCH_CHECKS:
        yield _run(batch, None, step, partial(check, record, batch))
    places = range(len(batch.submission.proofs))
    for step, proof_check in PROOF_CHECKS:
        for place in places:
            yield _run(batch, place, step, partial(proof_check, record, batch, place))
    for place in places:
        yield _run(batch, place, "replay", partial(check_replay, record, batch, place, state))
    for step, proof_check in proofs:
        for place in places:
            yield _run(batch, place, step, partial(proof_check, record, batch, place))


def check_replay(record: L1Record, batch: AcceptedBatch, place: int, state: State) -> str:
    """The data, replayed on the state before, give new_root and exactly the listed payouts."""
    shape = record.settings.shape
    start = place * shape.message_length
    replayed = replay_place(record, state, batch, place)
    outs = [(shape.queue_output(j), out) for j, out in enumerate(replayed.queue)]
    outs += [(shape.user_output(i), out) for i, out in enumerate(replayed.users)]
    withdrawn = [
        (start + place_there, out.l1_address, out.amount_ntok)
        for place_there, out in outs
        if out is not None and out.amount_ntok
    ]
    listed = [
        (p.position, p.l1_address, p.amount_ntok)
        for p in batch.submission.payouts
        if start <= p.position < start + shape.message_length
    ]
    _require(withdrawn == listed, "the payouts on L1 are not what the data withdraw")
    accounts, channels = len(state.accounts), len(state.channels)
    return f"{accounts} accounts, {channels} open channels, {len(listed)} payouts"


def _run(batch: AcceptedBatch, place: int | None, step: str, check: Callable[[], str]) -> Passed:
    started, proof = time.monotonic(), None if place is None else place + 1
    try:
        found = check()
    except (_Failed, ProtocolError, L1Error, ProverError) as error:
        raise VerificationFailed(batch.number, proof, step, str(error)) from error
    return Passed(batch.number, proof, step, found, time.monotonic() - started)
