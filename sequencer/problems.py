"""Errors as RFC 9457 problem details: one shape for the API's answers and for stored refusals.

`code` is the error's class name and stands for what happened; `detail` is for people; the error's
own fields follow, integers as decimal strings.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from protocol.codec import Json
from protocol.errors import (
    InvalidSignature,
    InvalidTransaction,
    Malformed,
    OutOfRange,
    UnknownAccount,
    UnknownChannel,
)
from sequencer.errors import (
    AdmissionError,
    CheckStopped,
    L1Error,
    MempoolFull,
    NotFound,
    NotLive,
    NotReady,
    RollupEnded,
    StorageError,
    StorageFull,
    TooManyChecks,
    UnknownRoot,
)

CONTENT_TYPE = "application/problem+json"
_RESERVED = frozenset({"type", "title", "status", "detail", "code"})

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (MempoolFull, 429),
    (TooManyChecks, 429),
    (RollupEnded, 410),
    (NotFound, 404),
    (NotLive, 503),
    (NotReady, 503),
    (UnknownRoot, 404),
    (UnknownAccount, 404),
    (UnknownChannel, 404),
    (Malformed, 400),
    (OutOfRange, 400),
    (InvalidSignature, 403),
    (InvalidTransaction, 409),
    (AdmissionError, 422),
    (StorageFull, 507),
    (StorageError, 503),
    (CheckStopped, 503),
    (L1Error, 503),
)


def status_of(error: Exception) -> int:
    """The HTTP status that says whose turn it is."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: Exception) -> Json:
    """{"type", "title", "status", "detail", "code", and the error's own fields}."""
    kind = type(error)
    title = (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")
    problem: Json = {
        "type": f"urn:wattlane:problem:{kind.__name__}",
        "title": title,
        "status": status_of(error),
        "detail": str(error),
        "code": kind.__name__,
    }
    if is_dataclass(error):
        for field in fields(error):
            if field.name not in _RESERVED:
                problem[field.name] = str(getattr(error, field.name))[:200]
    return problem
