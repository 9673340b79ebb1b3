"""Transactions that are paid for once: prepared and signed first, then sent, then waited for.

A prepared transaction has its hash before it leaves the process: whoever stores it can broadcast
the same bytes again after a crash, and it can take effect only once. Ref: EIP-1559, EIP-4844.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from eth_account.types import AccessListEntry
from eth_typing import HexStr
from eth_utils.address import to_checksum_address

from contracts.addresses import as_checksummed
from contracts.blob_transactions import BLOB_TYPE, Sidecar, network_form
from contracts.errors import (
    InsufficientFunds,
    ReceiptTimeout,
    Reverted,
    RpcRefused,
    TransactionFailed,
)
from contracts.fees import TIP_WEI, Fees, Prices
from contracts.rpc import Json, Rpc

GAS_MARGIN_PERCENT = 20
"""Added to the node's estimate: a queue or balance may have changed before the transaction runs."""

POLL_FIRST_S = 0.02
POLL_LAST_S = 1.0
DEFAULT_WAIT_S = 120.0


_CALL_FIELDS = (
    ("from", "from"),
    ("to", "to"),
    ("data", "input"),
    ("gas", "gas"),
    ("blobVersionedHashes", "blobVersionedHashes"),
)
"""Of a call, and of the transaction that it repeats."""


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the node reports it."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction in a block. `contract_address` only where it created one."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    succeeded: bool
    contract_address: str | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """Signed and ready to send, any number of times. Its hash is known before it is sent."""

    raw_bytes: bytes
    transaction_hash: bytes
    nonce: int
    gas_limit: int
    max_fee_wei: int
    tip_wei: int
    max_blob_fee_wei: int = 0

    @property
    def fees(self) -> Fees:
        """What it pays at most."""
        return Fees(self.max_fee_wei, self.tip_wei, self.max_blob_fee_wei)


def parse_log(rpc: Rpc, method: str, given: object) -> Log:
    """A log object of the node. Raises RpcError."""
    log = rpc.parse_object(method, given)
    topics = log.get("topics")
    if not isinstance(topics, Sequence) or isinstance(topics, str):
        raise rpc.error(method, "a log without topics")
    return Log(
        address=str(to_checksum_address(rpc.parse_data(method, log.get("address")))),
        topics=tuple(rpc.parse_data(method, topic) for topic in topics),
        data=rpc.parse_data(method, log.get("data")),
        block_number=rpc.parse_quantity(method, log.get("blockNumber")),
        block_hash=rpc.parse_data(method, log.get("blockHash")),
        transaction_hash=rpc.parse_data(method, log.get("transactionHash")),
        log_index=rpc.parse_quantity(method, log.get("logIndex")),
    )


def find_receipt(rpc: Rpc, transaction_hash: bytes) -> Receipt | None:
    """The receipt of a transaction, or None while it is in no block. Raises RpcError."""
    method = "eth_getTransactionReceipt"
    given = rpc.call(method, "0x" + transaction_hash.hex())
    if given is None:
        return None
    receipt: Json = rpc.parse_object(method, given)
    logs = receipt.get("logs")
    if not isinstance(logs, Sequence) or isinstance(logs, str):
        raise rpc.error(method, "a receipt without logs")
    created = receipt.get("contractAddress")
    return Receipt(
        transaction_hash=rpc.parse_data(method, receipt.get("transactionHash")),
        block_number=rpc.parse_quantity(method, receipt.get("blockNumber")),
        block_hash=rpc.parse_data(method, receipt.get("blockHash")),
        gas_used=rpc.parse_quantity(method, receipt.get("gasUsed")),
        succeeded=rpc.parse_quantity(method, receipt.get("status")) == 1,
        contract_address=(
            None if created is None else str(to_checksum_address(rpc.parse_data(method, created)))
        ),
        logs=tuple(parse_log(rpc, method, log) for log in logs),
    )


class Sender:
    """One L1 account that sends transactions, one after the other."""

    def __init__(self, rpc: Rpc, account: LocalAccount, wait_s: float = DEFAULT_WAIT_S) -> None:
        self.rpc = rpc
        self.account = account
        self.address: str = account.address
        self.wait_s = wait_s
        self._chain_id: int | None = None
        self._lock = threading.Lock()

    def send(self, to: str | None, data: bytes, value_wei: int = 0) -> Receipt:
        """Prepare, broadcast, wait. `to` None creates a contract.

        Raises Reverted where the node's estimate or the block refuses, InsufficientFunds,
        ReceiptTimeout, TransactionFailed, RpcError.
        """
        with self._lock:  # one nonce at a time
            prepared = self.prepare(to, data, value_wei)
            self.broadcast(prepared)
            return self.wait(prepared.transaction_hash)

    def send_blob(self, to: str, data: bytes, sidecar: Sidecar) -> Receipt:
        """The same for a transaction that carries a blob. Raises KzgUnavailable too."""
        with self._lock:
            prepared = self.prepare(to, data, sidecar=sidecar)
            self.broadcast(prepared)
            return self.wait(prepared.transaction_hash)

    def prepare(
        self,
        to: str | None,
        data: bytes,
        value_wei: int = 0,
        *,
        nonce: int | None = None,
        tip_wei: int = TIP_WEI,
        gas_limit: int | None = None,
        sidecar: Sidecar | None = None,
        replaced: Fees | None = None,
        most: Fees | None = None,
    ) -> PreparedTransaction:
        """Sign a transaction with the node's next nonce and fees, or with those given.

        Where `gas_limit` is None the node runs it first: what reverts there raises Reverted, and
        costs nothing. `sidecar`: the blob that it carries (type 3). `replaced`: the fees of another
        transaction with this nonce, which a node is to drop for this one. `most`: what it may offer
        at most; raises FeesAboveLimit where that is too little.
        """
        if self._chain_id is None:
            self._chain_id = self.rpc.quantity("eth_chainId")
        call: dict[str, object] = {
            "from": self.address,
            "data": "0x" + data.hex(),
            "value": hex(value_wei),
        }
        if to is not None:
            call["to"] = to
        if sidecar is not None:
            call["blobVersionedHashes"] = ["0x" + sidecar.versioned_hash.hex()]
        if gas_limit is None:
            gas_limit = self._estimate(call) * (100 + GAS_MARGIN_PERCENT) // 100
        if nonce is None:
            nonce = self.pending_nonce()
        has_blob = sidecar is not None
        fees = self.prices(has_blob=has_blob).fees(
            tip_wei, has_blob=has_blob, replaced=replaced, most=most
        )
        fields: dict[str, Sequence[AccessListEntry] | bytes | HexStr | int] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": nonce,
            "maxPriorityFeePerGas": fees.tip_wei,
            "maxFeePerGas": fees.max_fee_wei,
            "gas": gas_limit,
            "value": value_wei,
            "data": data,
            "accessList": (),
        }
        if to is not None:
            fields["to"] = HexStr(as_checksummed(to))
        if sidecar is not None:
            fields["type"] = BLOB_TYPE
            fields["maxFeePerBlobGas"] = fees.max_blob_fee_wei
            # eth-account's own types leave this field out.
            fields["blobVersionedHashes"] = [sidecar.versioned_hash]  # type: ignore[list-item]
        signed = self.account.sign_transaction(fields)
        raw = bytes(signed.raw_transaction)
        return PreparedTransaction(
            raw_bytes=raw if sidecar is None else network_form(raw, sidecar),
            transaction_hash=bytes(signed.hash),
            nonce=nonce,
            gas_limit=gas_limit,
            max_fee_wei=fees.max_fee_wei,
            tip_wei=fees.tip_wei,
            max_blob_fee_wei=fees.max_blob_fee_wei,
        )

    def next_nonce(self) -> int:
        """The nonce that no block has used yet; what is pending may have it already."""
        return self.rpc.quantity("eth_getTransactionCount", self.address, "latest")

    def pending_nonce(self) -> int:
        """The nonce after all that the node's pool would put into blocks."""
        return self.rpc.quantity("eth_getTransactionCount", self.address, "pending")

    def prices(self, *, has_blob: bool) -> Prices:
        """What the newest block asks; a blob's gas only where one is to be carried."""
        return Prices(self._base_fee_wei(), self._blob_base_fee_wei() if has_blob else 0)

    def is_outbid(self, fees: Fees) -> bool:
        """Whether the newest block asks more than a transaction with these fees would pay."""
        return self.prices(has_blob=fees.max_blob_fee_wei > 0).are_above(fees)

    def is_known(self, transaction_hash: bytes) -> bool:
        """Whether the node has it, in a block or in its pool. Raises RpcError."""
        found = self.rpc.call("eth_getTransactionByHash", "0x" + transaction_hash.hex())
        return found is not None

    def broadcast(self, prepared: PreparedTransaction) -> None:
        """Hand it to the node. Does nothing where the node has it already.

        Raises InsufficientFunds, RpcError; RpcRefused where another transaction took its nonce.
        """
        try:
            self.rpc.call("eth_sendRawTransaction", "0x" + prepared.raw_bytes.hex())
        except RpcRefused as error:
            if self.is_known(prepared.transaction_hash):
                return
            if "insufficient funds" in error.problem.lower():
                raise InsufficientFunds(self.address, error.problem) from error
            raise

    def wait(self, transaction_hash: bytes, timeout_s: float | None = None) -> Receipt:
        """The receipt, once the transaction is in a block and succeeded there.

        Raises ReceiptTimeout, TransactionFailed, Reverted (with the reason, found by running the
        transaction again on the block before it), RpcError.
        """
        limit_s = self.wait_s if timeout_s is None else timeout_s
        receipt = wait_for_receipt(self.rpc, transaction_hash, limit_s)
        if not receipt.succeeded:
            self._explain(receipt)
        return receipt

    def _estimate(self, call: dict[str, object]) -> int:
        try:
            return self.rpc.quantity("eth_estimateGas", call, "latest")
        except RpcRefused as error:
            if "insufficient funds" in error.problem.lower():
                raise InsufficientFunds(self.address, error.problem) from error
            raise

    def _base_fee_wei(self) -> int:
        method = "eth_getBlockByNumber"
        block = self.rpc.parse_object(method, self.rpc.call(method, "latest", False))
        return self.rpc.parse_quantity(method, block.get("baseFeePerGas"))

    def _blob_base_fee_wei(self) -> int:
        return self.rpc.quantity("eth_blobBaseFee")

    def _explain(self, receipt: Receipt) -> None:
        method = "eth_getTransactionByHash"
        transaction_hash = "0x" + receipt.transaction_hash.hex()
        sent = self.rpc.parse_object(method, self.rpc.call(method, transaction_hash))
        call = {key: sent[name] for key, name in _CALL_FIELDS if sent.get(name) is not None}
        try:
            self.rpc.call("eth_call", call, hex(receipt.block_number - 1))
        except Reverted as error:
            raise error from None
        except RpcRefused:
            pass
        raise TransactionFailed(transaction_hash)


def wait_for_receipt(rpc: Rpc, transaction_hash: bytes, timeout_s: float) -> Receipt:
    """Poll until the transaction is in a block, failed or not. Raises ReceiptTimeout, RpcError."""
    deadline, pause_s = time.monotonic() + timeout_s, POLL_FIRST_S
    while (receipt := find_receipt(rpc, transaction_hash)) is None:
        if time.monotonic() + pause_s > deadline:
            raise ReceiptTimeout("0x" + transaction_hash.hex(), timeout_s)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, POLL_LAST_S)
    return receipt
