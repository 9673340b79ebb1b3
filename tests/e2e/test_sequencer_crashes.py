"""The real process is killed at every point between intake and receipt, and once more at random."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contracts.chain import Chain
from protocol.codec import account_inclusion_from_json, transaction_id
from protocol.transactions import Transaction, Transfer
from sequencer.book import Rollup
from sequencer.keystore import open_keystore
from sequencer.ledger import Ledger
from sequencer.settings import DATABASE
from sequencer.storage import proofs
from sequencer.storage.database import Database, sqlite_url
from tests.e2e.sequencer_process import (
    FEE_NTOK,
    FUNDS_NTOK,
    SequencerProcess,
    Setting,
    start_l1,
)
from tests.support.simulated_prover import SHAPE
from tests.support.simulating_sequencer import PASSPHRASE

# No block is made while a process lives that is to die: on a machine under load L1 could call a
# batch final before that process has noticed that it was accepted, and the point would never come.
POINTS = (
    "before:submit",
    "after:submit",
    "after:seal",
    "before:record_proof",
    "after:record_proof",
    "before:record_intent",
    "after:record_intent",
    "before:record_sent",
    "after:record_sent",
    "before:record_acceptance",
    "after:record_acceptance",
    "before:observe",
    "after:observe",
)
IN_A_BATCH_OF_TWO_PROOFS = (
    "after:seal",
    "before:record_proof",
    "after:record_proof",  # the first to arrive
    "before:record_proof",
    "after:record_proof",  # the other one, which completes the batch
    "after:record_intent",
    "before:record_sent",
    "after:record_sent",
    "before:record_acceptance",
)
AMOUNT_NTOK = 3


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture
def setting(chain: Chain, tmp_path: Path) -> Setting:
    return Setting.make(chain, tmp_path / "operator", confirmations=2)


def payment(setting: Setting, nonce: int) -> Transaction:
    body = Transfer(1, 2, nonce, AMOUNT_NTOK, FEE_NTOK, setting.valid_until())
    return setting.signed(body, setting.anna)


def offer(sequencer: SequencerProcess, transaction: Transaction) -> bool:
    """Post it; False where the process died instead of answering."""
    try:
        response = sequencer.post(transaction)
    except httpx.TransportError:
        return False
    assert response.status_code == 202, response.text
    return True


def transactions_of_operator(setting: Setting) -> int:
    address = setting.homes.powers().operator
    return setting.chain.rpc.quantity("eth_getTransactionCount", address, "latest")


def take_while_stopped(setting: Setting, transactions: list[Transaction]) -> list[str]:
    """Put transactions into the mempool of a sequencer that does not run."""
    settings = setting.settings
    keys = open_keystore(settings.keystore, PASSPHRASE)
    database = Database.open(sqlite_url(settings.folder / DATABASE))
    rollup = Rollup(setting.domain, SHAPE, settings.operator_index)
    ledger = Ledger(
        database, rollup, settings.policy, settings.sealing, keys.receipt_key, time.time
    )
    ids = [ledger.submit(transaction) for transaction in transactions]
    database.close()
    return ids


def proofs_made(setting: Setting, batch: int) -> dict[int, bytes]:
    """What its database holds, by place."""
    database = Database.open(sqlite_url(setting.settings.folder / DATABASE))
    with database.read() as connection:
        rows = proofs.of_batch(connection, batch)
    database.close()
    return {row.place: row.proof_bytes for row in rows if row.proof_bytes is not None}


def check_everything(setting: Setting, ids: list[str], sent_before: int) -> None:
    """Every transaction final, once; every batch on L1 sent once; balances to the nano-token."""
    sequencer = SequencerProcess(setting.settings.folder).ready()
    try:

        def all_final() -> bool:
            setting.chain.mine()
            return all(sequencer.status(id_) == "final" for id_ in ids)

        sequencer.wait(all_final)
        shown = sequencer.get("/v1/accounts/2", root="final")["inclusion"]
        bert = account_inclusion_from_json(shown)
        assert bert.account is not None
        assert bert.account.balance_ntok == FUNDS_NTOK + AMOUNT_NTOK * len(ids)
        assert bert.state_root() == setting.homes.state_root()
        batches = list(setting.homes.batches())
        assert [one.number for one in batches] == list(range(1, len(batches) + 1))
        assert transactions_of_operator(setting) - sent_before == len(batches)
        listed = sequencer.get("/v1/batches")
        included = [id_ for batch in listed for id_ in batch["transactions"]]
        assert sorted(included) == sorted(ids)
        assert sequencer.stop() == 0
    finally:
        sequencer.kill()


def test_killed_at_every_point_it_loses_nothing_and_submits_nothing_twice(
    setting: Setting,
) -> None:
    sent_before, ids = transactions_of_operator(setting), []
    setting.chain.mine()  # so that the homes' accounts are final
    for nonce, point in enumerate(POINTS):
        transaction = payment(setting, nonce)
        setting.chain.mine()
        sequencer = SequencerProcess(setting.settings.folder, kill_at=point)
        answered = False

        def offer_it(
            sequencer: SequencerProcess = sequencer, transaction: Transaction = transaction
        ) -> None:
            nonlocal answered
            answered = answered or offer(sequencer, transaction)

        sequencer.wait_killed(offer_it)
        if not answered:
            # Nobody was told that it is taken, so the sender repeats it: taken or not, it is one.
            again = SequencerProcess(setting.settings.folder).ready()
            assert offer(again, transaction)
            again.kill()
        ids.append(transaction_id(transaction))
    check_everything(setting, ids, sent_before)


def test_killed_at_every_step_of_a_batch_of_two_proofs_it_makes_no_proof_twice(
    setting: Setting,
) -> None:
    sent_before = transactions_of_operator(setting)
    for _ in range(2):
        setting.chain.mine()  # so that the homes' accounts are final
    sequencer = SequencerProcess(setting.settings.folder).ready()

    def idle() -> bool:
        setting.chain.mine()
        state = sequencer.get("/v1/state")
        settled = state["sealed_batch"] == state["final_batch"]
        return bool(settled and state["queue"]["final"] == "3")

    sequencer.wait(idle)
    number = int(sequencer.get("/v1/state")["sealed_batch"]) + 1
    assert sequencer.stop() == 0
    ids = take_while_stopped(setting, [payment(setting, nonce) for nonce in range(6)])
    kept: dict[int, bytes] = {}
    for point in IN_A_BATCH_OF_TWO_PROOFS:
        SequencerProcess(setting.settings.folder, kill_at=point).wait_killed()
        found = proofs_made(setting, number)
        assert kept.items() <= found.items(), f"{point}: a proof was lost or made again"
        kept = found
    assert sorted(kept) == [0, 1]
    check_everything(setting, ids, sent_before)
    (batch,) = [one for one in setting.homes.batches() if one.number == number]
    assert len(batch.submission.proofs) == 2


def test_killed_at_random_moments_under_load_it_loses_nothing(setting: Setting) -> None:
    draw, sent_before, ids = random.Random("kills"), transactions_of_operator(setting), []
    nonce = 0
    for _ in range(2):
        setting.chain.mine()  # so that the homes' accounts are final
    for _ in range(6):
        sequencer = SequencerProcess(setting.settings.folder, proof_s=0.1).ready()
        until = time.monotonic() + draw.uniform(0.1, 1.5)
        while time.monotonic() < until:
            transaction = payment(setting, nonce)
            assert offer(sequencer, transaction)
            ids.append(transaction_id(transaction))
            nonce += 1
            setting.chain.mine()
        sequencer.kill()
    check_everything(setting, ids, sent_before)
