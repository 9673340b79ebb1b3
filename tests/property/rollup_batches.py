"""Batches: what an honest operator submits, what a dishonest one tries, and what strangers may.

Proofs are made with the trapdoor of a key that only this test has, so a "proof" says whatever the
machine wants; the honest ones say what an honest operator would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from eth_hash.auto import keccak
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.batches import Payout, Submission, SubmittedProof, statements_of
from contracts.verifying_key import PROOF_BYTES
from protocol.batch import challenge, queue_covered
from protocol.crypto.field import R
from protocol.queue import QueueOp
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.property.rollup_model import HOMES, OPERATOR, SHAPE, STRANGER, brought, number_of
from tests.property.rollup_queue import QueueRules

batch_lies = st.sampled_from(
    [None] * 10
    + ["an op left out", "an op too many", "other order", "another op", "stale root"]
    + ["wrong proof", "other data", "a payout raised", "a payout hidden", "covers more"]
    + ["from the future", "too old", "gone back", "an input of r"]
)

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


class BatchRules(QueueRules):
    """Batches of the operator and of strangers, true and false."""

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
        inside = self.inside_ntok + sum(map(brought, ops))
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
        place = (proofs - 1) * SHAPE.message_length + SHAPE.user_output(0)
        payouts = [Payout(place, number_of(who), amount) for who, amount in outs]
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


def _draw(batch: int, proof: int) -> int:
    """A new root: any element will do."""
    return int.from_bytes(keccak(bytes([batch % 256, batch // 256, proof])), "big") % R
