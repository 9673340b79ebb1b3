"""Invariant: every error that the sequencer raises on purpose is a SequencerError with its data.

Four families: a transaction refused by policy (AdmissionError), a request that cannot be served
(RequestError), a start that cannot succeed (StartError), and a part of the world that fails while
running (StorageError, L1Error, ProvingError). What the shared rules refuse stays a ProtocolError.
"""

from __future__ import annotations

from sequencer.errors.admission import (
    AdmissionError,
    AmountZero,
    ExpiresTooLate,
    ExpiresTooSoon,
    FeeTooLow,
    FlowNotNew,
    MempoolFull,
    RollupEnded,
    RollupEnding,
    WrongDomain,
    WrongEpoch,
    WrongLane,
)
from sequencer.errors.asking import (
    CheckStopped,
    MessageTooLarge,
    NotFound,
    NotLive,
    NotReady,
    TooManyChecks,
    UnknownRoot,
)
from sequencer.errors.base import (
    SequencerError,
)
from sequencer.errors.l1 import (
    BatchRefused,
    ChainChanged,
    ForeignBatch,
    L1Error,
    NonceBlocked,
    QueueGap,
)
from sequencer.errors.proving import (
    ProofFailed,
    ProvingError,
)
from sequencer.errors.relay import (
    RelayRefused,
)
from sequencer.errors.requests import (
    BodyTooLarge,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    RequestError,
    TooManyRequests,
    UnsupportedMediaType,
)
from sequencer.errors.starting import (
    AlreadyRunning,
    BadKeystore,
    BadSettings,
    ContractMismatch,
    PartFailed,
    PortInUse,
    StartError,
    WrongChain,
    WrongDatabase,
)
from sequencer.errors.storage import (
    BatcherReplaced,
    CorruptDatabase,
    DatabaseTooNew,
    NoBatcher,
    StorageError,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
)

__all__ = [
    "AdmissionError",
    "AlreadyRunning",
    "AmountZero",
    "BadKeystore",
    "BadSettings",
    "BatchRefused",
    "BatcherReplaced",
    "BodyTooLarge",
    "ChainChanged",
    "CheckStopped",
    "ContractMismatch",
    "CorruptDatabase",
    "DatabaseTooNew",
    "ExpiresTooLate",
    "ExpiresTooSoon",
    "FeeTooLow",
    "FlowNotNew",
    "ForeignBatch",
    "InternalError",
    "L1Error",
    "MempoolFull",
    "MessageTooLarge",
    "MethodNotAllowed",
    "NoBatcher",
    "NonceBlocked",
    "NotAcceptable",
    "NotFound",
    "NotLive",
    "NotReady",
    "PartFailed",
    "PortInUse",
    "ProofFailed",
    "ProvingError",
    "QueueGap",
    "RelayRefused",
    "RequestError",
    "RollupEnded",
    "RollupEnding",
    "SequencerError",
    "StartError",
    "StorageError",
    "StorageFailed",
    "StorageFull",
    "StorageReadOnly",
    "TooManyChecks",
    "TooManyRequests",
    "UnknownRoot",
    "UnsupportedMediaType",
    "WrongChain",
    "WrongDatabase",
    "WrongDomain",
    "WrongEpoch",
    "WrongLane",
]
