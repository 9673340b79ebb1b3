"""Every way in which protocol data can be wrong, one class each, with the data that made it so."""

from __future__ import annotations

from dataclasses import dataclass


class ProtocolError(Exception):
    """Base of all errors that the shared rules raise."""


@dataclass
class OutOfRange(ProtocolError):
    """An integer does not fit the bits that its field has."""

    field: str
    given: object
    bits: int

    def __str__(self) -> str:
        return f"{self.field} = {self.given!r} is not an integer in 0 .. 2^{self.bits} - 1"


@dataclass
class Malformed(ProtocolError):
    """A message has a missing, unknown or badly typed field."""

    what: str

    def __str__(self) -> str:
        return self.what


class InvalidSignature(ProtocolError):
    """Base: a signature does not authorise what it came with."""


@dataclass
class BadSignature(InvalidSignature):
    """The Schnorr equation, a curve check or the range of s fails."""

    who: str

    def __str__(self) -> str:
        return f"the signature of {self.who} does not verify over this message"


@dataclass
class WrongKey(InvalidSignature):
    """The signature's public key is not the one that the state has for its signer."""

    who: str

    def __str__(self) -> str:
        return f"the signature of {self.who} was made with a key that the state does not have"


class InvalidTransaction(ProtocolError):
    """Base: a well-formed transaction that the present state does not allow."""


@dataclass
class UnknownAccount(InvalidTransaction):
    """No account has this index."""

    index: int

    def __str__(self) -> str:
        return f"account {self.index} does not exist"


@dataclass
class UnknownChannel(InvalidTransaction):
    """No channel leaf has this id or slot."""

    channel: str

    def __str__(self) -> str:
        return f"channel {self.channel} does not exist or is already closed"


@dataclass
class SlotTaken(InvalidTransaction):
    """OPEN was placed on a channel slot that is in use."""

    slot: int

    def __str__(self) -> str:
        return f"channel slot {self.slot} is taken"


@dataclass
class NoFreeSlot(InvalidTransaction):
    """Every channel slot is in use."""

    slots: int

    def __str__(self) -> str:
        return f"all {self.slots} channel slots are in use; try again after a channel has closed"


@dataclass
class SameParty(InvalidTransaction):
    """Both sides of a transfer or channel are the same account."""

    index: int

    def __str__(self) -> str:
        return f"account {self.index} cannot be both sides"


@dataclass
class WrongNonce(InvalidTransaction):
    """The signed nonce is not the account's."""

    index: int
    expected: int
    given: int

    def __str__(self) -> str:
        return f"account {self.index} is at nonce {self.expected}, the message says {self.given}"


@dataclass
class NonceExhausted(InvalidTransaction):
    """The account's nonce is at its last value, 2^32 - 1."""

    index: int

    def __str__(self) -> str:
        return f"account {self.index} has used all of its nonces; leave by a forced exit"


@dataclass
class Expired(InvalidTransaction):
    """The batch's L1 time is past valid_until."""

    valid_until: int
    l1_time: int

    def __str__(self) -> str:
        return f"valid until {self.valid_until}, but L1 time is {self.l1_time}"


@dataclass
class InsufficientBalance(InvalidTransaction):
    """The account has less than amount plus fee."""

    index: int
    balance_ntok: int
    needed_ntok: int

    def __str__(self) -> str:
        return f"account {self.index} has {self.balance_ntok} ntok, needs {self.needed_ntok}"


@dataclass
class BalanceOverflow(InvalidTransaction):
    """A balance, deposit or energy total would leave its field's range."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} would no longer fit its field"


@dataclass
class WindowOutOfRange(InvalidTransaction):
    """A channel's challenge window is not between 1 and 30 days."""

    window_s: int

    def __str__(self) -> str:
        return f"window of {self.window_s} s is not between 86400 (1 day) and 2592000 (30 days)"


@dataclass
class ChannelNotOpen(InvalidTransaction):
    """The channel is closing; only claims, a co-signed close or its end are possible."""

    slot: int

    def __str__(self) -> str:
        return f"channel slot {self.slot} is closing"


@dataclass
class ChannelNotClosing(InvalidTransaction):
    """FINALIZE of a channel that nobody started to close."""

    slot: int

    def __str__(self) -> str:
        return f"channel slot {self.slot} is open; START_CLOSE comes first"


@dataclass
class DeadlineNotReached(InvalidTransaction):
    """FINALIZE before the challenge window is over and the L1 queue covered."""

    deadline: int
    queue_covered: int

    def __str__(self) -> str:
        return f"deadline {self.deadline} is after {self.queue_covered}, up to which L1 is covered"


@dataclass
class LaneNotHigher(InvalidTransaction):
    """A claimed or closing lane value does not exceed (or reach) the leaf's."""

    lane: int
    leaf_lane: int
    given_lane: int

    def __str__(self) -> str:
        at = f"lane {self.lane} stands at {self.leaf_lane}"
        return f"{at}; {self.given_lane} is not higher"


@dataclass
class DepositsDiffer(InvalidTransaction):
    """A CLOSE was signed over other deposits than the leaf's."""

    slot: int

    def __str__(self) -> str:
        return f"the deposits signed for closing slot {self.slot} are not the channel's"


@dataclass
class NoOperatorAccount(InvalidTransaction):
    """Fees were collected, but the operator's account does not exist."""

    index: int

    def __str__(self) -> str:
        return f"fees are due to operator account {self.index}, which does not exist"


@dataclass
class BatchTooLarge(ProtocolError):
    """More queue ops or transactions than the circuit has slots."""

    what: str
    given: int
    slots: int

    def __str__(self) -> str:
        return f"{self.given} {self.what} do not fit {self.slots} slots"


@dataclass
class OutsideWindows(ProtocolError):
    """A leaf that a proof cannot reach any more: the transaction belongs to the next proof."""

    what: str
    index: int

    def __str__(self) -> str:
        return (
            f"{self.what} {self.index} lies outside this proof's windows: "
            "put the transaction into the next proof"
        )


@dataclass
class OpAfterTransactions(ProtocolError):
    """A proof's queue slots come before its user slots."""

    number: int

    def __str__(self) -> str:
        return f"queue op {self.number} comes after a transaction: consume queue ops first"


@dataclass
class InclusionsDiffer(ProtocolError):
    """What shall prove an exit together is not of one channel in one root."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class MalformedBlob(ProtocolError):
    """No blob, or one that holds more than a batch's data."""

    what: str

    def __str__(self) -> str:
        return f"the blob is not a batch's: {self.what}"


@dataclass
class ReplayMismatch(ProtocolError):
    """Data from L1 does not lead from the old root to the new one."""

    what: str

    def __str__(self) -> str:
        return self.what
