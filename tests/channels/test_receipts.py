"""What the operator signed for a node's transaction is on its disk before that counts as sent."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from channels.errors import StoreFailed
from channels.receipts import ReceiptFolder
from channels.records import Identity, SaveSubmission
from channels.sequencer_client import Info, SequencerClient, TransactionStatus
from channels.store import Store
from channels.submit import Signed, Submitter
from protocol.accounts import Account
from protocol.codec import (
    Json,
    point_from_json,
    signature_to_json,
    transaction_from_json,
    transaction_id,
)
from protocol.crypto.schnorr import public_key, sign
from protocol.inclusion import AccountInclusion, prove_account
from protocol.receipts import Receipt, is_signed, receipt_from_json
from protocol.state import State
from protocol.transactions import Transaction, Transfer
from tests.protocol.street import ANNA, DOMAIN

OPERATOR = 4_242
ENDORSEMENT = "0x" + "ab" * 65


class Operator:
    """Takes everything; `secret` is what it signs its receipts with."""

    def __init__(self) -> None:
        self.secret = OPERATOR
        self.receipt: Any = "signed"

    async def info(self) -> Info:
        return Info(1, "0x1", DOMAIN, 7, public_key(OPERATOR), ENDORSEMENT)

    async def account(self, index: int, _root: str) -> AccountInclusion:
        state = State()
        state.write_account(index, Account(ANNA.key_hash, ANNA.l1_address, 0, 10**9, 0, 0))
        return prove_account(state, index)

    async def submit(self, transaction: Transaction) -> TransactionStatus:
        id_ = transaction_id(transaction)
        given = signed(id_, self.secret) if self.receipt == "signed" else self.receipt
        return TransactionStatus(id_, "soft", None, "", "", given)


def signed(id_: str, secret: int) -> Json:
    receipt = Receipt(id_, "soft", 3, 1, 99, 1_000)
    signature = sign(secret, receipt.message(DOMAIN), bytes(32))
    names = ("id", "status", "batch", "position", "state_root", "deadline")
    shown = {name: str(getattr(receipt, name)) for name in names}
    return {**shown, "signature": signature_to_json(signature)}


def build(nonce: int, valid_until: int) -> Signed:
    return Transfer(0, 1, nonce, 5, 7, valid_until)


async def send(folder: Path, operator: Operator) -> list[Json]:
    """What is kept after a transfer, and whether the transfer counts as sent."""
    store = Store.open(folder, Identity(DOMAIN, 0, ANNA.key_hash))
    submitter = Submitter(
        0,
        DOMAIN,
        ANNA.sign,
        store,
        cast(SequencerClient, operator),
        lambda: 1_000,
        100,
        ReceiptFolder(folder),
    )
    try:
        await submitter.send("transfer", None, build)
        return [json.loads(one.read_text()) for one in sorted((folder / "receipts").glob("*"))]
    finally:
        store.close()


async def test_a_receipt_is_kept_with_all_that_holds_the_operator_to_it(tmp_path: Path) -> None:
    (kept,) = await send(tmp_path, Operator())
    transaction = transaction_from_json(kept["transaction"])
    receipt, signature = receipt_from_json(kept["receipt"])
    assert receipt.id == transaction_id(transaction)
    assert (tmp_path / "receipts" / f"{receipt.id}.json").exists()
    key = point_from_json("key", kept["receipt_key"])
    assert is_signed(key, DOMAIN, receipt, signature)
    assert (kept["domain"], kept["endorsement"]) == (str(DOMAIN), ENDORSEMENT)


@pytest.mark.parametrize("given", [None, {}, [], "word", {"id": "x"}, signed("ab" * 32, OPERATOR)])
async def test_what_is_no_receipt_for_it_is_not_kept(tmp_path: Path, given: object) -> None:
    operator = Operator()
    operator.receipt = given
    assert await send(tmp_path, operator) == []


async def test_a_receipt_that_another_signed_is_not_kept(tmp_path: Path) -> None:
    operator = Operator()
    operator.secret += 1
    assert await send(tmp_path, operator) == []


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
