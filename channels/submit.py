"""Transactions of the own account: one nonce, one signed message, on disk before it is sent.

A transaction whose fate is not known is handed in again, the same bytes, before any new one is
signed; so a lost answer never becomes a second transfer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from channels.errors import BadPayment, FeeTooHigh, SequencerRefused
from channels.lanes import Sign
from channels.receipts import ReceiptFolder
from channels.records import SaveSubmission, Submission
from channels.sequencer_client import SequencerClient
from channels.store import Store
from protocol.codec import transaction_id, transaction_to_json
from protocol.errors import ProtocolError
from protocol.receipts import is_signed, receipt_file, receipt_from_json
from protocol.transactions import Open, StartClose, TopUp, Transaction, Transfer, Withdraw
from protocol.units import AMOUNT_BITS

_log = structlog.get_logger(__name__)

Signed = Transfer | Withdraw | Open | TopUp | StartClose
"""What an account signs with its nonce."""

VALID_S = 3_600
"""How long after the newest L1 block a signed transaction can still land."""


def check_amount(field: str, given: int) -> int:
    """An amount above 0 that fits 64 bits. Raises BadPayment."""
    if type(given) is not int or not 0 < given < 1 << AMOUNT_BITS:
        raise BadPayment(field, given)
    return given


class Submitter:
    """Signs and submits for one account. `head_time`: the newest L1 block's timestamp."""

    def __init__(
        self,
        account_index: int,
        domain: int,
        sign: Sign,
        store: Store,
        sequencer: SequencerClient,
        head_time: Callable[[], int],
        max_fee_ntok: int,
        receipts: ReceiptFolder | None = None,
    ) -> None:
        self._account_index = account_index
        self._domain = domain
        self._sign = sign
        self._store = store
        self._sequencer = sequencer
        self._head_time = head_time
        self._max_fee_ntok = max_fee_ntok
        self._receipts = receipts
        self._lock = asyncio.Lock()
        self._unsettled = {one.transaction_id: one for one in store.load_submissions()}

    async def fee_ntok(self) -> int:
        """The fee that the sequencer asks. Raises FeeTooHigh beyond what the owner allows."""
        fee_ntok = (await self._sequencer.info()).minimum_fee_ntok
        if fee_ntok > self._max_fee_ntok:
            raise FeeTooHigh(fee_ntok, self._max_fee_ntok)
        return fee_ntok

    async def send(
        self,
        purpose: str,
        channel: int | Callable[[int], int] | None,
        build: Callable[[int, int], Signed],
    ) -> Submission:
        """Sign `build(nonce, valid_until)` and hand it in; it is soft when this returns.

        `channel`: the id of the channel it is about, or how the nonce gives it.

        Raises SequencerRefused (it will not happen), SequencerUnreachable (it may: the next call
        finds out first), StoreFailed.
        """
        async with self._lock:
            for earlier in list(self._unsettled.values()):
                await self._hand_in(earlier)
            inclusion = await self._sequencer.account(self._account_index, "soft")
            nonce = inclusion.account.nonce if inclusion.account else 0
            channel_id = channel(nonce) if callable(channel) else channel
            body = build(nonce, self._head_time() + VALID_S)
            transaction = Transaction(body, (self._sign(body.message(self._domain)),))
            name = transaction_id(transaction)
            submission = Submission(name, transaction, purpose, channel_id, nonce, False)
            await self._store.write(SaveSubmission(submission))
            self._unsettled[name] = submission
            refusal = await self._hand_in(submission)
            if refusal is not None:
                raise refusal
            return submission

    async def settle(self) -> None:
        """Hand in again what was interrupted. Raises as `send`, refusals apart."""
        async with self._lock:
            for earlier in list(self._unsettled.values()):
                await self._hand_in(earlier)

    async def _hand_in(self, submission: Submission) -> SequencerRefused | None:
        """Submit and settle; a refusal is returned. Raises SequencerUnreachable."""
        refusal: SequencerRefused | None = None
        try:
            status = await self._sequencer.submit(submission.transaction)
            if status.status == "rejected":
                refusal = SequencerRefused(409, status.error_code, status.error_detail)
            else:
                await self._keep_receipt(submission, status.receipt)
        except SequencerRefused as error:
            if error.status == 429 or error.status >= 500:
                raise
            refusal = error
        await self._store.write(SaveSubmission(replace(submission, is_settled=True)))
        self._unsettled.pop(submission.transaction_id, None)
        return refusal

    async def _keep_receipt(self, submission: Submission, given: Any) -> None:
        """What the operator promises, on disk, if it signed that; raises SequencerUnreachable."""
        if self._receipts is None or given is None:
            return
        info = await self._sequencer.info()
        try:
            receipt, signature = receipt_from_json(given)
            key = info.receipt_key
            good = key is not None and is_signed(key, self._domain, receipt, signature)
        except ProtocolError:
            good = False
        if not good or receipt.id != submission.transaction_id or key is None:
            _log.warning("the operator's receipt is worth nothing", id=submission.transaction_id)
            return
        transaction = transaction_to_json(submission.transaction)
        document = receipt_file(transaction, given, self._domain, key, info.endorsement)
        await asyncio.to_thread(self._receipts.keep, submission.transaction_id, document)
