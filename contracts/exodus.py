"""The exodus on L1: what was credited to whom so far, and the calls that credit it.

`ExodusReader` only reads; a client is a reader that also sends. Who sends an exit does not matter:
only the owners that its proof names are credited, and they collect with the rollup's `withdraw`.
Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from contracts.abi import load
from contracts.addresses import address_number, address_of, as_checksummed
from contracts.contract_reader import ContractReader
from contracts.rpc import Rpc
from contracts.transactions import Log, Receipt, Sender
from contracts.verifying_key import VerifyingKey, key_from_contract, proof_words
from protocol.channels import Lane
from protocol.exits import AccountExit, ChannelExit, ExitKind, LaneRaise
from protocol.queue import QueueOp
from protocol.units import DAY_S

RAISE_TIME_S = 14 * DAY_S
"""Seconds from the start in which lanes can be raised; channels are settled afterwards."""

ABI = load("exodus")


class ExitStage(IntEnum):
    """How far a channel is."""

    NOT_EXITED = 0
    EXITED = 1
    SETTLED = 2


@dataclass(frozen=True, slots=True)
class ExitedChannel:
    """A channel as its exit proved it. `settled`: both owners have been credited."""

    leaf: ChannelExit
    settled: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount that the exodus made available to its recipient, for an account or a queue op.

    `index`: the account's, or the op's number.
    """

    index: int
    recipient: str
    amount_ntok: int
    block_number: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a channel's two owners were credited."""

    slot: int
    recipient_a: str
    recipient_b: str
    amount_a_ntok: int
    amount_b_ntok: int
    block_number: int


class ExodusReader(ContractReader):
    """Reads of a rollup's exodus. Every method raises RpcError, NoContract; thread-safe."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        super().__init__(rpc, address, ABI)

    def rollup_address(self) -> str:
        """The rollup whose exodus this is."""
        (address,) = self._read("rollup")
        return as_checksummed(cast(str, address))

    def domain(self) -> int:
        """The domain that raised vouchers must be signed for: the rollup's."""
        return self._number("domain")

    def verifying_key(self) -> VerifyingKey:
        """The key that every exit is checked with."""
        (fields,) = self._read("verifying_key")
        alpha, beta, gamma, delta, ic = cast(
            tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int], list[list[int]]],
            fields,
        )
        return key_from_contract(alpha, beta, gamma, delta, ic)

    def start_time(self, block: int | None = None) -> int | None:
        """When the exodus started, seconds; None before."""
        return self._number("start", block=block) or None

    def raise_deadline(self, block: int | None = None) -> int | None:
        """The first second that is too late for a raise, and early enough to settle; None before
        the start."""
        start = self.start_time(block)
        return None if start is None else start + RAISE_TIME_S

    def is_exited(self, kind: ExitKind, index: int, block: int | None = None) -> bool:
        """Whether the account at `index` was credited, or the channel in slot `index` noted.

        Raises ValueError for ExitKind.RAISE, which is no exit.
        """
        match kind:
            case ExitKind.ACCOUNT:
                (exited,) = self._read("account_exited", index, block=block)
                return cast(bool, exited)
            case ExitKind.CHANNEL:
                return self.channel(index, block) is not None
            case _:
                raise ValueError("a raise is no exit: see `raised`")

    def is_refunded(self, number: int, block: int | None = None) -> bool:
        """Whether the deposit in op `number` was credited to its payer."""
        (refunded,) = self._read("refunded", number, block=block)
        return cast(bool, refunded)

    def channel(self, slot: int, block: int | None = None) -> ExitedChannel | None:
        """What is noted of a channel; None before its exit."""
        (fields,) = self._read("channel_exit", slot, block=block)
        stage, (deposit_a, deposit_b, paid_ab, paid_ba, owner_a, owner_b) = cast(
            tuple[int, tuple[int, int, int, int, str, str]], fields
        )
        if stage == ExitStage.NOT_EXITED:
            return None
        owners = address_number(owner_a), address_number(owner_b)
        leaf = ChannelExit(slot, deposit_a, deposit_b, paid_ab, paid_ba, *owners)
        return ExitedChannel(leaf, settled=stage == ExitStage.SETTLED)

    def raised(self, slot: int, lane: Lane, block: int | None = None) -> int:
        """What the highest voucher proved in a lane promises, ntok; 0 where none was."""
        return self._number("raised", slot, int(lane), block=block)

    def account_credits(
        self, from_block: int = 0, to_block: int | None = None, recipient: str | None = None
    ) -> Iterator[Credit]:
        """Every account that left in these blocks, of all or of one owner."""
        return self._credits("AccountExited", "index", from_block, to_block, recipient)

    def refunds(
        self, from_block: int = 0, to_block: int | None = None, recipient: str | None = None
    ) -> Iterator[Credit]:
        """Every deposit that was credited to its payer in these blocks, of all or of one payer."""
        return self._credits("OpRefunded", "number", from_block, to_block, recipient)

    def channel_exits(
        self, from_block: int = 0, to_block: int | None = None
    ) -> Iterator[ChannelExit]:
        """Every channel that was noted in these blocks."""
        for log in self.logs("ChannelExited", from_block, to_block):
            fields = self._fields("ChannelExited", log)
            yield ChannelExit(
                slot=cast(int, fields["slot"]),
                deposit_a_ntok=cast(int, fields["deposit_a"]),
                deposit_b_ntok=cast(int, fields["deposit_b"]),
                paid_ab_ntok=cast(int, fields["paid_ab"]),
                paid_ba_ntok=cast(int, fields["paid_ba"]),
                l1_address_a=address_number(cast(str, fields["l1_address_a"])),
                l1_address_b=address_number(cast(str, fields["l1_address_b"])),
            )

    def raises(
        self, from_block: int = 0, to_block: int | None = None, slot: int | None = None
    ) -> Iterator[LaneRaise]:
        """Every raise accepted in these blocks, of all channels or of one."""
        topics = [] if slot is None else [[slot.to_bytes(32, "big")]]
        for log in self.logs("LaneRaised", from_block, to_block, topics):
            fields = self._fields("LaneRaised", log)
            yield LaneRaise(
                slot=cast(int, fields["slot"]),
                lane=Lane(cast(int, fields["lane"])),
                paid_ntok=cast(int, fields["paid"]),
            )

    def settlements(self, from_block: int = 0, to_block: int | None = None) -> Iterator[Settlement]:
        """Every channel that was settled in these blocks."""
        for log in self.logs("ChannelSettled", from_block, to_block):
            fields = self._fields("ChannelSettled", log)
            yield Settlement(
                slot=cast(int, fields["slot"]),
                recipient_a=as_checksummed(cast(str, fields["l1_address_a"])),
                recipient_b=as_checksummed(cast(str, fields["l1_address_b"])),
                amount_a_ntok=cast(int, fields["amount_a_ntok"]),
                amount_b_ntok=cast(int, fields["amount_b_ntok"]),
                block_number=log.block_number,
            )

    def _credits(
        self, event: str, index: str, from_block: int, to_block: int | None, recipient: str | None
    ) -> Iterator[Credit]:
        topics = [] if recipient is None else [[address_number(recipient).to_bytes(32, "big")]]
        for log in self.logs(event, from_block, to_block, topics):
            fields = self._fields(event, log)
            yield Credit(
                index=cast(int, fields[index]),
                recipient=as_checksummed(cast(str, fields["recipient"])),
                amount_ntok=cast(int, fields["amount_ntok"]),
                block_number=log.block_number,
            )

    def _fields(self, event: str, log: Log) -> dict[str, object]:
        return self._decoded(ABI.events[event], log)


class ExodusClient(ExodusReader):
    """A reader that also sends. Every sending method raises ExodusNotStarted, and as Sender.send.

    The proof is A, B, C in EIP-2537 form, 512 bytes; sending it raises MalformedKey where it has
    another length, ProofInfinity, PrecompileRefused, ProofRejected.
    """

    def __init__(self, sender: Sender, address: str) -> None:
        super().__init__(sender.rpc, address)
        self.sender = sender

    def exit_account(self, leaf: AccountExit, proof: bytes) -> Receipt:
        """Credit an account's balance to its owner. Raises AlreadyExited, as above."""
        return self._send(exit_account_call(leaf, proof))

    def exit_channel(self, leaf: ChannelExit, proof: bytes) -> Receipt:
        """Note a channel's leaf, for `settle` to share out. Raises AlreadyExited, as above."""
        return self._send(exit_channel_call(leaf, proof))

    def raise_lane(self, voucher: LaneRaise, proof: bytes) -> Receipt:
        """Put a lane to what a voucher promises. Raises RaiseNotHigher, RaiseTooLate, as above."""
        return self._send(raise_lane_call(voucher, proof))

    def settle(self, slot: int) -> Receipt:
        """Credit a channel's deposits to its owners.

        Raises SettleTooEarly, ChannelNotExited, AlreadySettled, ExodusNotStarted.
        """
        return self._send(settle_call(slot))

    def refund(self, op: QueueOp) -> Receipt:
        """Credit a deposit that no batch took in to its payer.

        Raises OpProcessed, QueueMismatch, OpHoldsNothing, AlreadyRefunded, ExodusNotStarted.
        """
        return self._send(refund_call(op))

    def _send(self, calldata: bytes) -> Receipt:
        return self.sender.send(self.address, calldata)


def exit_account_call(leaf: AccountExit, proof: bytes) -> bytes:
    """Calldata of an account's exit. Raises MalformedKey."""
    function = ABI.functions["exit_account"]
    owner = address_of(leaf.l1_address)
    return function.encode_call(leaf.index, owner, leaf.balance_ntok, proof_words(proof))


def exit_channel_call(leaf: ChannelExit, proof: bytes) -> bytes:
    """Calldata of a channel's exit. Raises MalformedKey."""
    fields = (
        leaf.deposit_a_ntok,
        leaf.deposit_b_ntok,
        leaf.paid_ab_ntok,
        leaf.paid_ba_ntok,
        address_of(leaf.l1_address_a),
        address_of(leaf.l1_address_b),
    )
    return ABI.functions["exit_channel"].encode_call(leaf.slot, fields, proof_words(proof))


def raise_lane_call(voucher: LaneRaise, proof: bytes) -> bytes:
    """Calldata of a raise. Raises MalformedKey."""
    function = ABI.functions["raise_lane"]
    paid_ntok = voucher.paid_ntok
    return function.encode_call(voucher.slot, int(voucher.lane), paid_ntok, proof_words(proof))


def settle_call(slot: int) -> bytes:
    """Calldata of a settlement."""
    return ABI.functions["settle"].encode_call(slot)


def refund_call(op: QueueOp) -> bytes:
    """Calldata of a refund."""
    entry = (op.elements(), address_of(op.payer))
    return ABI.functions["refund"].encode_call(op.number, entry)
