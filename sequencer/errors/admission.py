"""Refused by policy: the rules allow the transaction, this sequencer does not take it (now)."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class AdmissionError(SequencerError):
    """Base: a transaction that the rules allow and this sequencer's policy does not."""


@dataclass
class AmountZero(AdmissionError):
    """A transfer, withdrawal, deposit or top-up of nothing."""

    field: str

    def __str__(self) -> str:
        return f"{self.field} is 0; it must be at least 1 ntok"


@dataclass
class FeeTooLow(AdmissionError):
    """The fee is below the sequencer's minimum."""

    fee_ntok: int
    minimum_fee_ntok: int

    def __str__(self) -> str:
        return f"the fee is {self.fee_ntok} ntok, this sequencer asks {self.minimum_fee_ntok}"


@dataclass
class ExpiresTooSoon(AdmissionError):
    """valid_until leaves too little L1 time to get into a batch."""

    valid_until: int
    earliest: int

    def __str__(self) -> str:
        return f"valid until {self.valid_until}: sign it for {self.earliest} or later"


@dataclass
class ExpiresTooLate(AdmissionError):
    """valid_until is further ahead than anyone should leave a signature lying about."""

    valid_until: int
    latest: int

    def __str__(self) -> str:
        return f"valid until {self.valid_until}: sign it for {self.latest} or earlier"


@dataclass
class MempoolFull(AdmissionError):
    """Too many transactions wait for a batch, altogether or of this account."""

    whose: str
    limit: int

    def __str__(self) -> str:
        return f"{self.limit} transactions of {self.whose} wait for a batch; try again later"


@dataclass
class WrongDomain(AdmissionError):
    """The submitter signed for another rollup (chain or contract)."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"signed for domain {self.given}, but this rollup's is {self.expected}"


@dataclass
class WrongEpoch(AdmissionError):
    """The channel id names the right parties and an epoch that is not the open channel's."""

    channel_id: int
    open_epoch: int
    given_epoch: int

    def __str__(self) -> str:
        return (
            f"channel {self.channel_id:#x} has epoch {self.given_epoch}, "
            f"but the channel of these two accounts has epoch {self.open_epoch}"
        )


@dataclass
class WrongLane(AdmissionError):
    """A voucher of the other lane's payer."""

    lane: int

    def __str__(self) -> str:
        return f"the voucher was signed by the payer of lane {1 - self.lane}, not {self.lane}"


@dataclass
class RollupEnded(AdmissionError):
    """The exodus has started on L1: no batch will ever be accepted again."""

    exodus_start: int

    def __str__(self) -> str:
        return (
            f"the exodus started at L1 time {self.exodus_start}: nothing but exits happens from "
            "now on; `wattlane exit` takes your money out"
        )


@dataclass
class RollupEnding(AdmissionError):
    """The owner has announced the rollup's end: no new channels shortly before it."""

    last_open: int

    def __str__(self) -> str:
        return (
            f"the rollup's end was announced: since L1 time {self.last_open} no channel is opened; "
            "close yours and withdraw"
        )


@dataclass
class FlowNotNew(AdmissionError):
    """A flow report is not younger than the last one, or its clock is far from the operator's."""

    time: int
    reason: str

    def __str__(self) -> str:
        return f"a flow report of time {self.time}: {self.reason}"
