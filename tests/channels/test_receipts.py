"""What the operator signed for a node's transaction is on its disk before that counts as sent."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from eth_account import Account

from channels.errors import L1Unreachable, StoreFailed
from channels.receipts import ReceiptDesk
from channels.records import Identity, SaveSubmission
from channels.sequencer_client import Info, SequencerClient, TransactionStatus
from channels.store import Store
from channels.submit import Signed, Submitter
from protocol.accounts import Account as LeafAccount
from protocol.codec import (
    Json,
    point_from_json,
    transaction_from_json,
    transaction_id,
)
from protocol.inclusion import AccountInclusion, prove_account
from protocol.receipts import Receipt, is_signed, receipt_from_json
from protocol.state import State
from protocol.transactions import Transaction, Transfer
from sequencer.keystore import OperatorKeys
from tests.protocol.street import ANNA, DOMAIN

KEYS = OperatorKeys(Account.from_key(bytes([7]) * 32))
STRANGER = OperatorKeys(Account.from_key(bytes([8]) * 32))
LIFE_S = 7_200


class Operator:
    """Takes everything. `keys`: what it signs receipts with; `receipt`: what it signs, or else."""

    def __init__(self) -> None:
        self.keys = KEYS
        self.receipt: Any = Receipt("", "soft", 3, 1, 99, 1_000)
        self.endorsement = KEYS.endorsement(DOMAIN)
        self.l1_address = KEYS.address
        self.l1_is_away = False
        self.nonce = 0
        self.waiting: dict[str, Transaction] = {}
        self.refused: set[str] = set()
        self.has_batcher = True
        self.asked = asyncio.Event()

    async def info(self) -> Info:
        return Info(1, "0x1", DOMAIN, 7, KEYS.receipt_key.public, self.endorsement)

    async def operator(self) -> str:
        if self.l1_is_away:
            raise L1Unreachable("test", "away")
        return self.l1_address

    async def account(self, index: int, _root: str) -> AccountInclusion:
        state = State()
        held = LeafAccount(ANNA.key_hash, ANNA.l1_address, self.nonce, 10**9, 0, 0)
        state.write_account(index, held)
        return prove_account(state, index)

    async def submit(self, transaction: Transaction) -> TransactionStatus:
        """As an API worker: into the intake, and executed if there is a batcher."""
        id_ = transaction_id(transaction)
        self.waiting.setdefault(id_, transaction)
        self.asked.set()
        if not self.has_batcher:
            return TransactionStatus(id_, "accepted", None, "", "", None)
        if id_ in self.refused:
            return TransactionStatus(id_, "rejected", None, "WrongNonce", "gap", None)
        body = transaction.body
        assert isinstance(body, Transfer)
        self.nonce = max(self.nonce, body.nonce + 1)
        given = self.receipt
        if isinstance(given, Receipt):
            given = signed(replace(given, id=given.id or id_), self.keys)
        return TransactionStatus(id_, "soft", None, "", "", given)


def signed(receipt: Receipt, keys: OperatorKeys) -> Json:
    return keys.receipt_key.sign(DOMAIN, receipt)


def build(nonce: int, valid_until: int) -> Signed:
    return Transfer(0, 1, nonce, 5, 7, valid_until)


@contextmanager
def submitting(folder: Path, operator: Operator, patience_s: float = 60) -> Iterator[Submitter]:
    store = Store.open(folder, Identity(DOMAIN, 0, ANNA.key_hash))
    client = cast(SequencerClient, operator)
    desk = ReceiptDesk(folder, DOMAIN, client, operator)
    try:
        yield Submitter(0, DOMAIN, ANNA.sign, store, client, lambda: 1_000, 100, desk, patience_s)
    finally:
        store.close()


def kept_in(folder: Path) -> list[Json]:
    return [json.loads(one.read_text()) for one in sorted((folder / "receipts").glob("*"))]


async def send(folder: Path, operator: Operator) -> tuple[list[Json], str | None]:
    """What is kept after a transfer, and what the owner hears."""
    with submitting(folder, operator) as submitter:
        await submitter.send("transfer", None, build)
        return kept_in(folder), submitter.problem


async def test_a_receipt_is_kept_with_all_that_holds_the_operator_to_it(tmp_path: Path) -> None:
    (kept,), problem = await send(tmp_path, Operator())
    assert problem is None
    transaction = transaction_from_json(kept["transaction"])
    receipt, signature = receipt_from_json(kept["receipt"])
    assert receipt.id == transaction_id(transaction)
    assert (tmp_path / "receipts" / f"{receipt.id}.json").exists()
    key = point_from_json("key", kept["receipt_key"])
    assert is_signed(key, DOMAIN, receipt, signature)
    assert (kept["domain"], kept["endorsement"]) == (
        str(DOMAIN),
        KEYS.endorsement(DOMAIN),
    )


def soft(**changes: Any) -> Receipt:
    return replace(Receipt("", "soft", 3, 1, 99, 1_000), **changes)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (None, "signed none"),
        ({}, "signed none"),
        ([], "signed none"),
        ("word", "signed none"),
        ({"id": "x"}, "signed none"),
        (soft(id="ab" * 32), "did not sign"),
        (soft(deadline=0), "no deadline"),
        (soft(status="accepted"), "no deadline"),
        (soft(deadline=1_000 + LIFE_S + 1), "after the transaction expires"),
    ],
)
async def test_what_holds_the_operator_to_nothing_is_not_kept_and_is_told(
    tmp_path: Path, given: object, word: str
) -> None:
    operator = Operator()
    operator.receipt = given
    kept, problem = await send(tmp_path, operator)
    assert kept == []
    assert word in (problem or "")


async def test_a_receipt_that_another_signed_is_not_kept(tmp_path: Path) -> None:
    operator = Operator()
    operator.keys = STRANGER
    kept, problem = await send(tmp_path, operator)
    assert kept == []
    assert "did not sign" in (problem or "")


@pytest.mark.parametrize("endorsement", ["", "0x12", STRANGER.endorsement(DOMAIN)])
async def test_a_key_that_the_operator_on_l1_did_not_endorse_is_told(
    tmp_path: Path, endorsement: str
) -> None:
    operator = Operator()
    operator.endorsement = endorsement
    kept, problem = await send(tmp_path, operator)
    assert kept == []
    assert "endorsed" in (problem or "")
    operator.endorsement = KEYS.endorsement(DOMAIN)
    kept, problem = await send(tmp_path, operator)
    assert (len(kept), problem) == (1, None)


async def test_without_l1_a_receipt_is_kept_unless_there_is_one(tmp_path: Path) -> None:
    operator = Operator()
    operator.l1_is_away = True
    assert len((await send(tmp_path, operator))[0]) == 1


async def test_the_best_receipt_of_a_transaction_stays(tmp_path: Path) -> None:
    """The earliest deadline, then the latest status, however often it is handed in."""
    operator = Operator()
    with submitting(tmp_path, operator) as submitter:
        done = await submitter.send("transfer", None, build)
        for status, deadline, stays in (
            ("soft", 2_000, ("soft", 1_000)),
            ("sealed", 1_000, ("sealed", 1_000)),
            ("soft", 1_000, ("sealed", 1_000)),
            ("final", 2_000, ("sealed", 1_000)),
            ("soft", 900, ("soft", 900)),
        ):
            operator.receipt = soft(status=status, deadline=deadline)
            await submitter._hand_in(done)
            (kept,) = kept_in(tmp_path)
            assert (kept["receipt"]["status"], int(kept["receipt"]["deadline"])) == stays
        operator.l1_is_away, operator.receipt = True, soft(deadline=800)
        await submitter._hand_in(done)
        assert kept_in(tmp_path) == [kept]


# --- accepted is no fate ------------------------------------------------------------------------


async def test_what_is_only_accepted_keeps_its_nonce_and_is_handed_in_until_it_is_soft(
    tmp_path: Path,
) -> None:
    operator = Operator()
    operator.has_batcher = False
    with submitting(tmp_path, operator, patience_s=0) as submitter:
        sent = [await submitter.send("transfer", None, build) for _ in range(2)]
        assert [one.nonce for one in sent] == [0, 1]
        assert kept_in(tmp_path) == []
    with submitting(tmp_path, operator, patience_s=0) as submitter:  # it was on disk
        assert submitter._unsettled.keys() == {one.transaction_id for one in sent}
        assert (await submitter.send("transfer", None, build)).nonce == 2
        operator.has_batcher = True
        await submitter.settle()
        assert (submitter._unsettled, operator.nonce, submitter.problem) == ({}, 3, None)
        assert len(kept_in(tmp_path)) == len(operator.waiting) == 3


async def test_send_waits_until_what_it_sent_is_executed(tmp_path: Path) -> None:
    operator = Operator()
    operator.has_batcher = False
    with submitting(tmp_path, operator) as submitter:
        sending = asyncio.create_task(submitter.send("transfer", None, build))
        await operator.asked.wait()
        operator.has_batcher = True
        await sending
        assert (operator.nonce, len(kept_in(tmp_path))) == (1, 1)
        assert submitter._unsettled == {}


async def test_what_is_refused_later_is_told_and_its_nonce_is_free_again(tmp_path: Path) -> None:
    operator = Operator()
    operator.has_batcher = False
    with submitting(tmp_path, operator, patience_s=0) as submitter:
        first = await submitter.send("transfer", None, build)
        assert submitter.waits("transfer", 7) is False
        assert submitter.problem is None
        operator.has_batcher, operator.refused = True, {first.transaction_id}
        await submitter.settle()
        assert "refused later" in (submitter.problem or "")
        operator.refused = set()
        assert (await submitter.send("transfer", None, build)).nonce == 0
        assert submitter.problem is None


async def test_without_the_receipt_on_disk_the_transaction_is_handed_in_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(StoreFailed, match="No space"):
            await send(tmp_path, Operator())
    store = Store.open(tmp_path, Identity(DOMAIN, 0, ANNA.key_hash))
    (waiting,) = store.load_submissions()
    assert not waiting.is_settled
    await store.write(SaveSubmission(replace(waiting, is_settled=True)))
    store.close()
