"""Sequencer and L1 do not give what a node needs."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class SequencerError(ChannelsError):
    """Base: the sequencer does not do what a node needs."""


@dataclass
class SequencerUnreachable(SequencerError):
    """No answer within the time allowed, retries included."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the sequencer at {self.url} does not answer ({self.reason})"


@dataclass
class SequencerRefused(SequencerError):
    """A problem answer: `reason_code` names it as the protocol's error classes do."""

    status: int
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"the sequencer refused ({self.status} {self.reason_code}): {self.detail}"


@dataclass
class SequencerGarbage(SequencerError):
    """An answer that is not what the interface promises."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the sequencer's answer from {self.url} makes no sense: {self.reason}"


@dataclass
class UnverifiedAnswer(SequencerError):
    """A leaf whose Merkle path does not lead to the root that L1 holds final."""

    what: str
    expected_root: int
    given_root: int

    def __str__(self) -> str:
        return (
            f"{self.what}: its path leads to {self.given_root:#x}, "
            f"L1 holds {self.expected_root:#x}; the answer is not believed"
        )


@dataclass
class TransactionRejected(SequencerError):
    """A submitted transaction was rejected when its turn came; nothing of it happened."""

    transaction_id: str
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"transaction {self.transaction_id[:16]} rejected: {self.reason_code}: {self.detail}"


@dataclass
class FeeTooHigh(SequencerError):
    """The sequencer asks a higher fee than the owner allows. Nothing was signed."""

    asked_ntok: int
    allowed_ntok: int

    def __str__(self) -> str:
        return f"the sequencer asks {self.asked_ntok} ntok, the limit is {self.allowed_ntok} ntok"


@dataclass
class NotFinalInTime(SequencerError):
    """What was waited for did not become final in the time allowed; it may still."""

    what: str
    waited_s: float

    def __str__(self) -> str:
        return f"{self.what} is not final after {self.waited_s:g} s; it may still become so"


@dataclass
class NoAccount(SequencerError):
    """The wallet has no account in a root that L1 holds final."""

    key_hash: int

    def __str__(self) -> str:
        return (
            f"no final account has key hash {self.key_hash:#x}; "
            "deposit first and wait until L1 holds the batch final"
        )


@dataclass
class UnknownPeer(SequencerError):
    """The peer's account is in no root that L1 holds final; nothing is signed towards it."""

    peer_index: int

    def __str__(self) -> str:
        return f"account {self.peer_index} is in no root that L1 holds final"


class L1Error(ChannelsError):
    """Base: this node's own view of L1 fails."""


class L1Required(L1Error):
    """A node was opened without an L1 address: it could believe nobody."""

    def __str__(self) -> str:
        return "give the URL of your own L1 RPC (l1=..., or WATTLANE_L1 in the environment)"


@dataclass
class L1Unreachable(L1Error):
    """The RPC times out or answers garbage."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the L1 RPC at {self.url} is of no use now ({self.reason})"


@dataclass
class L1Refused(L1Error):
    """An L1 transaction reverted or cannot be paid for."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"L1 refused {self.what}: {self.reason}"


@dataclass
class WrongRollup(L1Error):
    """Sequencer and L1 do not speak of the same rollup, or not of the one used before."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass
class QueueFeeTooHigh(L1Error):
    """L1's queue asks a higher fee than the owner allows. Nothing was sent."""

    asked_wei: int
    allowed_wei: int

    def __str__(self) -> str:
        return (
            f"a queue op costs {self.asked_wei} wei now, the limit is {self.allowed_wei} wei: "
            "raise max_queue_fee_wei, or wait until fewer ops are pending"
        )


@dataclass
class ForcedOpVoid(L1Error):
    """L1 processed a forced op and it changed nothing; another one would not either."""

    what: str
    op_number: int

    def __str__(self) -> str:
        return f"queue op {self.op_number} ({self.what}) was processed and changed nothing"
