"""C5 on the contract that is deployed: an operator that wants to end a channel before a challenge
that waits in the queue finds no batch that L1 takes; a household gets there without it.

The prover here proves whatever the executor executes, in any context that the operator claims: the
context, the ops and the order are then the contract's to check. The same ways, and all others, are
searched in tests/model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contracts import errors
from contracts.addresses import address_number
from contracts.batches import Submission, submission_of
from contracts.chain import Chain
from contracts.client import RollupClient
from protocol.batch import ExecutedProof, Shape, challenge, public_inputs, queue_covered
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.errors import DeadlineNotReached
from protocol.proof_builder import execute_proof
from protocol.queue import ForcedFinalize, QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Claim, Finalize, Open, StartClose, Transaction
from protocol.units import DAY_S, L1_TIME_SLACK_S
from protocol.vouchers import voucher_message
from tests.protocol.street import ANNA, BERT, signed
from tests.support.simulated_rollup import deploy_simulated

SHAPE = Shape(queue_slots=1, user_slots=2)
NEVER = 2**40 - 1
OLD, NEWEST = pack_lane(1, 100), pack_lane(2, 700)
DEPOSIT_NTOK, FUNDS_NTOK = 1_000, 5_000
ONE_PROOF = [()]


class ClosingStreet:
    """Anna's channel with Bert at slot 0, on L1 and on layer 2. She signed OLD and NEWEST."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.rollup = deploy_simulated(chain, chain.accounts[0], shape=SHAPE)
        self.client = self.rollup.client
        self.domain = self.client.settings().domain
        self.state = State()
        self.owners = chain.accounts[1], chain.accounts[2]
        for one, owner in zip((ANNA, BERT), self.owners, strict=True):
            self.client.new_account(one.key_hash, owner.address, FUNDS_NTOK)
        opening = Open(0, 1, 0, DEPOSIT_NTOK, 0, DAY_S, NEVER)
        self.land([(), (self.by_anna(opening),)])
        self.land([(self.claim(OLD),)])

    def by_anna(self, body: Open | StartClose | Claim) -> Transaction:
        return signed(body, ANNA, domain=self.domain)

    def claim(self, value: int) -> Transaction:
        return self.by_anna(Claim(self.channel.id, Lane.AB, value))

    @property
    def end(self) -> Transaction:
        return Transaction(Finalize(self.channel.id))

    @property
    def channel(self) -> Channel:
        found = self.state.find_channel(0)
        assert found is not None
        return found

    @property
    def now(self) -> int:
        return self.client.latest_block().timestamp

    def from_bert(self) -> RollupClient:
        return RollupClient(self.chain.url, self.client.address, self.owners[1])

    def challenge(self) -> None:
        """FORCED_CLAIM of the newest voucher."""
        message = voucher_message(self.domain, self.channel.id, Lane.AB, NEWEST)
        self.from_bert().force_claim(0, 0, Lane.AB, NEWEST, ANNA.sign(message))

    def wait_until(self, time: int) -> None:
        self.chain.advance_time(max(time - self.now, 0))
        self.chain.mine()

    def pending(self) -> tuple[QueueOp, ...]:
        first = self.client.progress().processed + 1
        last = self.client.enqueued()
        return self.client.queue_ops_by_number(first, last) if first <= last else ()

    def proofs(
        self,
        contents: Sequence[Sequence[Transaction]],
        *,
        l1_time: int | None = None,
        covered: int | None = None,
        ops: Sequence[QueueOp] | None = None,
    ) -> tuple[list[ExecutedProof], State]:
        """A proof for each list of transactions, each with the next op; on a copy of the state.

        `covered`: what every proof is said to cover; None for what each does.
        """
        state, time = self.state.copy(), self.now if l1_time is None else l1_time
        waiting = self.pending()
        given = list(waiting if ops is None else ops)
        proofs = []
        for k, transactions in enumerate(contents):
            left = waiting[k + 1].enqueue_time if k + 1 < len(waiting) else None
            claimed = queue_covered(time, left) if covered is None else covered
            context = Context(self.domain, time, claimed)
            listed = [(transaction, 0) for transaction in transactions]
            proofs.append(execute_proof(state, SHAPE, context, 0, given[k : k + 1], listed))
        return proofs, state

    def submission(
        self, proofs: Sequence[ExecutedProof], ops: Sequence[QueueOp] | None = None
    ) -> Submission:
        z = challenge(proofs)
        inputs = [public_inputs(proof, z) for proof in proofs]
        made = [self.rollup.key.prove(each.values()) for each in inputs]
        submission = submission_of(proofs, inputs, made)
        return submission if ops is None else replace(submission, ops=tuple(ops))

    def land(
        self,
        contents: Sequence[Sequence[Transaction]],
        *,
        by: RollupClient | None = None,
    ) -> None:
        """A batch that L1 takes."""
        proofs, after = self.proofs(contents)
        (by or self.client).submit_batch(self.submission(proofs))
        self.state = after
        assert self.client.state_root() == after.root

    def try_to_land(self, contents: Sequence[Sequence[Transaction]], **claims: int) -> None:
        """Raises the executor's refusal or the contract's."""
        proofs, _ = self.proofs(contents, **claims)  # type: ignore[arg-type]
        self.rollup.try_submit(self.submission(proofs))


@pytest.fixture
def street(embedded: Chain) -> ClosingStreet:
    """A fresh one, in which Anna has started to close at the old lane."""
    street = ClosingStreet(embedded)
    street.land([(street.by_anna(StartClose(street.channel.id, Lane.AB, 1, NEVER)),)])
    return street


LIES = (errors.MessagesMismatch, errors.DataMismatch, errors.ProofRejected)


def test_c5_an_end_cannot_overtake_a_challenge_that_is_behind_another_op(
    street: ClosingStreet,
) -> None:
    deadline = street.channel.deadline
    street.from_bert().force_exit(0)  # of somebody else: a no-op, before the challenge
    street.challenge()
    street.wait_until(deadline + 60)
    with pytest.raises(DeadlineNotReached):
        street.try_to_land([(street.end,)])
    for covered in (street.now, deadline):
        with pytest.raises(LIES):
            street.try_to_land([(street.end,)], covered=covered)
        with pytest.raises(LIES):  # both ops are consumed: not before the first proof's end
            street.try_to_land([(street.end,), ()], covered=covered)
    proofs, _ = street.proofs([(street.end,)], ops=(), covered=street.now)
    with pytest.raises(errors.OpSkipped):
        street.rollup.try_submit(street.submission(proofs))
    street.land([(), (street.end,)])
    assert street.state.account(1).balance_ntok == FUNDS_NTOK + 700
    assert street.state.account(0).balance_ntok == FUNDS_NTOK - 700


def test_c5_an_end_cannot_be_dated_before_a_challenge(street: ClosingStreet) -> None:
    """An op that is not due at l1_time may wait; but then l1_time is before the deadline too."""
    deadline = street.channel.deadline
    street.wait_until(deadline - 300)
    street.challenge()
    (op,) = street.pending()
    assert op.enqueue_time < deadline
    street.wait_until(deadline + 60)
    early = op.enqueue_time - 1
    with pytest.raises(DeadlineNotReached):
        street.try_to_land([(street.end,)], l1_time=early)
    proofs, _ = street.proofs([(street.end,)], l1_time=early, covered=deadline, ops=())
    with pytest.raises(LIES):
        street.rollup.try_submit(street.submission(proofs))
    street.land([(street.end,)])
    assert street.state.account(1).balance_ntok == FUNDS_NTOK + 700


def test_c5_a_forced_end_counts_from_when_it_was_asked_for(street: ClosingStreet) -> None:
    """Asked for before the deadline and held back until after it, it ends nothing."""
    deadline = street.channel.deadline
    street.client.force_finalize(0, 0)
    street.challenge()
    street.wait_until(deadline + 60)
    first, second = street.pending()
    assert isinstance(first, ForcedFinalize)
    later = replace(first, enqueue_time=street.now)
    proofs, after = street.proofs([()], ops=(later,))
    assert after.find_channel(0) is None  # this is what the operator would like
    with pytest.raises(errors.QueueMismatch):
        street.rollup.try_submit(street.submission(proofs))
    with pytest.raises((*LIES, errors.QueueMismatch)):
        street.rollup.try_submit(street.submission(proofs, ops=(first,)))
    with pytest.raises(errors.QueueMismatch):
        street.rollup.try_submit(street.submission(street.proofs([()], ops=(second,))[0]))
    street.land([(), ()])
    assert street.channel.lane_ab == NEWEST
    street.client.force_finalize(0, 0)
    street.land([()])
    assert street.state.find_channel(0) is None
    assert street.state.account(1).balance_ntok == FUNDS_NTOK + 700


def test_c5_a_household_gets_its_money_without_the_operator(embedded: Chain) -> None:
    """From an open channel to tokens on L1: the operator does nothing at all."""
    street = ClosingStreet(embedded)
    bert, stranger = street.from_bert(), embedded.accounts[9]
    anyone = RollupClient(embedded.url, street.client.address, stranger)

    def old_enough() -> None:
        street.wait_until(street.now + 3 * DAY_S + 60)

    bert.force_start_close(0, 0, Lane.BA)
    street.challenge()
    proofs, _ = street.proofs([(), ()])
    with pytest.raises(errors.NotOperator):
        street.rollup.try_submit(street.submission(proofs), stranger.address)
    old_enough()
    started = street.now
    street.land([(), ()], by=anyone)
    assert street.channel.status is Status.CLOSING
    assert street.channel.lane_ab == NEWEST
    assert street.channel.deadline >= started + L1_TIME_SLACK_S + DAY_S
    street.wait_until(street.channel.deadline)
    bert.force_finalize(0, 0)
    bert.force_exit(1)
    old_enough()
    street.land([(), ()], by=anyone)
    assert street.state.find_channel(0) is None
    assert street.state.account(1).balance_ntok == 0
    paid, _ = bert.withdraw()
    assert paid == (FUNDS_NTOK + 700) * 10**9
    assert street.client.pending_ntok(street.owners[1].address) == 0
    assert address_number(street.owners[1].address) == street.state.account(1).l1_address
