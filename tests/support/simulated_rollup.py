"""A deployed rollup whose proofs are simulated, to submit batches of any content, true or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from eth_account.signers.local import LocalAccount

from contracts.addresses import address_number
from contracts.batches import (
    BatchStatement,
    Payout,
    Submission,
    SubmittedProof,
    statements_of,
)
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import QUEUE_FEE_WEI, deploy_rollup, deploy_token
from contracts.erc20 import TokenClient
from contracts.finality import LATEST
from contracts.verifying_key import PROOF_BYTES, VerifyingKey
from protocol.batch import PublicInputs, Shape, challenge, queue_covered
from protocol.queue import NewAccount, QueueOp
from tests.support.simulated_proofs import EXIT_KEY, SimulatedKey

SHAPE = Shape(queue_slots=2, user_slots=3)
FIRST_USER_MESSAGE = 8 * SHAPE.queue_slots
DIGEST = 0xD16E57
TOKENS = 10**40


class Prover(Protocol):
    """Makes proofs for the contract's key: a SimulatedKey, or a real key with its circuit."""

    @property
    def key(self) -> VerifyingKey:
        """The contract's key."""

    def prove(self, inputs: Sequence[int]) -> bytes:
        """A, B, C for these four public inputs."""


@dataclass(frozen=True, slots=True)
class SimulatedRollup:
    """Its client sends as the operator, who also mints and holds tokens."""

    chain: Chain
    key: Prover
    token: TokenClient
    client: RollupClient

    def statement(
        self,
        new_root: int = 1,
        ops: Sequence[QueueOp] = (),
        payouts: Sequence[Payout] = (),
        data: Sequence[int] = (0x77, 0, (1 << 220) - 1, 5),
        l1_time: int | None = None,
        covered: int | None = None,
    ) -> BatchStatement:
        """What an honest operator would state with one proof; `covered` None: computed as the
        contract does."""
        now = self.client.latest_block().timestamp if l1_time is None else l1_time
        (statement,) = self.statements((new_root,), ops, payouts, l1_time=now, covered=covered)
        return replace(statement, data=tuple(data))

    def statements(
        self,
        new_roots: Sequence[int],
        ops: Sequence[QueueOp] = (),
        payouts: Sequence[Payout] = (),
        data: Sequence[int] | None = None,
        l1_time: int | None = None,
        covered: int | None = None,
    ) -> tuple[BatchStatement, ...]:
        """What an honest operator would state with one proof for each root."""
        settings, progress = self.client.settings(), self.client.progress()
        now = self.client.latest_block().timestamp if l1_time is None else l1_time
        if covered is None:
            left = self.client.queue_record(progress.processed + len(ops) + 1).enqueue_time
            covered = queue_covered(now, left or None)
        roots = [self.client.state_root(), *new_roots]
        elements = range(1, 1 + len(new_roots) * settings.shape.data_length)
        draft = Submission(
            l1_time=now,
            proofs=tuple(
                SubmittedProof(old, new, DIGEST + k, 0, 0, bytes(PROOF_BYTES))
                for k, (old, new) in enumerate(pairwise(roots))
            ),
            data=tuple(elements if data is None else data),
            ops=tuple(ops),
            payouts=tuple(payouts),
        )
        return statements_of(draft, settings.shape, settings.domain, covered)

    def submission(
        self,
        statement: BatchStatement,
        ops: Sequence[QueueOp] = (),
        payouts: Sequence[Payout] = (),
        inputs: PublicInputs | None = None,
    ) -> Submission:
        """A submission with a proof for the statement's public inputs, or for those given."""
        return self.batch((statement,), ops, payouts, None if inputs is None else (inputs,))

    def batch(
        self,
        statements: Sequence[BatchStatement],
        ops: Sequence[QueueOp] = (),
        payouts: Sequence[Payout] = (),
        inputs: Sequence[PublicInputs] | None = None,
    ) -> Submission:
        """A submission with a proof for each statement's public inputs, or for those given."""
        if inputs is None:
            z = challenge(statements)
            inputs = [statement.public_inputs(z) for statement in statements]
        return Submission(
            l1_time=statements[0].context.l1_time,
            proofs=tuple(
                SubmittedProof(
                    old_root=statement.old_root,
                    new_root=statement.new_root,
                    digest=statement.digest,
                    y_data=proved.y_data,
                    y_msg=proved.y_msg,
                    proof_bytes=self.key.prove(proved.values()),
                )
                for statement, proved in zip(statements, inputs, strict=True)
            ),
            data=tuple(element for statement in statements for element in statement.data),
            ops=tuple(ops),
            payouts=tuple(payouts),
        )

    def honest(
        self, new_root: int = 1, ops: Sequence[QueueOp] = (), payouts: Sequence[Payout] = ()
    ) -> Submission:
        """A submission of one proof that the contract accepts."""
        return self.submission(self.statement(new_root, ops, payouts), ops, payouts)

    def honest_batch(
        self,
        new_roots: Sequence[int],
        ops: Sequence[QueueOp] = (),
        payouts: Sequence[Payout] = (),
    ) -> Submission:
        """A submission of a proof for each root that the contract accepts."""
        return self.batch(self.statements(new_roots, ops, payouts), ops, payouts)

    def try_submit(self, submission: Submission, sender: str | None = None) -> None:
        """Run a submission without sending it. Raises Reverted."""
        self.client.call(submission.calldata(), sender or self.client.account.address)

    def fill_queue(self, count: int) -> None:
        """Enqueue this many new accounts."""
        for i in range(count):
            self.client.new_account(i, self.client.account.address, 10 + i)

    def queue(self, first: int, last: int) -> tuple[QueueOp, ...]:
        """Queue ops by number, both included."""
        return self.client.queue_ops_by_number(first, last)

    def new_accounts(self, first: int, last: int) -> tuple[NewAccount, ...]:
        """Queue ops by number, both included, which all open accounts."""
        found = self.queue(first, last)
        opening = tuple(op for op in found if isinstance(op, NewAccount))
        assert len(opening) == len(found)
        return opening


def payout(user_slot: int, recipient: str, amount_ntok: int, proof: int = 0) -> Payout:
    """What user slot `user_slot` of a proof pays out, in the shape `SHAPE`."""
    position = proof * SHAPE.message_length + FIRST_USER_MESSAGE + user_slot
    return Payout(position, address_number(recipient), amount_ntok)


def with_proof(submission: Submission, number: int = 0, **changed: int | bytes) -> Submission:
    """The submission with fields of one of its proofs changed."""
    proofs = list(submission.proofs)
    proofs[number] = replace(proofs[number], **changed)  # type: ignore[arg-type]
    return replace(submission, proofs=tuple(proofs))


def deploy_simulated(
    chain: Chain,
    operator: LocalAccount,
    *,
    shape: Shape = SHAPE,
    decimals: int = 18,
    seed: int = 1,
    token: str | None = None,
    queue_fee_wei: int = QUEUE_FEE_WEI,
    exodus_blueprint: str | None = None,
    owner: str | None = None,
) -> SimulatedRollup:
    """Token and rollup; the operator gets tokens and has approved all of them."""
    key = SimulatedKey(seed)
    held = deploy_token(chain.url, operator, decimals=decimals)
    client = deploy_rollup(
        chain.url,
        operator,
        token=token or held.address,
        operator=operator.address,
        shape=shape,
        key=key.key,
        queue_fee_wei=queue_fee_wei,
        exodus_blueprint=exodus_blueprint,
        exit_key=EXIT_KEY.key,
        owner=owner,
        finality=LATEST,
    )
    if token is None:
        held.mint(operator.address, TOKENS)
        held.approve(client.address, TOKENS)
    return SimulatedRollup(chain, key, held, client)
