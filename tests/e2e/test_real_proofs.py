"""Honest proofs of the shipped circuit on a real L1: every kind of slot, and every lie refused.

Five batches of the default shape, with Groth16 proofs: NEW_ACCOUNT; DEPOSIT and six types of
transaction, in two proofs of one batch; CLOSE and FINALIZE after the challenge window; a close, a
claim, a change of key and an exit that are forced from L1; the forced end. Before each of the first
three is sent, the same submission is tried with one thing changed at a time, in each of its proofs,
and nothing changed is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from contracts import errors
from contracts.addresses import address_number
from contracts.batches import Payout, Submission, submission_of
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.client import RollupClient
from contracts.deploy import deploy_rollup, deploy_token
from contracts.erc20 import TokenClient
from contracts.finality import LATEST
from protocol.batch import ExecutedProof, challenge, public_inputs, queue_covered
from protocol.channels import Lane, channel_id, pack_lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.proof_builder import execute_proof
from protocol.queue import NewAccount, OpType
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
from protocol.vouchers import voucher_message
from prover.circuits.batch import DEFAULT_SHAPE
from prover.jobs import BatchProver, ProofJob
from sequencer.proving import contract_key
from tests.e2e.batch_lies import lies_about_a_proof, lies_about_the_batch, lies_about_two
from tests.protocol.street import ANNA, BERT, CARL, Home, signed
from tests.support.simulated_proofs import EXIT_KEY

FUNDS_NTOK = 10**9


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
            exit_key=EXIT_KEY.key,
            finality=LATEST,
        )
        self.homes = [
            RollupClient(chain.url, self.client.address, chain.accounts[1 + i], finality=LATEST)
            for i in range(2)
        ]
        self.token.mint(operator.address, 10**24)
        self.token.approve(self.client.address, 10**24)
        self.domain = self.client.settings().domain
        self.state = State()
        self.executed: list[ExecutedProof] = []

    @property
    def now(self) -> int:
        return self.client.latest_block().timestamp

    def prove(self, *parts: Sequence[Transaction]) -> Submission:
        """Execute the due queue ops and these transactions, a proof for each part, and prove it."""
        progress, enqueued, now = self.client.progress(), self.client.enqueued(), self.now
        ops = self.client.queue_ops_by_number(progress.processed + 1, enqueued)
        slots, executed = DEFAULT_SHAPE.queue_slots, []
        for k, part in enumerate(parts):
            left = ops[(k + 1) * slots].enqueue_time if len(ops) > (k + 1) * slots else None
            context = Context(self.domain, now, queue_covered(now, left))
            consumed = ops[k * slots : (k + 1) * slots]
            listed = [(transaction, None) for transaction in part]
            executed.append(execute_proof(self.state, DEFAULT_SHAPE, context, 0, consumed, listed))
        z = challenge(executed)
        publics = [public_inputs(one, z) for one in executed]
        proofs = [
            self.prover.prove(ProofJob(one, public)).encode()
            for one, public in zip(executed, publics, strict=True)
        ]
        self.executed += executed
        return submission_of(executed, publics, proofs)

    def address(self, home: Home) -> str:
        """Where what a household withdraws goes to, and whence it forces its ops."""
        return self.homes[home.index].account.address

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


def _refuse_all_lies(street: Street, honest: Submission) -> None:
    lies = lies_about_the_batch(honest)
    for number in range(len(honest.proofs)):
        for name, lie in lies_about_a_proof(honest, number).items():
            lies[f"proof {number}: {name}"] = lie
    if len(honest.proofs) == 2:
        lies |= lies_about_two(honest)
    for name, (changed, reasons) in lies.items():
        reason = street.refuses(changed)
        assert reason in reasons, f"{name}: refused as {reason.__name__}"


def _join(street: Street, home: Home) -> None:
    street.client.new_account(home.key_hash, street.address(home), FUNDS_NTOK)


def test_every_kind_of_slot_is_proved_and_accepted_and_every_lie_about_it_refused(
    street: Street,
) -> None:
    client = street.client

    # 1: both accounts come out of the queue.
    _join(street, ANNA)
    _join(street, BERT)
    first = street.prove([])
    _refuse_all_lies(street, first)
    assert street.refuses(replace(first, ops=first.ops[:1])) is errors.OpSkipped
    assert street.refuses(replace(first, ops=first.ops[::-1])) is errors.QueueMismatch
    assert isinstance(first.ops[0], NewAccount)
    richer = replace(first.ops[0], amount_ntok=FUNDS_NTOK + 1)
    assert street.refuses(replace(first, ops=(richer, first.ops[1]))) is errors.QueueMismatch
    client.submit_batch(first)
    assert client.state_root() == street.state.root

    # 2: deposits, and every transaction that needs no challenge window, in two proofs.
    for home in (ANNA, BERT, ANNA):
        client.deposit(home.index, street.address(home), 77)
    until = street.now + L1_TIME_SLACK_S
    forced, agreed = channel_id(0, 1, 1), channel_id(1, 0, 0)
    parts: list[list[tuple[Body, Home]]] = [
        [
            (Transfer(0, 1, 0, 900, 7, until), ANNA),
            (Open(0, 1, 1, 50_000, 5, DAY_S, until), ANNA),
            (Open(1, 0, 0, 60_000, 5, DAY_S, until), BERT),
        ],
        [
            (TopUp(forced, Lane.BA, 1, 40, 3, until), BERT),
            (Claim(forced, Lane.AB, pack_lane(12, 3_000)), ANNA),
            (StartClose(forced, Lane.BA, 2, until), BERT),
            (Withdraw(0, 2, 1_234, 9, until), ANNA),
        ],
    ]
    second = street.prove(
        *([signed(body, home, domain=street.domain) for body, home in part] for part in parts)
    )
    assert len(second.proofs) == 2
    assert [len(proof.queue) for proof in street.executed[-2:]] == [2, 1]
    _refuse_all_lies(street, second)
    _refuse_other_payouts(street, second)
    assert client.pending_ntok(street.address(ANNA)) == 0
    client.submit_batch(second)
    assert client.state_root() == street.state.root
    assert client.pending_ntok(street.address(ANNA)) == 1_234
    assert street.refuses(second) is errors.StaleRoot

    # 3: one channel ends by both signatures, the other by its deadline; a third one begins.
    street.chain.advance_time(DAY_S + L1_TIME_SLACK_S + 1)
    until = street.now + L1_TIME_SLACK_S
    close = Close(agreed, pack_lane(30, 7_000), 0, 60_000, 0, until)
    third = street.prove(
        [
            signed(close, BERT, ANNA, domain=street.domain),
            Transaction(Finalize(forced)),
            signed(Open(0, 1, 3, 40_000, 5, DAY_S, until), ANNA, domain=street.domain),
        ]
    )
    _refuse_all_lies(street, third)
    client.submit_batch(third)
    assert client.state_root() == street.state.root
    assert [one.epoch for one in street.state.channels.values()] == [3]

    _force_everything(street)
    _everything_was_shown(street)
    _c1_money_is_conserved(street)
    _c6_data_from_l1_rebuilds_the_state(street)


def _force_everything(street: Street) -> None:
    """4 and 5: both households act from L1 alone, in their channel at slot 0 and on accounts."""
    client, (anna, bert) = street.client, street.homes
    value = pack_lane(3, 9_000)
    voucher = ANNA.sign(voucher_message(street.domain, channel_id(0, 1, 3), Lane.AB, value))
    bert.force_start_close(0, 3, Lane.BA)
    client.force_claim(0, 3, Lane.AB, value, voucher)
    anna.change_key(0, CARL.key_hash)
    bert.force_exit(1)
    owed = street.state.account(1).balance_ntok
    with_new_key = signed(
        Transfer(0, 1, 5, 10, 0, street.now + L1_TIME_SLACK_S),
        replace(CARL, index=0),
        domain=street.domain,
    )
    fourth = street.prove([], [with_new_key])
    (paid,) = fourth.payouts
    assert paid.position == DEFAULT_SHAPE.message_length + 15
    assert paid.amount_ntok == owed
    thief = address_number(client.account.address)
    for lie in ((), (replace(paid, amount_ntok=owed + 1),), (replace(paid, l1_address=thief),)):
        assert street.refuses(replace(fourth, payouts=lie)) is errors.MessagesMismatch
    ops = fourth.ops
    turned = replace(fourth, ops=(ops[1], ops[0], *ops[2:]))
    assert street.refuses(turned) is errors.QueueMismatch
    client.submit_batch(fourth)
    assert client.state_root() == street.state.root
    assert client.pending_ntok(street.address(BERT)) == owed

    street.chain.advance_time(DAY_S + L1_TIME_SLACK_S + 1)
    garbage = Signature(Point(1, 1), Point(0, 0), R - 1)
    client.force_claim(0, 3, Lane.AB, value + 1, garbage)
    client.force_finalize(0, 3)
    client.submit_batch(street.prove([]))
    assert client.state_root() == street.state.root
    assert not street.state.channels
    assert street.state.account(1).balance_ntok == 10 + 9_000


def _refuse_other_payouts(street: Street, honest: Submission) -> None:
    """Withdrawals that the proof does not say: another amount, owner, place, one more, none."""
    (paid,) = honest.payouts
    thief = address_number(street.client.account.address)
    width = DEFAULT_SHAPE.message_length
    elsewhere = width + 8 * DEFAULT_SHAPE.queue_slots
    assert elsewhere < paid.position < 2 * width
    attacks: dict[str, tuple[tuple[Payout, ...], type[errors.Reverted]]] = {
        "amount": ((replace(paid, amount_ntok=paid.amount_ntok + 1),), errors.MessagesMismatch),
        "owner": ((replace(paid, l1_address=thief),), errors.MessagesMismatch),
        "place": ((replace(paid, position=elsewhere),), errors.MessagesMismatch),
        "other proof": ((replace(paid, position=paid.position - width),), errors.MessagesMismatch),
        "queue output": ((Payout(7, thief, 5), paid), errors.MessagesMismatch),
        "of no op": ((Payout(width + 15, thief, 5), paid), errors.BadWithdrawalPosition),
        "of no proof": ((paid, Payout(2 * width + 16, thief, 5)), errors.BadWithdrawalPosition),
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
    assert ops == set(OpType) - {OpType.NONE}
    no_ops = [trace.op for proof in street.executed for trace in proof.queue if not trace.applied]
    assert [op.TYPE for op in no_ops] == [OpType.FORCED_CLAIM]


def _c1_money_is_conserved(street: Street) -> None:
    accounts = sum(account.balance_ntok for account in street.state.accounts.values())
    pending = sum(street.client.pending_ntok(street.address(one)) for one in (ANNA, BERT))
    settings = street.client.settings()
    held = street.token.balance_of(street.client.address)
    assert settings.base_units(accounts + pending) == held
    assert accounts + pending == 2 * FUNDS_NTOK + 3 * 77


def _c6_data_from_l1_rebuilds_the_state(street: Street) -> None:
    rebuilt = State()
    for batch in street.client.batches():
        for statement in batch.statements(DEFAULT_SHAPE, street.domain):
            replay_proof(rebuilt, statement.context, statement.ops, statement.data)
            assert rebuilt.root == statement.new_root
