"""The rollup contract, with an L1 account that sends: deposits, forced ops, batches, withdrawals.

`RollupReader` (contracts/reader.py) has all that only reads; a client is a reader too.
"""

from __future__ import annotations

from typing import cast

from eth_account.signers.local import LocalAccount

from contracts.batches import Submission
from contracts.blob_sources import BlobSources
from contracts.blob_transactions import Sidecar
from contracts.erc20 import TokenClient
from contracts.exodus import ExodusClient
from contracts.fees import Fees
from contracts.finality import FINALIZED, Finality
from contracts.reader import ABI, RollupReader
from contracts.rpc import DEFAULT_TIMEOUT_S
from contracts.transactions import DEFAULT_WAIT_S, PreparedTransaction, Receipt, Sender
from protocol.channels import Lane
from protocol.crypto.schnorr import Signature
from protocol.queue import NewAccount, QueueOp

__all__ = ["RollupClient", "RollupReader"]

FEE_MARGIN = 2
"""So many times the queue's fee is sent along: it may double before the transaction runs, and what
is more than the fee comes back."""


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
        (the token's refusal), FeeTooLow, Paused, SunsetReached, ExodusStarted, and as Sender.send.
        """
        units = self.settings().base_units(amount_ntok)
        receipt = self._enqueue("new_account", key_hash, owner, units)
        (op,) = self.enqueued_in(receipt)
        assert isinstance(op, NewAccount), "new_account enqueues nothing else"
        return op.index, receipt

    def deposit(self, index: int, owner: str, amount_ntok: int) -> Receipt:
        """Add to an account's balance. Raises UnknownAccount, OwnerMismatch, as new_account."""
        units = self.settings().base_units(amount_ntok)
        return self._enqueue("deposit", index, owner, units)

    def change_key(self, index: int, key_hash: int) -> Receipt:
        """Ask for another key for one's account.

        Raises UnknownAccount, KeyHashTooLarge, FeeTooLow, ExodusStarted, and as Sender.send.
        """
        return self._enqueue("change_key", index, key_hash)

    def force_exit(self, index: int) -> Receipt:
        """Ask for one's account's whole balance. Raises as change_key."""
        return self._enqueue("force_exit", index)

    def force_start_close(self, slot: int, epoch: int, side: Lane) -> Receipt:
        """Ask to begin the close of one's channel.

        Raises IndexTooLarge, EpochTooLarge, FeeTooLow, ExodusStarted, and as Sender.send.
        """
        return self._enqueue("force_start_close", slot, epoch, int(side))

    def force_claim(
        self, slot: int, epoch: int, lane: Lane, lane_value: int, signature: Signature
    ) -> Receipt:
        """Bring a voucher. Raises LaneValueTooLarge, ElementTooLarge, as force_start_close."""
        key, r = signature.key, signature.r
        parts = [key.x, key.y, r.x, r.y, signature.s]
        return self._enqueue("force_claim", slot, epoch, int(lane), lane_value, parts)

    def force_finalize(self, slot: int, epoch: int) -> Receipt:
        """Ask for the payout of a channel whose deadline is over. Raises as force_start_close."""
        return self._enqueue("force_finalize", slot, epoch)

    def start_exodus(self) -> Receipt:
        """End the rollup. Raises TooEarlyForExodus, ExodusStarted, and as Sender.send."""
        return self._call("start_exodus")

    def transfer_ownership(self, pending_owner: str) -> Receipt:
        """Offer the ownership to another address. Raises NotOwner, and as Sender.send."""
        return self._call("transfer_ownership", pending_owner)

    def accept_ownership(self) -> Receipt:
        """Take what was offered. Raises NotPendingOwner, and as Sender.send."""
        return self._call("accept_ownership")

    def pause(self) -> Receipt:
        """Stop deposits and batches for three days. Raises NotOwner, PauseTooSoon."""
        return self._call("pause")

    def unpause(self) -> Receipt:
        """End a pause. Raises NotOwner, NotPaused."""
        return self._call("unpause")

    def announce_operator(self, operator: str) -> Receipt:
        """Name the operator that may take over in 45 days. Raises NotOwner."""
        return self._call("announce_operator", operator)

    def apply_operator(self) -> Receipt:
        """Let it take over; anyone may. Raises NoOperatorAnnounced, OperatorTooSoon."""
        return self._call("apply_operator")

    def announce_sunset(self) -> Receipt:
        """Announce the end, for good. Raises NotOwner, AlreadyAnnounced."""
        return self._call("announce_sunset")

    def exodus_client(self) -> ExodusClient:
        """The contract that everyone leaves through, sending from the same account."""
        return ExodusClient(self.sender, self.settings().exodus)

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
        most: Fees | None = None,
    ) -> PreparedTransaction:
        """Sign a submission without sending it: store it, then `sender.broadcast` and `wait`.

        `sidecar`: the blob that holds its data. `nonce` and `replaced`: of another transaction
        that this one is to replace. `most`: see Sender.prepare. Raises Reverted leaves, and as
        Sender.prepare.
        """
        return self.sender.prepare(
            self.address,
            submission.calldata(),
            nonce=nonce,
            sidecar=sidecar,
            replaced=replaced,
            most=most,
        )

    def enqueued_in(self, receipt: Receipt) -> tuple[QueueOp, ...]:
        """The queue ops that a transaction enqueued."""
        topic = ABI.events["OpEnqueued"].topic
        return tuple(
            self._queue_op(log)
            for log in receipt.logs
            if log.topics[:1] == (topic,) and log.address == self.address
        )

    def _call(self, function: str, *arguments: object) -> Receipt:
        data = ABI.functions[function].encode_call(*arguments)
        return self.sender.send(self.address, data)

    def _enqueue(self, function: str, *arguments: object) -> Receipt:
        """Call one of those that cost the queue's fee, which is sent along."""
        data = ABI.functions[function].encode_call(*arguments)
        return self.sender.send(self.address, data, FEE_MARGIN * self.queue_fee_wei())
