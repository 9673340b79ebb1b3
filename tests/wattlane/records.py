"""A rollup's L1 record without a chain: executed batches, simulated proofs, every type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from contracts.batches import AcceptedBatch, BlobLink, submission_of
from contracts.blob_transactions import Sidecar
from contracts.kzg import open_at
from contracts.reader import RollupSettings
from protocol.batch import Shape, challenge, domain_of, public_inputs, queue_covered
from protocol.blobs import blob_of
from protocol.channels import Lane, channel_id, pack_lane
from protocol.proof_builder import execute_proof
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.protocol.street import ANNA, BERT, Home, signed
from tests.support.simulated_proofs import SimulatedKey
from wattlane.l1_record import L1Record, hashes_of

SHAPE = Shape(queue_slots=2, user_slots=4)
CHAIN_ID, CONTRACT = 31_337, 0xC0FFEE
DOMAIN = domain_of(CHAIN_ID, CONTRACT)
START = 1_790_000_000
FOR_EVER = START + 30 * DAY_S
FUNDS_NTOK = 10_000_000
KEY = SimulatedKey()
Plan = Sequence[tuple[int, Sequence[Sequence[Transaction]]]]
IN_BLOB = 3
"""The batch whose data are in a blob."""

SETTINGS = RollupSettings(
    token="0x" + "11" * 20,
    shape=SHAPE,
    domain=DOMAIN,
    base_units_per_ntok=10**9,
    ntok_per_base_unit=1,
    exodus="0x" + "33" * 20,
)


def _new_account(number: int, home: Home, at: int) -> NewAccount:
    return NewAccount(
        number, at, home.index, home.key_hash, home.l1_address, FUNDS_NTOK, home.l1_address
    )


def _sign(
    body: Transfer | Withdraw | Open | TopUp | Claim | StartClose | Close, *who: Home
) -> Transaction:
    return signed(body, *who, domain=DOMAIN)


@cache
def record() -> L1Record:
    """Six batches: accounts; opens; a co-signed close, its data in a blob; a forced close; its end
    and withdrawals; and one of two proofs, each with ops and a payout of its own."""
    ops: tuple[QueueOp, ...] = (
        _new_account(1, ANNA, START),
        _new_account(2, BERT, START + 5),
        Deposit(3, START + 50, ANNA.index, 500, BERT.l1_address),
        Deposit(4, START + 4 * DAY_S, BERT.index, 7, BERT.l1_address),
        Deposit(5, START + 5 * DAY_S, ANNA.index, 8, BERT.l1_address),
        Deposit(6, START + 5 * DAY_S + 3, ANNA.index, 9, BERT.l1_address),
        Deposit(7, START + 9 * DAY_S, ANNA.index, 10, BERT.l1_address),
    )
    first, second = channel_id(0, 1, 0), channel_id(0, 1, 1)
    paid, more = pack_lane(1_200, 240_000), pack_lane(900, 180_000)
    deadline = START + 300 + L1_TIME_SLACK_S + DAY_S
    plan: Plan = (
        (START + 10, [()]),
        (
            START + 100,
            [
                (
                    _sign(Open(0, 1, 0, 400_000, 0, DAY_S, FOR_EVER), ANNA),
                    _sign(Open(0, 1, 1, 300_000, 0, DAY_S, FOR_EVER), ANNA),
                    _sign(TopUp(first, Lane.BA, 0, 50_000, 0, FOR_EVER), BERT),
                )
            ],
        ),
        (
            START + 200,
            [(_sign(Close(first, paid, 0, 400_000, 50_000, FOR_EVER), ANNA, BERT),)],
        ),
        (
            START + 300,
            [
                (
                    _sign(StartClose(second, Lane.BA, 1, FOR_EVER), BERT),
                    _sign(Claim(second, Lane.AB, more), ANNA),
                    _sign(Transfer(0, 1, 2, 1_000, 25, FOR_EVER), ANNA),
                )
            ],
        ),
        (
            deadline,
            [
                (
                    Transaction(Finalize(second)),
                    _sign(Withdraw(1, 2, 200_000, 0, FOR_EVER), BERT),
                    _sign(Withdraw(0, 3, 0, 0, FOR_EVER), ANNA),
                )
            ],
        ),
        (
            START + 6 * DAY_S,
            [
                (_sign(Withdraw(0, 4, 11, 0, FOR_EVER), ANNA),),
                (
                    _sign(Transfer(1, 0, 3, 12, 25, FOR_EVER), BERT),
                    _sign(Withdraw(1, 4, 13, 0, FOR_EVER), BERT),
                ),
            ],
        ),
    )
    return record_of(ops, plan)


def record_of(ops: tuple[QueueOp, ...], plan: Plan) -> L1Record:
    """The record of these ops and batches: each with its l1_time, and the transactions of each of
    its proofs."""
    state, processed, batches = State(), 0, []
    for number, (l1_time, steps) in enumerate(plan, start=1):
        proofs = []
        for transactions in steps:
            due = [op for op in ops[processed:] if op.enqueue_time <= l1_time][: SHAPE.queue_slots]
            processed += len(due)
            left = ops[processed:]
            covered = queue_covered(l1_time, left[0].enqueue_time if left else None)
            context = Context(DOMAIN, l1_time, covered)
            taken = [(tx, None) for tx in transactions]
            proofs.append(execute_proof(state, SHAPE, context, 1, due, taken))
        sidecar = None
        if number == IN_BLOB:
            sidecar = Sidecar.of(blob_of([element for one in proofs for element in one.data]))
        z = challenge(proofs, None if sidecar is None else sidecar.versioned_hash)
        inputs = [public_inputs(proof, z) for proof in proofs]
        made = [KEY.prove(one.values()) for one in inputs]
        link = None
        if sidecar is not None:
            link = BlobLink(sidecar.commitment, open_at(sidecar.blob, z).proof)
        batches.append(
            AcceptedBatch(
                number=number,
                submission=submission_of(proofs, inputs, made, link),
                queue_covered=proofs[-1].context.queue_covered,
                processed=processed,
                block_number=10 * number,
                block_hash=number.to_bytes(32, "big"),
                transaction_hash=number.to_bytes(32, "big"),
            )
        )
    return L1Record(
        chain_id=CHAIN_ID,
        contract=CONTRACT,
        settings=SETTINGS,
        key=KEY.key,
        ops=ops,
        queue_hashes=hashes_of(ops),
        batches=tuple(batches),
        block_times=tuple(one.submission.l1_time + 12 for one in batches),
        state_root=state.root,
    )


def with_batch(number: int, **changes: object) -> L1Record:
    """The record with fields of one batch's submission (or of the batch itself) replaced."""
    whole = record()
    batch = whole.batches[number - 1]
    own = {name: changes.pop(name) for name in ("queue_covered", "processed") if name in changes}
    changed = replace(batch, submission=replace(batch.submission, **changes), **own)  # type: ignore[arg-type]
    batches = (*whole.batches[: number - 1], changed, *whole.batches[number:])
    return replace(whole, batches=batches)


def with_proof(number: int, place: int, **changes: object) -> L1Record:
    """The record with fields of the proof at `place` of a batch replaced."""
    proofs = list(record().batches[number - 1].submission.proofs)
    proofs[place] = replace(proofs[place], **changes)  # type: ignore[arg-type]
    return with_batch(number, proofs=tuple(proofs))
