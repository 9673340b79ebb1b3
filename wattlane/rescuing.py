"""Draining the queue when the operator is gone: batches of queue ops alone, by anyone.

Invariant: everything that a batch is made of comes from L1; no sequencer, no database. When the
oldest op is older than three days the contract takes batches from everyone, so whoever has the
proving key and some ether can bring deposits, exits and challenges into the state.
Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass

from contracts import errors as l1_errors
from contracts.batches import most_proofs, submission_of
from contracts.client import RollupClient
from contracts.reader import RollupReader
from contracts.rebuilding import Rebuilt
from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.units import DAY_S
from prover.jobs import ProofJob
from prover.progress import Progress, silent
from sequencer.proving import Prover, check_proof, contract_key
from sequencer.sealing import SealedBatch, Terms, seal_batch
from wattlane.errors import WattlaneError
from wattlane.proof_check import from_contract_key
from wattlane.times import show_time

OPERATOR_PRIVILEGE_S = 3 * DAY_S
"""How old the oldest op may get before the contract takes batches from anyone."""

_FRUITLESS = 4
_NO_FEES = 0
OVERTAKEN = (
    l1_errors.StaleRoot,
    l1_errors.QueueMismatch,
    l1_errors.OpSkipped,
    l1_errors.OpNotDue,
    l1_errors.TimeWentBack,
    l1_errors.TimeInFuture,
    l1_errors.TimeTooOld,
    l1_errors.NotOperator,
)
"""Refusals after which a batch made from what L1 holds by then is accepted, or none is needed."""


@dataclass
class NotYetDue(WattlaneError):
    """The operator still has the queue to itself."""

    op: int
    due_at: int

    def __str__(self) -> str:
        oldest = f"the oldest waiting op, {self.op}, is not three days old"
        return f"{oldest}: until {show_time(self.due_at)} only the operator may submit"


@dataclass
class OnlyExits(WattlaneError):
    """The exodus has started: no batch is accepted any more."""

    started_at: int

    def __str__(self) -> str:
        return (
            f"the exodus started at {show_time(self.started_at)}: there are no batches any more, "
            "everyone leaves with `wattlane exit`"
        )


@dataclass
class WrongProvingKey(WattlaneError):
    """Proofs made with this key would not verify under the contract's."""

    ours: str
    contract: str

    def __str__(self) -> str:
        return f"the proving key is {self.ours[:16]}, the contract has {self.contract[:16]}"


@dataclass(frozen=True, slots=True)
class Drained:
    """A batch that L1 accepted. `left`: ops that still waited when it was made."""

    number: int
    proofs: int
    ops: int
    left: int
    gas_used: int
    transaction_hash: bytes


@dataclass(frozen=True, slots=True)
class Overtaken:
    """L1 took another batch first, or time ran on: the next one is made from what it holds now."""

    why: str


def is_open_to_all(rebuilt: Rebuilt, now: int) -> bool:
    """Whether the contract takes a batch from anyone at L1 time `now`."""
    return bool(rebuilt.waiting) and now - rebuilt.waiting[0].enqueue_time > OPERATOR_PRIVILEGE_S


def check_due(reader: RollupReader, rebuilt: Rebuilt) -> None:
    """Raise OnlyExits after the exodus started, NotYetDue where ops wait that are too young."""
    started_at = reader.exodus_start()
    if started_at:
        raise OnlyExits(started_at)
    if rebuilt.waiting and not is_open_to_all(rebuilt, rebuilt.block.timestamp):
        oldest = rebuilt.waiting[0]
        raise NotYetDue(oldest.number, oldest.enqueue_time + OPERATOR_PRIVILEGE_S + 1)


def drain(
    client: RollupClient,
    prover: Prover,
    follow: Callable[[], Rebuilt],
    progress: Progress = silent,
) -> Iterator[Drained | Overtaken]:
    """Make and submit batches until the queue is empty or what waits is not due.

    `follow` rebuilds the state up to L1's newest block each time. Raises WrongProvingKey,
    ProverError leaves, Reverted leaves that trying again does not mend, and as `follow` and
    RollupClient.submit_batch; called again it goes on from what L1 has then.
    """
    check_key(prover, client.verifying_key())
    most, fruitless = most_proofs(client.settings().shape), 0
    while is_open_to_all(rebuilt := follow(), rebuilt.block.timestamp):
        sealed = next_batch(rebuilt, client, most)
        submission = submission_of(sealed.proofs, sealed.inputs, _prove(prover, sealed, progress))
        try:
            receipt = client.submit_batch(submission)
        except OVERTAKEN as error:
            fruitless += 1
            if fruitless == _FRUITLESS:
                raise
            if isinstance(error, l1_errors.TimeTooOld):
                most = max(1, most // 2)  # fewer proofs take less time
                client.sender.send(client.account.address, b"")  # an idle chain's time stands still
            yield Overtaken(str(error))
            continue
        fruitless = 0
        yield Drained(
            number=sealed.number,
            proofs=len(sealed.proofs),
            ops=len(sealed.ops),
            left=len(rebuilt.waiting) - len(sealed.ops),
            gas_used=receipt.gas_used,
            transaction_hash=receipt.transaction_hash,
        )


def check_key(prover: Prover, key: ContractKey) -> None:
    """Raise WrongProvingKey unless proofs made here verify under the contract's key."""
    ours = contract_key(prover.verifying_key)
    if ours != key:
        raise WrongProvingKey(_named(ours), _named(key))


def _named(key: ContractKey) -> str:
    return from_contract_key(key).digest().hex()


def next_batch(rebuilt: Rebuilt, client: RollupClient, most: int) -> SealedBatch:
    """The batch of the oldest waiting ops, with no transaction, so with no fees for anybody."""
    terms = Terms(
        shape=client.settings().shape,
        domain=rebuilt.domain,
        l1_time=max(rebuilt.block.timestamp, rebuilt.l1_time),
        operator_index=_NO_FEES,
        most_proofs=most,
    )
    number, ops = rebuilt.batches + 1, rebuilt.waiting
    sealed = seal_batch(number, terms, rebuilt.state, rebuilt.processed, ops, ()).batch
    assert sealed is not None, "an op waits, and all were enqueued by now"
    return sealed


def _prove(prover: Prover, sealed: SealedBatch, progress: Progress) -> list[bytes]:
    """A verified proof of each step, in order."""
    stage, total = f"proving batch {sealed.number}", len(sealed.proofs)
    jobs = [ProofJob(*one) for one in zip(sealed.proofs, sealed.inputs, strict=True)]
    progress(stage, 0, total)
    ordered = [prover.submit(job) for job in jobs]
    for done, _ in enumerate(as_completed(ordered), start=1):
        progress(stage, done, total)
    proofs = [future.result() for future in ordered]
    for job, proof in zip(jobs, proofs, strict=True):
        check_proof(prover, job, proof)
    return proofs
