"""Invariant: every error that the sequencer raises on purpose is a SequencerError with its data.

Three families: a transaction refused by policy (AdmissionError), a start that cannot succeed
(StartError), and a part of the world that fails while running (StorageError, L1Error,
ProvingError). What the shared rules refuse stays a ProtocolError.
"""

from __future__ import annotations

from dataclasses import dataclass


class SequencerError(Exception):
    """Base of all errors of this package."""


# ------------------------------------------------------------------------------ admission


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
class NotFound(SequencerError):
    """The API was asked for something that this sequencer does not have."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} is not known here"


@dataclass
class UnknownRoot(SequencerError):
    """A witness was asked for in a root that is not recent, or never was."""

    root: str

    def __str__(self) -> str:
        return f"no state with root {self.root} is kept; ask for soft, final or a recent root"


# ------------------------------------------------------------------------------ start


class StartError(SequencerError):
    """Base: the sequencer cannot start as it is configured."""


@dataclass
class BadSettings(StartError):
    """A setting is missing or makes no sense."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class BadKeystore(StartError):
    """The keystore is missing or malformed, or the passphrase is wrong."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"keystore {self.path}: {self.what}"


@dataclass
class AlreadyRunning(StartError):
    """Another process uses this sequencer's folder."""

    folder: str

    def __str__(self) -> str:
        return f"another sequencer runs in {self.folder}; stop it first"


@dataclass
class PortInUse(StartError):
    """The API's address cannot be listened on."""

    host: str
    port: int
    why: str

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.host}:{self.port}: {self.why}; set listen_port to a free one"
        )


@dataclass
class WrongChain(StartError):
    """The RPC speaks for another chain than the settings say."""

    expected: int
    found: int

    def __str__(self) -> str:
        return f"the L1 RPC is on chain {self.found}, the settings say {self.expected}"


@dataclass
class ContractMismatch(StartError):
    """What stands at the contract's address is not the rollup that we are set up for."""

    contract: str
    what: str

    def __str__(self) -> str:
        return f"contract {self.contract}: {self.what}"


@dataclass
class WrongDatabase(StartError):
    """The database belongs to another rollup."""

    what: str

    def __str__(self) -> str:
        return self.what


# ------------------------------------------------------------------------------ storage


class StorageError(SequencerError):
    """Base: the database refused; nothing of the change was kept."""


@dataclass
class DatabaseTooNew(StorageError):
    """The database was written by a later version of Wattlane."""

    path: str
    revision: str

    def __str__(self) -> str:
        return (
            f"database {self.path} has schema {self.revision}, which this version does not know; "
            "install the Wattlane version that wrote it, or a later one"
        )


@dataclass
class StorageFull(StorageError):
    """No room on the disk."""

    path: str

    def __str__(self) -> str:
        return f"no space left for database {self.path}; nothing was changed"


@dataclass
class StorageReadOnly(StorageError):
    """The database cannot be written."""

    path: str

    def __str__(self) -> str:
        return f"database {self.path} is read-only; nothing was changed"


@dataclass
class StorageFailed(StorageError):
    """Any other refusal of the database."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"database {self.path} failed: {self.why}"


@dataclass
class CorruptDatabase(StorageError):
    """What the database holds does not lead to the roots that it recorded."""

    what: str

    def __str__(self) -> str:
        return self.what


# ------------------------------------------------------------------------------ L1


class L1Error(SequencerError):
    """Base: L1 or its RPC did not do what was asked."""


@dataclass
class BatchRefused(L1Error):
    """The contract would refuse, or refused, a batch; `code` is the contract's own name for it."""

    number: int
    code: str

    def __str__(self) -> str:
        return f"L1 refuses batch {self.number}: {self.code}"


@dataclass
class ForeignBatch(L1Error):
    """L1 accepted a batch that this database did not make."""

    number: int
    l1_root: int

    def __str__(self) -> str:
        return (
            f"L1 holds batch {self.number} with root {self.l1_root:#x}, which this database did "
            "not make; is another sequencer running with the same key?"
        )


@dataclass
class ChainChanged(L1Error):
    """A block that was final is no longer there."""

    block: int

    def __str__(self) -> str:
        return (
            f"L1 block {self.block}, which was final, has changed; is this RPC on another chain, "
            "or was a development chain started afresh?"
        )


@dataclass
class QueueGap(L1Error):
    """The RPC left out a queue op."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"expected queue op {self.expected}, the RPC gave {self.given}"


# ------------------------------------------------------------------------------ proving


class ProvingError(SequencerError):
    """Base: a proof could not be made."""


@dataclass
class ProofFailed(ProvingError):
    """The prover raised, its process died, or its proof does not verify. `place` counts from 0."""

    number: int
    place: int
    why: str

    def __str__(self) -> str:
        return f"proof {self.place + 1} of batch {self.number} failed: {self.why}"
