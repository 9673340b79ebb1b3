"""The rollup contract, with an L1 account that sends: deposits, batches, withdrawals.

`RollupReader` (contracts/reader.py) has all that only reads; a client is a reader too.
"""

from __future__ import annotations

from typing import cast

from eth_account.signers.local import LocalAccount

from contracts.batches import Submission
from contracts.blob_sources import BlobSources
from contracts.blob_transactions import Sidecar
from contracts.erc20 import TokenClient
from contracts.finality import FINALIZED, Finality
from contracts.reader import ABI, RollupReader
from contracts.rpc import DEFAULT_TIMEOUT_S
from contracts.transactions import DEFAULT_WAIT_S, Fees, PreparedTransaction, Receipt, Sender
from protocol.queue import NewAccount, QueueOp

__all__ = ["RollupClient", "RollupReader"]


class RollupClient(RollupReader):
    """A reader that also sends, from one L1 account."""

    def __init__(
        self,
        url: str,
        address: str,
        account: LocalAccount,
        *,
        finality: Finality = FINALIZED,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        wait_s: float = DEFAULT_WAIT_S,
        blobs: BlobSources | None = None,
    ) -> None:
        super().__init__(url, address, finality=finality, timeout_s=timeout_s, blobs=blobs)
        self.account = account
        self.sender = Sender(self.rpc, account, wait_s)

    def token_client(self) -> TokenClient:
        """The settlement token, sending from the same account."""
        return TokenClient(self.sender, self.settings().token)

    def approve(self, amount_ntok: int) -> Receipt:
        """Let the rollup take this much from the account's tokens. Raises as Sender.send."""
        units = self.settings().base_units(amount_ntok)
        return self.token_client().approve(self.address, units)

    def new_account(self, key_hash: int, owner: str, amount_ntok: int) -> tuple[int, Receipt]:
        """Open an account with a first deposit that was approved; returns its index.

        Raises KeyHashTooLarge, OwnerZero, AmountZero, TooMuchDeposited, AccountsFull, OtherRevert
        (the token's refusal), and as Sender.send.
        """
        units = self.settings().base_units(amount_ntok)
        data = ABI.functions["new_account"].encode_call(key_hash, owner, units)
        receipt = self.sender.send(self.address, data)
        (op,) = self.enqueued_in(receipt)
        assert isinstance(op, NewAccount), "new_account enqueues nothing else"
        return op.index, receipt

    def deposit(self, index: int, owner: str, amount_ntok: int) -> Receipt:
        """Add to an account's balance. Raises UnknownAccount, OwnerMismatch, as new_account."""
        units = self.settings().base_units(amount_ntok)
        data = ABI.functions["deposit"].encode_call(index, owner, units)
        return self.sender.send(self.address, data)

    def withdraw(self) -> tuple[int, Receipt]:
        """Collect all whole base units pending for the account; returns how many.

        Raises NothingToWithdraw, TokenRefused, and as Sender.send.
        """
        receipt = self.sender.send(self.address, ABI.functions["withdraw"].encode_call())
        event = ABI.events["Withdrawn"]
        for log in receipt.logs:
            if log.topics[:1] == (event.topic,) and log.address == self.address:
                return cast(int, self._decoded(event, log)["amount_base_units"]), receipt
        raise self.rpc.error("eth_getTransactionReceipt", "no Withdrawn event")

    def submit_batch(self, submission: Submission) -> Receipt:
        """Submit and wait until L1 has accepted. Raises Reverted leaves, and as Sender.send."""
        return self.sender.send(self.address, submission.calldata())

    def submit_blob_batch(self, submission: Submission, sidecar: Sidecar) -> Receipt:
        """The same for a submission with a link to the blob that holds its data.

        Raises KzgUnavailable too.
        """
        return self.sender.send_blob(self.address, submission.calldata(), sidecar)

    def prepare_batch(
        self,
        submission: Submission,
        sidecar: Sidecar | None = None,
        *,
        nonce: int | None = None,
        replaced: Fees | None = None,
    ) -> PreparedTransaction:
        """Sign a submission without sending it: store it, then `sender.broadcast` and `wait`.

        `sidecar`: the blob that holds its data. `nonce` and `replaced`: of another transaction
        that this one is to replace. Raises Reverted leaves, and as Sender.prepare.
        """
        return self.sender.prepare(
            self.address, submission.calldata(), nonce=nonce, sidecar=sidecar, replaced=replaced
        )

    def enqueued_in(self, receipt: Receipt) -> tuple[QueueOp, ...]:
        """The queue ops that a transaction enqueued."""
        topic = ABI.events["OpEnqueued"].topic
        return tuple(
            self._queue_op(log)
            for log in receipt.logs
            if log.topics[:1] == (topic,) and log.address == self.address
        )
