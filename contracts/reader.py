"""Everything that L1 knows of a rollup, read from L1 alone: a URL and an address are enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from contracts.abi import load
from contracts.addresses import address_number
from contracts.batches import AcceptedBatch, submission_from_calldata
from contracts.blob_sources import BeaconBlobs, BlobSources, WantedBlob
from contracts.contract_reader import ContractReader
from contracts.erc20 import TokenReader
from contracts.errors import NoContract, UndecodableBatch
from contracts.exodus import ExodusReader
from contracts.finality import FINALIZED, BlockRef, Finality, final_block, find_block
from contracts.queue_ops import queue_op_from
from contracts.rpc import DEFAULT_TIMEOUT_S, Rpc
from contracts.transactions import Log
from contracts.verifying_key import VerifyingKey, key_from_contract
from protocol.batch import Shape
from protocol.errors import MalformedBlob
from protocol.queue import QueueOp

ABI = load("rollup")


@dataclass(frozen=True, slots=True)
class RollupSettings:
    """What was fixed at deployment. One of the two token scales is 1."""

    token: str
    shape: Shape
    domain: int
    base_units_per_ntok: int
    ntok_per_base_unit: int
    exodus: str

    def base_units(self, amount_ntok: int) -> int:
        """The token's base units of an amount. Raises ValueError where they are not whole."""
        units, rest = divmod(amount_ntok * self.base_units_per_ntok, self.ntok_per_base_unit)
        if rest:
            raise ValueError(
                f"{amount_ntok} ntok is no whole number of the token's base units "
                f"({self.ntok_per_base_unit} ntok each)"
            )
        return units

    def ntok(self, base_units: int) -> int:
        """Whole ntok in an amount of base units, rounded down."""
        return base_units * self.ntok_per_base_unit // self.base_units_per_ntok


@dataclass(frozen=True, slots=True)
class Progress:
    """The last batch's l1_time (seconds), number of the last op processed, batches accepted."""

    l1_time: int
    processed: int
    batches: int


@dataclass(frozen=True, slots=True)
class Powers:
    """Who may do what from when. Times in seconds; 0, or no address, where there is nothing.

    `next_operator` may take over at `next_operator_from`; the last pause ends, or ended, at
    `pause_end`; the end was announced at `sunset`.
    """

    owner: str | None
    pending_owner: str | None
    operator: str
    next_operator: str | None
    next_operator_from: int
    pause_end: int
    sunset: int


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """An op's rolling hash and its enqueue time in seconds."""

    rolling_hash: bytes
    enqueue_time: int


@dataclass(frozen=True, slots=True)
class PendingWithdrawal:
    """An amount that a batch made available to its recipient."""

    recipient: str
    batch_number: int
    position: int
    amount_ntok: int
    block_number: int


@dataclass(frozen=True, slots=True)
class PaidWithdrawal:
    """An amount that `withdraw` paid out."""

    recipient: str
    amount_ntok: int
    amount_base_units: int
    block_number: int


class RollupReader(ContractReader):
    """Reads of one deployed rollup. Every method raises RpcError; thread-safe."""

    def __init__(
        self,
        url: str,
        address: str,
        *,
        finality: Finality = FINALIZED,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        blobs: BlobSources | None = None,
    ) -> None:
        """`blobs`: where batches' blobs are looked for; None: only at the L1 node's own URL."""
        super().__init__(Rpc(url, timeout_s), address, ABI)
        self.finality = finality
        self.blobs = blobs or BlobSources((BeaconBlobs(url, timeout_s),))
        self._settings: RollupSettings | None = None

    def chain_id(self) -> int:
        """The chain that the node is on."""
        return self.rpc.quantity("eth_chainId")

    def settings(self) -> RollupSettings:
        """What was fixed at deployment; asked for once. Raises NoContract."""
        if self._settings is None:
            if not self.rpc.data("eth_getCode", self.address, "latest"):
                raise NoContract(self.rpc.shown_url, self.address)
            (fields,) = self._read("settings")
            token, queue_slots, user_slots, domain, units, ntok, exodus = cast(
                tuple[str, int, int, int, int, int, str], fields
            )
            shape = Shape(queue_slots, user_slots)
            self._settings = RollupSettings(
                token=TokenReader.checked_address(token),
                shape=shape,
                domain=domain,
                base_units_per_ntok=units,
                ntok_per_base_unit=ntok,
                exodus=TokenReader.checked_address(exodus),
            )
        return self._settings

    def verifying_key(self) -> VerifyingKey:
        """The key that every batch is checked with."""
        (fields,) = self._read("verifying_key")
        alpha, beta, gamma, delta, ic = cast(
            tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int], list[list[int]]],
            fields,
        )
        return key_from_contract(alpha, beta, gamma, delta, ic)

    def state_root(self, block: int | None = None) -> int:
        """The root after a block; of the latest where None."""
        return self._number("state_root", block=block)

    def progress(self, block: int | None = None) -> Progress:
        """How far the rollup is."""
        (fields,) = self._read("progress", block=block)
        return Progress(*cast(tuple[int, int, int], fields))

    def powers(self, block: int | None = None) -> Powers:
        """Who governs, and what was announced."""
        (fields,) = self._read("powers", block=block)
        owner, pending, operator, following, start, pause_end, sunset = cast(
            tuple[str, str, str, str, int, int, int], fields
        )
        return Powers(
            owner=_somebody(owner),
            pending_owner=_somebody(pending),
            operator=TokenReader.checked_address(operator),
            next_operator=_somebody(following),
            next_operator_from=start,
            pause_end=pause_end,
            sunset=sunset,
        )

    def account_count(self, block: int | None = None) -> int:
        """How many accounts there are; the index that the next one gets."""
        return self._number("account_count", block=block)

    def account_owner(self, index: int, block: int | None = None) -> str | None:
        """An account's l1_address, or None where there is no such account."""
        (owner,) = self._read("account_owner", index, block=block)
        return _somebody(cast(str, owner))

    def pending_ntok(self, recipient: str, block: int | None = None) -> int:
        """What `withdraw` could pay to this address."""
        return self._number("pending_ntok", recipient, block=block)

    def held_ntok(self, block: int | None = None) -> int:
        """All that is deposited and not yet paid out."""
        return self._number("held_ntok", block=block)

    def enqueued(self, block: int | None = None) -> int:
        """The number of the newest queue op."""
        return self._number("enqueued", block=block)

    def queue_fee_wei(self, block: int | None = None) -> int:
        """What the next queue op costs in ether; it doubles with every 1,000 that wait."""
        return self._number("queue_fee_wei", block=block)

    def exodus_start(self, block: int | None = None) -> int:
        """When the exodus started, seconds; 0 before."""
        return self._number("exodus_start", block=block)

    def queue_record(self, number: int, block: int | None = None) -> QueueRecord:
        """The rolling hash and time of op `number`; both 0 where it does not exist."""
        (fields,) = self._read("queue_record", number, block=block)
        return QueueRecord(*cast(tuple[bytes, int], fields))

    def token(self) -> TokenReader:
        """The settlement token."""
        return TokenReader(self.rpc, self.settings().token)

    def exodus(self) -> ExodusReader:
        """The contract that everyone leaves through, if it comes to that."""
        return ExodusReader(self.rpc, self.settings().exodus)

    def latest_block(self) -> BlockRef:
        """The newest block."""
        block = find_block(self.rpc, "latest")
        if block is None:
            raise self.rpc.error("eth_getBlockByNumber", "no latest block")
        return block

    def final_block(self) -> BlockRef:
        """The newest block that the finality policy calls final. Raises NotFinalYet."""
        return final_block(self.rpc, self.finality)

    def block(self, number: int) -> BlockRef | None:
        """A block by number, to find out whether it is still the one that was seen."""
        return find_block(self.rpc, number)

    def queue_ops(self, from_block: int = 0, to_block: int | None = None) -> Iterator[QueueOp]:
        """Every op enqueued in these blocks (both included), in order."""
        for log in self.logs("OpEnqueued", from_block, to_block):
            yield self._queue_op(log)

    def queue_ops_by_number(
        self, first: int, last: int, from_block: int = 0, to_block: int | None = None
    ) -> tuple[QueueOp, ...]:
        """Ops `first` to `last`, both included: only those found in these blocks."""
        wanted = [[n.to_bytes(32, "big") for n in range(first, last + 1)]]
        if not wanted[0]:
            return ()
        logs = self.logs("OpEnqueued", from_block, to_block, wanted)
        return tuple(self._queue_op(log) for log in logs)

    def batches(self, from_block: int = 0, to_block: int | None = None) -> Iterator[AcceptedBatch]:
        """Every batch accepted in these blocks, in order, from its transaction and its blob.

        Raises UndecodableBatch where a batch was not submitted by a direct call, BlobUnavailable.
        """
        for log in self.logs("BatchAccepted", from_block, to_block):
            yield self._batch(log)

    def batch(self, number: int, from_block: int = 0) -> AcceptedBatch | None:
        """One batch by its number, or None where there is none (yet). Raises as `batches`."""
        topics = [[number.to_bytes(32, "big")]]
        for log in self.logs("BatchAccepted", from_block, None, topics):
            return self._batch(log)
        return None

    def pending_withdrawals(
        self, from_block: int = 0, to_block: int | None = None, recipient: str | None = None
    ) -> Iterator[PendingWithdrawal]:
        """Every amount that batches made available, to all or to one recipient."""
        topics = [] if recipient is None else [[address_number(recipient).to_bytes(32, "big")]]
        for log in self.logs("WithdrawalPending", from_block, to_block, topics):
            fields = self._decoded(ABI.events["WithdrawalPending"], log)
            yield PendingWithdrawal(
                recipient=TokenReader.checked_address(cast(str, fields["recipient"])),
                batch_number=cast(int, fields["batch_number"]),
                position=cast(int, fields["position"]),
                amount_ntok=cast(int, fields["amount_ntok"]),
                block_number=log.block_number,
            )

    def paid_withdrawals(
        self, from_block: int = 0, to_block: int | None = None, recipient: str | None = None
    ) -> Iterator[PaidWithdrawal]:
        """Every amount that `withdraw` paid out, to all or to one recipient."""
        topics = [] if recipient is None else [[address_number(recipient).to_bytes(32, "big")]]
        for log in self.logs("Withdrawn", from_block, to_block, topics):
            fields = self._decoded(ABI.events["Withdrawn"], log)
            yield PaidWithdrawal(
                recipient=TokenReader.checked_address(cast(str, fields["recipient"])),
                amount_ntok=cast(int, fields["amount_ntok"]),
                amount_base_units=cast(int, fields["amount_base_units"]),
                block_number=log.block_number,
            )

    def wanted_blobs(
        self, from_block: int = 0, to_block: int | None = None
    ) -> Iterator[WantedBlob]:
        """The blobs of all batches accepted in these blocks, in order; none is fetched.

        Raises UndecodableBatch.
        """
        for log in self.logs("BatchAccepted", from_block, to_block):
            wanted = self._wanted(self._call_of(log))
            if wanted is not None:
                yield wanted

    def _batch(self, log: Log) -> AcceptedBatch:
        batch = self._call_of(log)
        wanted = self._wanted(batch)
        if wanted is None:
            return batch
        try:
            submission = batch.submission.with_blob(self.blobs.find(wanted), self.settings().shape)
        except MalformedBlob as error:
            raise UndecodableBatch(batch.number, "0x" + log.transaction_hash.hex()) from error
        return replace(batch, submission=submission)

    def _wanted(self, batch: AcceptedBatch) -> WantedBlob | None:
        """The blob that holds a batch's data; None where they are in calldata."""
        named = batch.submission.versioned_hash
        if named is None:
            return None
        block = self.block(batch.block_number)
        if block is None:
            raise self.rpc.error("eth_getBlockByNumber", f"no block {batch.block_number}")
        return WantedBlob(named, batch.number, block.number, block.timestamp)

    def _call_of(self, log: Log) -> AcceptedBatch:
        """The batch as its transaction has it: without its data where they are in a blob."""
        fields = self._decoded(ABI.events["BatchAccepted"], log)
        number, processed = cast(int, fields["number"]), cast(int, fields["processed"])
        method, transaction_hash = "eth_getTransactionByHash", "0x" + log.transaction_hash.hex()
        sent = self.rpc.parse_object(method, self.rpc.call(method, transaction_hash))
        calldata = self.rpc.parse_data(method, sent.get("input"))
        submission = None
        if str(sent.get("to")).lower() == self.address.lower():
            submission = submission_from_calldata(calldata, processed)
        if (
            submission is None
            or len(submission.proofs) != fields["proofs"]
            or submission.new_root != fields["new_root"]
        ):
            raise UndecodableBatch(number, transaction_hash)
        return AcceptedBatch(
            number=number,
            submission=submission,
            queue_covered=cast(int, fields["queue_covered"]),
            processed=processed,
            block_number=log.block_number,
            block_hash=log.block_hash,
            transaction_hash=log.transaction_hash,
        )

    def _queue_op(self, log: Log) -> QueueOp:
        fields = self._decoded(ABI.events["OpEnqueued"], log)
        op = queue_op_from(
            cast(int, fields["number"]),
            cast(Sequence[int], fields["elements"]),
            int(cast(str, fields["payer"]), 16),
        )
        if op is None:
            raise self.rpc.error("eth_getLogs", "a queue op of an unknown kind")
        return op


def _somebody(given: str) -> str | None:
    address = TokenReader.checked_address(given)
    return address if address_number(address) else None
