"""Honest proofs of the shipped circuit on a real L1: every kind of slot, and every lie refused.

Three batches of the default shape, each with a Groth16 proof of its own: NEW_ACCOUNT; DEPOSIT and
six types of transaction; CLOSE and FINALIZE after the challenge window. Before each is sent, the
same submission is tried with one thing changed at a time, and nothing changed is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from contracts import errors
from contracts.addresses import address_number
from contracts.batches import Payout, Submission, submission_of
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.client import RollupClient
from contracts.deploy import deploy_rollup, deploy_token
from contracts.erc20 import TokenClient
from contracts.finality import LATEST
from contracts.verifying_key import P
from protocol.batch import ExecutedProof, challenge, public_inputs, queue_covered
from protocol.channels import Lane, channel_id, pack_lane
from protocol.crypto.field import R
from protocol.proof_builder import execute_proof
from protocol.queue import OpType
from protocol.replay import replay_proof
from protocol.state import State
from protocol.trace import Context
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
from protocol.units import DAY_S, L1_TIME_SLACK_S
from prover.circuits.batch import DEFAULT_SHAPE
from prover.jobs import BatchProver, ProofJob
from sequencer.proving import contract_key
from tests.protocol.street import ANNA, BERT, Home, signed

Reasons = set[type[errors.Reverted]]

FUNDS_NTOK = 10**9
COORDINATE = 64
"""Bytes of a field element in a proof: 16 of zeros, then 48."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An executed batch and its honest submission."""

    executed: ExecutedProof
    submission: Submission


class Street:
    """Anna and Bert on an L1, their rollup, and an operator who proves what it executes."""

    def __init__(self, chain: Chain, prover: BatchProver) -> None:
        self.chain, self.prover = chain, prover
        operator = chain.accounts[0]
        self.token: TokenClient = deploy_token(chain.url, operator)
        self.client: RollupClient = deploy_rollup(
            chain.url,
            operator,
            token=self.token.address,
            operator=operator.address,
            shape=DEFAULT_SHAPE,
            key=contract_key(prover.verifying_key),
            finality=LATEST,
        )
        self.token.mint(operator.address, 10**24)
        self.token.approve(self.client.address, 10**24)
        self.domain = self.client.settings().domain
        self.state = State()
        self.executed: list[ExecutedProof] = []

    @property
    def now(self) -> int:
        return self.client.latest_block().timestamp

    def prove(self, *transactions: Transaction) -> Proved:
        """Execute the due queue ops and these transactions, and prove all of it."""
        progress, enqueued = self.client.progress(), self.client.enqueued()
        ops = self.client.queue_ops_by_number(progress.processed + 1, enqueued)
        due = ops[: DEFAULT_SHAPE.queue_slots]
        left = ops[len(due)].enqueue_time if len(ops) > len(due) else None
        context = Context(self.domain, self.now, queue_covered(self.now, left))
        executed = execute_proof(
            self.state, DEFAULT_SHAPE, context, 0, due, [(tx, None) for tx in transactions]
        )
        public = public_inputs(executed, challenge([executed]))
        proof = self.prover.prove(ProofJob(executed, public))
        self.executed.append(executed)
        return Proved(executed, submission_of(executed, public, proof.encode()))

    def refuses(self, submission: Submission) -> type[errors.Reverted]:
        """Why L1 refuses it. Fails the test if it does not."""
        with pytest.raises(errors.Reverted) as refusal:
            self.client.call(submission.calldata(), self.client.account.address)
        return refusal.type


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    prover = BatchProver(DEFAULT_SHAPE)
    prover.setup()
    try:
        chain = start_chain("anvil")
    except ChainUnavailable:
        chain = start_chain("embedded")
    with chain:
        yield Street(chain, prover)


def _with_byte_changed(submission: Submission, position: int, flip: int = 1) -> Submission:
    changed = bytearray(submission.proof_bytes)
    changed[position] ^= flip
    return replace(submission, proof_bytes=bytes(changed))


def _with_negated_y(submission: Submission, coordinate: int) -> Submission:
    """A point that is on the curve and in the subgroup, but not the proof's."""
    start = coordinate * COORDINATE
    y = int.from_bytes(submission.proof_bytes[start : start + COORDINATE], "big")
    changed = bytearray(submission.proof_bytes)
    changed[start : start + COORDINATE] = (P - y).to_bytes(COORDINATE, "big")
    return replace(submission, proof_bytes=bytes(changed))


def _lies(honest: Submission) -> dict[str, tuple[Submission, Reasons]]:
    """Submissions with one thing changed, and the reasons for which L1 may refuse each."""
    bad_point: Reasons = {errors.PrecompileRefused}
    rejected: Reasons = {errors.ProofRejected}
    lies: dict[str, tuple[Submission, Reasons]] = {}
    for coordinate in range(8):
        start = coordinate * COORDINATE
        for what, offset in (("padding", 0), ("high", 16), ("middle", 40), ("low", 63)):
            name = f"proof coordinate {coordinate}, {what} byte"
            lies[name] = _with_byte_changed(honest, start + offset), bad_point
    lies["A negated"] = _with_negated_y(honest, 1), rejected
    lies["C negated"] = _with_negated_y(honest, 7), rejected
    for name, start, end in (("A", 0, 128), ("B", 128, 384), ("C", 384, 512)):
        gone = bytearray(honest.proof_bytes)
        gone[start:end] = bytes(end - start)
        lies[f"{name} at infinity"] = (
            replace(honest, proof_bytes=bytes(gone)),
            {errors.ProofInfinity},
        )
    mismatch: Reasons = {errors.DataMismatch, errors.MessagesMismatch}
    lies["old root"] = replace(honest, old_root=honest.old_root ^ 1), {errors.StaleRoot}
    lies["new root"] = replace(honest, new_root=honest.new_root ^ 1), mismatch
    lies["new root + r"] = replace(honest, new_root=honest.new_root + R), {errors.InputTooLarge}
    lies["digest"] = replace(honest, digest=honest.digest ^ 1), mismatch
    lies["digest + r"] = replace(honest, digest=honest.digest + R), {errors.InputTooLarge}
    lies["y of the data"] = replace(honest, y_data=honest.y_data ^ 1), {errors.DataMismatch}
    lies["y of the messages"] = replace(honest, y_msg=honest.y_msg ^ 1), {errors.MessagesMismatch}
    lies["both y swapped"] = replace(honest, y_data=honest.y_msg, y_msg=honest.y_data), mismatch
    earlier = honest.l1_time - 1
    lies["an earlier time"] = (
        replace(honest, l1_time=earlier),
        mismatch | {errors.TimeWentBack, errors.OpNotDue},
    )
    for i in range(len(honest.data)):
        data = (*honest.data[:i], honest.data[i] ^ 1, *honest.data[i + 1 :])
        lies[f"data element {i}"] = replace(honest, data=data), mismatch
    lies["an element less"] = replace(honest, data=honest.data[:-1]), {errors.BadDataLength}
    return lies


def _refuse_all_lies(street: Street, honest: Submission) -> None:
    for name, (lie, reasons) in _lies(honest).items():
        reason = street.refuses(lie)
        assert reason in reasons, f"{name}: refused as {reason.__name__}"


def _join(street: Street, home: Home) -> None:
    street.client.new_account(home.key_hash, _address(home), FUNDS_NTOK)


def _address(home: Home) -> str:
    return "0x" + home.l1_address.to_bytes(20, "big").hex()


def test_every_kind_of_slot_is_proved_and_accepted_and_every_lie_about_it_refused(
    street: Street,
) -> None:
    client = street.client

    # 1: both accounts come out of the queue.
    _join(street, ANNA)
    _join(street, BERT)
    first = street.prove().submission
    _refuse_all_lies(street, first)
    assert street.refuses(replace(first, ops=first.ops[:1])) is errors.OpSkipped
    assert street.refuses(replace(first, ops=first.ops[::-1])) is errors.QueueMismatch
    richer = replace(first.ops[0], amount_ntok=FUNDS_NTOK + 1)
    assert street.refuses(replace(first, ops=(richer, first.ops[1]))) is errors.QueueMismatch
    client.submit_batch(first)
    assert client.state_root() == street.state.root

    # 2: a deposit, and every transaction that needs no challenge window.
    client.deposit(ANNA.index, _address(ANNA), 77)
    until = street.now + L1_TIME_SLACK_S
    forced, agreed = channel_id(0, 1, 1), channel_id(1, 0, 0)
    bodies: list[tuple[Body, Home]] = [
        (Transfer(0, 1, 0, 900, 7, until), ANNA),
        (Open(0, 1, 1, 50_000, 5, DAY_S, until), ANNA),
        (Open(1, 0, 0, 60_000, 5, DAY_S, until), BERT),
        (TopUp(forced, Lane.BA, 1, 40, 3, until), BERT),
        (Claim(forced, Lane.AB, pack_lane(12, 3_000)), ANNA),
        (StartClose(forced, Lane.BA, 2, until), BERT),
        (Withdraw(0, 2, 1_234, 9, until), ANNA),
    ]
    assert len(bodies) == DEFAULT_SHAPE.user_slots
    proved = street.prove(*(signed(b, home, domain=street.domain) for b, home in bodies))
    second = proved.submission
    _refuse_all_lies(street, second)
    _refuse_other_payouts(street, second)
    assert client.pending_ntok(_address(ANNA)) == 0
    client.submit_batch(second)
    assert client.state_root() == street.state.root
    assert client.pending_ntok(_address(ANNA)) == 1_234
    assert street.refuses(second) is errors.StaleRoot

    # 3: one channel ends by both signatures, the other by its deadline.
    street.chain.advance_time(DAY_S + L1_TIME_SLACK_S + 1)
    until = street.now + L1_TIME_SLACK_S
    close = Close(agreed, pack_lane(30, 7_000), 0, 60_000, 0, until)
    third = street.prove(
        signed(close, BERT, ANNA, domain=street.domain), Transaction(Finalize(forced))
    ).submission
    _refuse_all_lies(street, third)
    client.submit_batch(third)
    assert client.state_root() == street.state.root
    assert not street.state.channels

    _everything_was_shown(street)
    _c1_money_is_conserved(street)
    _c6_data_from_l1_rebuilds_the_state(street)


def _refuse_other_payouts(street: Street, honest: Submission) -> None:
    """Withdrawals that the proof does not say: another amount, owner, place, one more, none."""
    (paid,) = honest.payouts
    thief = address_number(street.client.account.address)
    elsewhere = 8 * DEFAULT_SHAPE.queue_slots
    attacks: dict[str, tuple[tuple[Payout, ...], type[errors.Reverted]]] = {
        "amount": ((replace(paid, amount_ntok=paid.amount_ntok + 1),), errors.MessagesMismatch),
        "owner": ((replace(paid, l1_address=thief),), errors.MessagesMismatch),
        "place": ((replace(paid, position=elsewhere),), errors.MessagesMismatch),
        "queue output": ((Payout(7, thief, 5), paid), errors.MessagesMismatch),
        "inside a queue op": ((Payout(1, thief, 5), paid), errors.BadWithdrawalPosition),
        "one more": ((Payout(elsewhere, thief, 5), paid), errors.MessagesMismatch),
        "twice": ((paid, paid), errors.BadWithdrawalPosition),
        "none": ((), errors.MessagesMismatch),
    }
    for name, (payouts, reason) in attacks.items():
        assert street.refuses(replace(honest, payouts=payouts)) is reason, name


def _everything_was_shown(street: Street) -> None:
    types = {trace.transaction.body.TYPE for proof in street.executed for trace in proof.users}
    ops = {trace.op.TYPE for proof in street.executed for trace in proof.queue}
    assert types == set(TxType) - {TxType.NOOP}
    assert ops == {OpType.NEW_ACCOUNT, OpType.DEPOSIT}


def _c1_money_is_conserved(street: Street) -> None:
    accounts = sum(account.balance_ntok for account in street.state.accounts.values())
    pending = street.client.pending_ntok(_address(ANNA))
    settings = street.client.settings()
    held = street.token.balance_of(street.client.address)
    assert settings.base_units(accounts + pending) == held
    assert accounts + pending == 2 * FUNDS_NTOK + 77


def _c6_data_from_l1_rebuilds_the_state(street: Street) -> None:
    rebuilt = State()
    for batch in street.client.batches():
        statement = batch.statement(DEFAULT_SHAPE, street.domain)
        replay_proof(rebuilt, statement.context, batch.submission.ops, statement.data)
        assert rebuilt.root == statement.new_root
