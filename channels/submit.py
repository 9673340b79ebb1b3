"""Transactions of the own account: one nonce, one signed message, on disk before it is sent.

A transaction whose fate is not known is handed in again, the same bytes, before any new one is
signed; so a lost answer never becomes a second transfer. "Accepted" is no fate: until the operator
has executed it, it may be refused, and no other transaction gets its nonce.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from channels.errors import BadPayment, FeeTooHigh, SequencerRefused
from channels.lanes import Sign
from channels.receipts import ReceiptDesk
from channels.records import SaveSubmission, Submission
from channels.sequencer_client import SequencerClient
from channels.store import Store
from protocol.codec import transaction_id
from protocol.transactions import Open, StartClose, TopUp, Transaction, Transfer, Withdraw
from protocol.units import AMOUNT_BITS

_log = structlog.get_logger(__name__)

Signed = Transfer | Withdraw | Open | TopUp | StartClose
"""What an account signs with its nonce."""

VALID_S = 7_200
"""How long after the newest L1 block a signed transaction can still land. Longer than operators
promise (an hour), as a promise about what has expired binds nobody.
"""

PATIENCE_S, AGAIN_S = 5.0, 0.2
"""How long `send` waits for what is accepted to be executed, and its pause before it asks again."""


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
        receipts: ReceiptDesk | None = None,
        patience_s: float = PATIENCE_S,
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
        self._patience_s = patience_s
        waiting = sorted(store.load_submissions(), key=lambda one: one.nonce or 0)
        self._unsettled = {one.transaction_id: one for one in waiting}
        self._refused: str | None = None

    async def fee_ntok(self) -> int:
        """The fee that the sequencer asks. Raises FeeTooHigh beyond what the owner allows."""
        fee_ntok = (await self._sequencer.info()).minimum_fee_ntok
        if fee_ntok > self._max_fee_ntok:
            raise FeeTooHigh(fee_ntok, self._max_fee_ntok)
        return fee_ntok

    @property
    def problem(self) -> str | None:
        """A refusal that nobody was told of, or a receipt that is worth nothing; or None."""
        return self._refused or (self._receipts.problem if self._receipts else None)

    def waits(self, purpose: str, channel_id: int) -> bool:
        """Whether something of this purpose was handed in and is not executed yet."""
        return any(
            (one.purpose, one.channel_id) == (purpose, channel_id)
            for one in self._unsettled.values()
        )

    async def send(
        self,
        purpose: str,
        channel: int | Callable[[int], int] | None,
        build: Callable[[int, int], Signed],
    ) -> Submission:
        """Sign `build(nonce, valid_until)` and hand it in; it is soft when this returns, or the
        operator has accepted it and not executed it for `patience_s`: then `settle` goes on.

        `channel`: the id of the channel it is about, or how the nonce gives it.

        Raises SequencerRefused (it will not happen), SequencerUnreachable (it may: the next call
        finds out first), StoreFailed.
        """
        async with self._lock:
            await self._settle()
            nonce = await self._next_nonce()
            channel_id = channel(nonce) if callable(channel) else channel
            body = build(nonce, self._head_time() + VALID_S)
            transaction = Transaction(body, (self._sign(body.message(self._domain)),))
            name = transaction_id(transaction)
            submission = Submission(name, transaction, purpose, channel_id, nonce, False)
            await self._store.write(SaveSubmission(submission))
            self._unsettled[name] = submission
            refusal = await self._until_executed(submission)
            if refusal is not None:
                raise refusal
            if name not in self._unsettled:
                self._refused = None
            return submission

    async def settle(self) -> None:
        """Hand in again what was interrupted or is only accepted. Raises as `send`, refusals apart:
        those are in the log and in `problem`.
        """
        async with self._lock:
            await self._settle()

    async def _settle(self) -> None:
        for earlier in list(self._unsettled.values()):
            refusal = await self._hand_in(earlier)
            if refusal is not None:
                what = f"{earlier.purpose} {earlier.transaction_id[:16]}"
                self._refused = f"{what} was refused later: {refusal}"
                _log.warning("refused later", what=what, reason=str(refusal))

    async def _next_nonce(self) -> int:
        """The soft state's, past what was accepted and is not executed yet."""
        inclusion = await self._sequencer.account(self._account_index, "soft")
        nonce = inclusion.account.nonce if inclusion.account else 0
        waiting = {one.nonce for one in self._unsettled.values()}
        while nonce in waiting:
            nonce += 1
        return nonce

    async def _until_executed(self, submission: Submission) -> SequencerRefused | None:
        now = asyncio.get_running_loop().time
        end = now() + self._patience_s
        refusal = await self._hand_in(submission)
        while submission.transaction_id in self._unsettled and now() < end:
            await asyncio.sleep(AGAIN_S)
            refusal = await self._hand_in(submission)
        return refusal

    async def _hand_in(self, submission: Submission) -> SequencerRefused | None:
        """Submit, and settle what is soft or refused; a refusal is returned. What is only accepted
        may still be refused, and stays. Raises SequencerUnreachable.
        """
        refusal: SequencerRefused | None = None
        try:
            status = await self._sequencer.submit(submission.transaction)
            if status.status == "accepted":
                return None
            if status.status == "rejected":
                refusal = SequencerRefused(409, status.error_code, status.error_detail)
        except SequencerRefused as error:
            if error.status == 429 or error.status >= 500:
                raise
            refusal = error
        else:
            if refusal is None and self._receipts is not None:
                await self._receipts.take(submission, status.receipt)
        await self._store.write(SaveSubmission(replace(submission, is_settled=True)))
        self._unsettled.pop(submission.transaction_id, None)
        return refusal
