"""The account's own transactions, from the owner's wish to a leaf that is final on L1.

Nothing is signed towards an account that is in no final root: a reorg may give its number to
someone else. Ref: docs/protocol.md section 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from channels.errors import BadPayment, NotFinalInTime, TransactionRejected, WindowNotAcceptable
from channels.records import Submission
from channels.sequencer_client import SequencerClient, TransactionStatus
from channels.submit import Submitter, check_amount
from channels.watch import Watch
from protocol.accounts import Account
from protocol.channels import Lane
from protocol.channels import channel_id as channel_id_of
from protocol.transactions import Open, TopUp, Transfer, Withdraw
from protocol.units import MAX_WINDOW_S, MIN_WINDOW_S


class AccountDesk:
    """Transactions of one account. `hurry` starts the node's next round."""

    def __init__(
        self,
        account_index: int,
        submitter: Submitter,
        sequencer: SequencerClient,
        watch: Watch,
        hurry: Callable[[], None],
        pause_s: float,
    ) -> None:
        self._index = account_index
        self._submitter = submitter
        self._sequencer = sequencer
        self._watch = watch
        self._hurry = hurry
        self._pause_s = min(pause_s, 0.2)

    async def final(self) -> Account:
        """The account in the newest final root."""
        return await self._watch.account(self._index)

    async def soft_balance_ntok(self) -> int:
        """What the sequencer says the account holds now."""
        account = (await self._sequencer.account(self._index, "soft")).account
        return account.balance_ntok if account else 0

    async def open(self, peer: int, deposit_ntok: int, window_s: int) -> Submission:
        """Submit an OPEN. Raises BadPayment, WindowNotAcceptable, UnknownPeer, as `Submitter`."""
        check_amount("deposit_ntok", deposit_ntok)
        if type(window_s) is not int or not MIN_WINDOW_S <= window_s <= MAX_WINDOW_S:
            raise WindowNotAcceptable(window_s)
        fee_ntok = await self._towards("peer", peer)
        own = self._index
        return await self._submitter.send(
            "open",
            lambda nonce: channel_id_of(own, peer, nonce),
            lambda nonce, until: Open(own, peer, nonce, deposit_ntok, fee_ntok, window_s, until),
        )

    async def transfer(self, to: int, amount_ntok: int) -> Submission:
        """Submit a TRANSFER. Raises BadPayment, UnknownPeer, as `Submitter`."""
        check_amount("amount_ntok", amount_ntok)
        fee_ntok = await self._towards("to", to)
        return await self._submitter.send(
            "transfer",
            None,
            lambda nonce, until: Transfer(self._index, to, nonce, amount_ntok, fee_ntok, until),
        )

    async def withdraw(self, amount_ntok: int) -> Submission:
        """Submit a WITHDRAW. Raises BadPayment, as `Submitter`."""
        check_amount("amount_ntok", amount_ntok)
        fee_ntok = await self._submitter.fee_ntok()
        return await self._submitter.send(
            "withdraw",
            None,
            lambda nonce, until: Withdraw(self._index, nonce, amount_ntok, fee_ntok, until),
        )

    async def top_up(self, channel_id: int, side: Lane, amount_ntok: int) -> Submission:
        """Submit a TOP_UP. Raises BadPayment, as `Submitter`."""
        check_amount("amount_ntok", amount_ntok)
        fee_ntok = await self._submitter.fee_ntok()
        return await self._submitter.send(
            "top_up",
            channel_id,
            lambda nonce, until: TopUp(channel_id, side, nonce, amount_ntok, fee_ntok, until),
        )

    async def status(self, transaction_id: str) -> TransactionStatus:
        """Where a transaction stands. Raises TransactionRejected."""
        status = await self._sequencer.transaction(transaction_id)
        if status.status == "rejected":
            raise TransactionRejected(transaction_id, status.error_code, status.error_detail)
        return status

    async def wait_called_final(self, transaction_id: str, timeout_s: float) -> TransactionStatus:
        """Wait until the *sequencer* calls it final. Raises TransactionRejected, NotFinalInTime."""
        end = asyncio.get_running_loop().time() + timeout_s
        while (status := await self.status(transaction_id)).status != "final":
            await self._pause(f"transaction {transaction_id[:16]}", end, timeout_s)
        return status

    async def wait_final(self, submission: Submission, timeout_s: float) -> None:
        """Wait until the account's leaf, proven in L1's final root, is past this nonce.

        Raises TransactionRejected, NotFinalInTime.
        """
        end = asyncio.get_running_loop().time() + timeout_s
        await self.wait_called_final(submission.transaction_id, timeout_s)
        while (await self.final()).nonce <= (submission.nonce or 0):
            self._hurry()
            await self._pause(f"transaction {submission.transaction_id[:16]}", end, timeout_s)

    async def _towards(self, field: str, other: int) -> int:
        """The fee for something towards another account that is final."""
        if type(other) is not int or other == self._index:
            raise BadPayment(field, other)
        await self._watch.account(other)
        return await self._submitter.fee_ntok()

    async def _pause(self, what: str, end: float, timeout_s: float) -> None:
        if asyncio.get_running_loop().time() > end:
            raise NotFinalInTime(what, timeout_s)
        await asyncio.sleep(self._pause_s)
