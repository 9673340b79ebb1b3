"""Whatever ops and transactions come, in whatever mix: what is sealed of them L1 accepts, with any
number of proofs a batch, and replaying L1's data leads to the same root.

Ledger, watcher and submitter are the real ones; only proofs are simulated.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from contracts.addresses import address_number
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import deploy_rollup, deploy_token
from contracts.finality import LATEST
from protocol.batch import Shape
from protocol.errors import ProtocolError
from protocol.state import genesis_root
from protocol.units import DAY_S, L1_TIME_SLACK_S
from sequencer.admission import Policy
from sequencer.book import Rollup
from sequencer.errors import AdmissionError
from sequencer.l1.submitter import Submitter
from sequencer.l1.watcher import Watcher
from sequencer.ledger import Ledger
from sequencer.receipts import ReceiptKey
from sequencer.sealing import DataMode, SealedBatch, SealingPolicy
from sequencer.storage.database import Database, sqlite_url
from sequencer.storage.proofs import MadeProof
from tests.e2e.sequencer_process import start_l1
from tests.property import candidates
from tests.protocol.street import home
from tests.support.kzg_on_chain import warm_up
from tests.support.simulated_proofs import EXIT_KEY, SimulatedKey
from wattlane.l1_record import read_record, rebuild_state
from wattlane.verify_batch import BATCH_CHECKS, PROOF_CHECKS

SHAPE = Shape(queue_slots=2, user_slots=3)
KEY = SimulatedKey()
ACCOUNTS, OPERATOR, FUNDS_NTOK = 6, 2, 50_000_000


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


class Rollout:
    """A new rollup on a chain, and the parts of a sequencer that runs it, moved by hand."""

    def __init__(self, chain: Chain, folder: Path, most_proofs: int, seed: int) -> None:
        self.chain, self.rng = chain, random.Random(seed)
        operator = chain.accounts[0]
        token = deploy_token(chain.url, operator)
        self.client: RollupClient = deploy_rollup(
            chain.url,
            operator,
            token=token.address,
            operator=operator.address,
            shape=SHAPE,
            key=KEY.key,
            exit_key=EXIT_KEY.key,
            finality=LATEST,
        )
        token.mint(operator.address, 10**30)
        token.approve(self.client.address, 10**30)
        rollup = Rollup(self.client.settings().domain, SHAPE, OPERATOR)
        sealing = SealingPolicy(proofs_per_batch=most_proofs)
        policy = Policy(minimum_fee_ntok=0, valid_at_least_s=0)
        self.database = Database.open(sqlite_url(folder / "sequencer.db"))
        key = ReceiptKey.derive(bytes(32))
        self.ledger = Ledger(self.database, rollup, policy, sealing, key, time.time)
        ticks = count(step=10)
        self.watcher = Watcher(self.client, self.ledger, 0, lambda: float(next(ticks)))
        self.submitter = Submitter(self.client, self.ledger, time.time, threading.Event())

    def watch(self) -> None:
        """Follow L1 to its newest block."""
        while self.watcher.step():
            pass

    def enqueue(self) -> None:
        """Some queue ops: the accounts first, then deposits."""
        for _ in range(self.rng.randrange(7)):
            known = self.client.account_count()
            owner = self.client.account.address
            if known < ACCOUNTS:
                self.client.new_account(home(known).key_hash, owner, FUNDS_NTOK)
            else:
                index = self.rng.randrange(ACCOUNTS)
                self.client.deposit(index, owner, self.rng.randrange(1, 9_999))

    def offer(self) -> int:
        """Some transactions, good and bad; returns how many were taken."""
        taken, book = 0, self.ledger.book
        for _ in range(self.rng.randrange(40)):
            street = candidates.Street(self.rng, book.soft.state, book.context())
            transaction, _ = street.candidate()
            try:
                self.ledger.submit(transaction)
            except (AdmissionError, ProtocolError):
                continue
            taken += 1
        return taken

    def seal_into(self, mode: DataMode) -> None:
        """From now on the data of new batches go there."""
        if mode is DataMode.BLOB:
            warm_up(self.chain.url)
        self.ledger.sealing = replace(self.ledger.sealing, data_mode=mode)

    def seal(self) -> list[SealedBatch]:
        """All that there is to seal, each batch proved."""
        sealed = []
        while (batch := self.ledger.seal(at_once=True)) is not None:
            sealed.append(batch)
            for place, inputs in enumerate(batch.inputs):
                made = MadeProof(KEY.prove(inputs.values()), 0.0, None)
                assert self.ledger.record_proof(batch, place, made)
        return sealed

    def land(self) -> None:
        """Every sealed batch is sent, accepted and seen final."""
        while self.ledger.next_to_submit() is not None:
            assert self.submitter.step()
        self.watch()
        assert self.ledger.book.chain == []


def _check_sealed(sealed: list[SealedBatch], most_proofs: int) -> None:
    for batch in sealed:
        assert 1 <= len(batch.proofs) <= most_proofs
        for proof in batch.proofs:
            assert proof.queue or proof.users, "a proof without work"
        op_counts = [len(proof.queue) for proof in batch.proofs]
        assert op_counts == sorted(op_counts, reverse=True)


@pytest.mark.parametrize(
    ("most_proofs", "seed", "in_turn"),
    [(1, 11, False), (2, 12, False), (3, 13, False), (16, 14, True)],
)
def test_whatever_comes_is_sealed_into_batches_that_l1_accepts_and_that_replay(
    chain: Chain,
    tmp_path: Path,
    most_proofs: int,
    seed: int,
    in_turn: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `in_turn`, data go into calldata and into blobs, batch by batch or so."""
    rollout = Rollout(chain, tmp_path, most_proofs, seed)
    monkeypatch.setattr(candidates, "DOMAIN", rollout.ledger.rollup.domain)
    proofs, taken = 0, 0
    for turn in range(6):
        rollout.enqueue()
        rollout.watch()
        taken += rollout.offer()
        if turn == 4:
            chain.advance_time(DAY_S + L1_TIME_SLACK_S)
            rollout.watch()
            rollout.ledger.finalize_due()
        if in_turn:
            rollout.seal_into(DataMode.BLOB if turn % 2 else DataMode.CALLDATA)
        sealed = rollout.seal()
        _check_sealed(sealed, most_proofs)
        proofs += sum(len(batch.proofs) for batch in sealed)
        rollout.land()

    record = read_record(rollout.client)
    final = rollout.ledger.book.final_state
    assert sum(len(batch.submission.proofs) for batch in record.batches) == proofs
    assert taken > 20
    modes = {batch.submission.link is None for batch in record.batches}
    assert modes == ({True, False} if in_turn else {True})
    if most_proofs > 1:
        assert proofs > len(record.batches)
    assert rebuild_state(record).root == final.root == record.state_root != genesis_root()
    assert record.contract == address_number(rollout.client.address)
    for batch in record.batches:
        for _, check in BATCH_CHECKS:
            check(record, batch)
        for _, proof_check in PROOF_CHECKS:
            for place in range(len(batch.submission.proofs)):
                proof_check(record, batch, place)
    rollout.database.close()
