"""The operator's receipts, each a file of its own that can be held against it without this node.

`wattlane receipt verify FILE` reads one. A file is on the disk, whole, before the transaction that
it is for counts as settled. A receipt is looked at first: what nobody could be held to is not
kept, and the owner hears of it.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Protocol

import structlog

from channels.errors import L1Error, StoreFailed
from channels.records import Submission
from channels.sequencer_client import SequencerClient
from contracts.endorsements import endorser_of
from protocol.codec import Json, transaction_to_json
from protocol.crypto.jubjub import Point
from protocol.errors import ProtocolError
from protocol.receipts import STATUSES, Receipt, is_signed, receipt_file, receipt_from_json
from protocol.transactions import Claim, Finalize, Transaction

_log = structlog.get_logger(__name__)

FOLDER = "receipts"


class OperatorOnL1(Protocol):
    """What is asked of L1."""

    async def operator(self) -> str:
        """Who is the operator. Raises L1Unreachable."""
        ...


class ReceiptDesk:
    """Looks at receipts, and keeps the best of each transaction. `problem`: what was wrong with the
    last one, or None.
    """

    def __init__(
        self, folder: Path, domain: int, sequencer: SequencerClient, l1: OperatorOnL1
    ) -> None:
        self._folder = ReceiptFolder(folder)
        self._domain, self._sequencer, self._l1 = domain, sequencer, l1
        self.problem: str | None = None

    async def take(self, submission: Submission, given: Any) -> None:
        """What the operator promises of an executed transaction, on disk if it can be held to that.

        Raises SequencerError leaves and StoreFailed.
        """
        info = await self._sequencer.info()
        key, transaction = info.receipt_key, submission.transaction
        try:
            receipt, signature = receipt_from_json(given)
            signed = key is not None and is_signed(key, self._domain, receipt, signature)
        except ProtocolError:
            self._complain(submission, "it signed none")
            return
        if key is None or not signed or receipt.id != submission.transaction_id:
            self._complain(submission, "it did not sign this one for it")
            return
        wrong = _wrong_with(receipt, transaction)
        try:
            wrong = await self._endorsed(key, info.endorsement) or wrong
            is_checked = True
        except L1Error as error:
            _log.warning("a receipt's endorsement is not checked", reason=str(error))
            is_checked = False
        if wrong is not None:
            self._complain(submission, wrong)
            return
        document = receipt_file(
            transaction_to_json(transaction), given, self._domain, key, info.endorsement
        )
        await asyncio.to_thread(
            self._folder.keep, submission.transaction_id, document, is_checked=is_checked
        )
        self.problem = None

    async def _endorsed(self, key: Point, endorsement: str) -> str | None:
        try:
            signer = endorser_of(self._domain, key, endorsement)
        except ValueError:
            return "nobody endorsed its key"
        operator = await self._l1.operator()
        if signer.lower() != operator.lower():
            return f"its key is endorsed by {signer}, and the operator on L1 is {operator}"
        return None

    def _complain(self, submission: Submission, why: str) -> None:
        name = submission.transaction_id
        self.problem = f"the operator's receipt for {name[:16]} is worth nothing: {why}"
        _log.warning("the operator's receipt is worth nothing", id=name, reason=why)


def _wrong_with(receipt: Receipt, transaction: Transaction) -> str | None:
    """Why a signed receipt holds nobody to anything; None where it does."""
    body = transaction.body
    if receipt.status not in STATUSES or receipt.deadline == 0:
        return "it promises no deadline"
    if not isinstance(body, Claim | Finalize) and receipt.deadline > body.valid_until:
        return "its deadline is after the transaction expires"
    return None


def _strength(receipt: Receipt) -> tuple[int, int]:
    """The earlier deadline is better, then the later status."""
    return -receipt.deadline, STATUSES.index(receipt.status)


class ReceiptFolder:
    """The receipts of one node, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FOLDER

    def keep(self, transaction_id: str, document: Json, *, is_checked: bool) -> Path:
        """Write a receipt's file, unless a better one is there. Raises StoreFailed.

        One whose endorsement could not be checked replaces none; one whose was, any of another key.
        """
        path = self.path / f"{transaction_id}.json"
        if self._is_better(path, document, is_checked):
            return path
        beside = path.with_suffix(".new")
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                json.dump(document, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreFailed(str(path), error.strerror or "cannot be written") from error
        return path

    def _is_better(self, path: Path, document: Json, is_checked: bool) -> bool:
        """Whether what the file holds is to stay."""
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            kept, given = (receipt_from_json(one["receipt"])[0] for one in (there, document))
            if not is_checked:
                return True
            same_key = there["receipt_key"] == document["receipt_key"]
            return same_key and _strength(kept) >= _strength(given)
        except (OSError, ValueError, KeyError, TypeError, ProtocolError):
            return False
