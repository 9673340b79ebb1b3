"""Everything that L1 can answer instead of success, one class each.

The contract reverts with a reason that is the name of one of the `Reverted` classes below; a test
holds the two lists together. Ref: contracts/*.vy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from contracts.l1_errors import (
    FeesAboveLimit,
    InsufficientFunds,
    L1Error,
    NoContract,
    NotFinalYet,
    ReceiptTimeout,
    RpcError,
    RpcRefused,
    TransactionFailed,
    UndecodableBatch,
    WrongCode,
)

__all__ = [  # what is not defined here; all that is can be imported as well
    "FeesAboveLimit",
    "InsufficientFunds",
    "L1Error",
    "NoContract",
    "NotFinalYet",
    "ReceiptTimeout",
    "RpcError",
    "RpcRefused",
    "TransactionFailed",
    "UndecodableBatch",
    "WrongCode",
]


@dataclass
class Reverted(L1Error):
    """Base: the contract refused. `reason` is what it said, the class docstring what it means."""

    reason: str

    KNOWN: ClassVar[dict[str, type[Reverted]]] = {}

    def __init_subclass__(cls) -> None:
        Reverted.KNOWN[cls.__name__] = cls

    def __str__(self) -> str:
        return f"the contract refused ({self.reason}): {self.__doc__}"


class MalformedCalldata(Reverted):
    """A value lies outside its ABI type, a list is too long, or a callee gave no reason."""


class OtherRevert(Reverted):
    """A reason of another contract, such as the token's."""


class BadSlotCount(Reverted):
    """Deployment: Q is not in 1 .. 8 or N not in 1 .. 32."""


class BadDecimals(Reverted):
    """Deployment: the token has more than 36 decimals."""


class KeyInfinity(Reverted):
    """Deployment: a point of the verifying key is at infinity."""


class KeyGammaIsDelta(Reverted):
    """Deployment: the verifying key has gamma = delta or its negative."""


class PrecompileRefused(Reverted):
    """A point is malformed, off the curve or off its subgroup; or the chain has no EIP-2537."""


class ProofInfinity(Reverted):
    """A point of the proof is at infinity."""


class ProofRejected(Reverted):
    """The pairing equation does not hold for these public inputs."""


class AccountsFull(Reverted):
    """All 2^24 accounts are taken."""


class KeyHashTooLarge(Reverted):
    """key_hash is not below r."""


class OwnerZero(Reverted):
    """The owner of an account cannot be the zero address."""


class UnknownAccount(Reverted):
    """No account has this index."""


class OwnerMismatch(Reverted):
    """The account belongs to another L1 address than the one named."""


class AmountZero(Reverted):
    """No token has arrived."""


class NotWholeNtok(Reverted):
    """What has arrived is no whole number of nano-tokens."""


class TooMuchDeposited(Reverted):
    """All that is deposited and not yet withdrawn would reach 2^64 ntok."""


class TokenRefused(Reverted):
    """The token answered false."""


class BadQueueFee(Reverted):
    """Deployment: the queue's fee would begin above 10^16 wei."""


class FeeTooLow(Reverted):
    """A queue op costs more ether than was sent along: see queue_fee_wei."""


class ChangeRefused(Reverted):
    """More ether than the fee was sent, and the sender is a contract that takes none back."""


class EpochTooLarge(Reverted):
    """A channel's epoch is not below 2^32."""


class LaneValueTooLarge(Reverted):
    """A lane value is not below 2^96."""


class ElementTooLarge(Reverted):
    """A part of a signature is not below r."""


class NotOwner(Reverted):
    """Only the owner does this."""


class NotPendingOwner(Reverted):
    """The ownership was not offered to the sender."""


class Paused(Reverted):
    """The owner has paused deposits and batches, for at most three days."""


class NotPaused(Reverted):
    """There is no pause to end."""


class PauseTooSoon(Reverted):
    """The last pause ended less than thirty days ago, or has not ended."""


class NoOperatorAnnounced(Reverted):
    """No other operator was announced."""


class OperatorTooSoon(Reverted):
    """Another operator takes over 45 days after it was announced, not before."""


class AlreadyAnnounced(Reverted):
    """The end was announced before, for good."""


class SunsetReached(Reverted):
    """The rollup comes to its announced end: it takes no money any more, and pays out as ever."""


class ExodusStarted(Reverted):
    """The rollup has ended: no batch and no queue op is taken any more, only exits."""


class TooEarlyForExodus(Reverted):
    """No queue op has waited for more than seven days, and no announced end has come."""


class NotExodus(Reverted):
    """Only the exodus contract credits exits."""


class NotOperator(Reverted):
    """Only the operator submits batches while the oldest queue op is at most three days old."""


class NotDirect(Reverted):
    """A batch is submitted by a transaction's own call from an account without code: everyone
    must find its data in that transaction."""


class BadCalldata(Reverted):
    """An array of submit_batch does not stand where the ABI's encoder puts it, or is cut off."""


class TimeWentBack(Reverted):
    """l1_time is below the last batch's."""


class TimeInFuture(Reverted):
    """l1_time is after the block's timestamp."""


class TimeTooOld(Reverted):
    """l1_time is more than 7,200 s before the block's timestamp."""


class StaleRoot(Reverted):
    """old_root is not the stored root: another batch came first, or this one was built on none."""


class BrokenChain(Reverted):
    """A proof's old_root is not the new_root of the proof before it."""


class NoProof(Reverted):
    """A batch has at least one proof."""


class TooManyProofs(Reverted):
    """The proofs have more queue slots than the 32 ops that a batch has room for."""


class BadDataLength(Reverted):
    """There are not exactly S = 1 + N data elements a proof."""


class TooManyOps(Reverted):
    """More queue ops than the proofs have queue slots."""


class QueueMismatch(Reverted):
    """The ops are not the oldest unprocessed ones of the queue, in order."""


class OpNotDue(Reverted):
    """An op was enqueued after l1_time."""


class OpSkipped(Reverted):
    """A queue slot is empty although an op was enqueued by l1_time."""


class BadWithdrawalPosition(Reverted):
    """Positions do not increase, or one is no output of a used queue slot or of a user slot."""


class WithdrawalZero(Reverted):
    """A withdrawal of amount 0 was listed."""


class InputTooLarge(Reverted):
    """A public input is not below r."""


class DataTooLarge(Reverted):
    """A data element is not below r."""


class MessagesMismatch(Reverted):
    """y_msg is not what the queue and the listed withdrawals give at z."""


class DataMismatch(Reverted):
    """y_data is not what the data give at z."""


class NotOneBlob(Reverted):
    """The transaction does not carry exactly one blob, as one whose data are in a blob must."""


class BlobMismatch(Reverted):
    """The blob is not what the proofs say at z, or the chain cannot check it."""


class NothingToWithdraw(Reverted):
    """Not even one base unit of the token is pending."""


class ExodusNotStarted(Reverted):
    """The exodus has not started: everything goes its usual way."""


class IndexTooLarge(Reverted):
    """An account's index or a channel's slot is not below 2^24."""


class LaneTooLarge(Reverted):
    """A lane is 0 (A pays B) or 1 (B pays A)."""


class ExitAmountTooLarge(Reverted):
    """A balance or deposit is not below 2^64 ntok, or what a lane paid not below 2^56."""


class AlreadyExited(Reverted):
    """This account's balance was credited before, or this channel's leaf noted."""


class RaiseTooLate(Reverted):
    """Lanes are raised within 14 days of the exodus's start, and never after."""


class RaiseNotHigher(Reverted):
    """As high a voucher of this lane was proved before: nothing is lost by leaving it at that."""


class SettleTooEarly(Reverted):
    """Channels are settled from 14 days after the exodus's start, when no lane rises any more."""


class ChannelNotExited(Reverted):
    """A channel is settled after its exit: prove its leaf first."""


class AlreadySettled(Reverted):
    """This channel's owners were credited before."""


class OpProcessed(Reverted):
    """A batch took this op in: what it brought is in an account."""


class OpHoldsNothing(Reverted):
    """Only a new account and a deposit bring money; other ops left in the queue are void."""


class AlreadyRefunded(Reverted):
    """This op's amount was credited to its payer before."""


def reverted(reason: str | None) -> Reverted:
    """The typed error for a revert reason; None or "" is a revert without one."""
    if not reason:
        return MalformedCalldata("no reason given")
    return Reverted.KNOWN.get(reason, OtherRevert)(reason)
