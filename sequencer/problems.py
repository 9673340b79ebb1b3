"""Errors as RFC 9457 problem details: one shape for the API's answers and for stored refusals.

`code` is the error's class name and stands for what happened, `type` is the URN of that code and
as stable; `detail` is for people; the error's own fields follow, integers as decimal strings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from protocol.codec import Json
from protocol.errors import (
    InvalidSignature,
    InvalidTransaction,
    Malformed,
    OutOfRange,
    ProtocolError,
    UnknownAccount,
    UnknownChannel,
)
from sequencer.errors import (
    AdmissionError,
    BodyTooLarge,
    CheckStopped,
    InternalError,
    L1Error,
    MempoolFull,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    NotLive,
    NotReady,
    RollupEnded,
    SequencerError,
    StorageError,
    StorageFull,
    TooManyChecks,
    TooManyRequests,
    UnknownRoot,
    UnsupportedMediaType,
)

CONTENT_TYPE = "application/problem+json"
URN = "urn:wattlane:problem:"
_RESERVED = frozenset({"type", "title", "status", "detail", "code"})
_FAILED = 500

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (TooManyRequests, 429),
    (MempoolFull, 429),
    (TooManyChecks, 429),
    (MethodNotAllowed, 405),
    (NotAcceptable, 406),
    (BodyTooLarge, 413),
    (UnsupportedMediaType, 415),
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
    return _status_of(type(error))


def _status_of(kind: type[Exception]) -> int:
    return next((status for base, status in _STATUS if issubclass(kind, base)), _FAILED)


def problem_of(error: Exception) -> Json:
    """{"type", "title", "status", "detail", "code", and the error's own fields}."""
    kind = type(error)
    problem: Json = {
        "type": URN + kind.__name__,
        "title": _title_of(kind),
        "status": status_of(error),
        "detail": str(error),
        "code": kind.__name__,
    }
    if is_dataclass(error):
        for name in _own_fields(kind):
            problem[name] = str(getattr(error, name))[:200]
    return problem


@dataclass(frozen=True, slots=True)
class Code:
    """One way in which the API refuses: its name, HTTP status, meaning and further fields."""

    name: str
    status: int
    title: str
    fields: tuple[str, ...]


def codes() -> list[Code]:
    """Every code that an answer of the API can have, by status and name."""
    kinds = {one for base in (ProtocolError, SequencerError) for one in _leaves(base)}
    found = [
        Code(kind.__name__, _status_of(kind), _title_of(kind), _own_fields(kind))
        for kind in kinds
        if _status_of(kind) != _FAILED or kind is InternalError
    ]
    return sorted(found, key=lambda code: (code.status, code.name))


def is_answerable(error: Exception) -> bool:
    """Whether the error says something to the user; any other is an InternalError to them."""
    return _status_of(type(error)) != _FAILED


def _leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    below = kind.__subclasses__()
    ours = kind.__module__.partition(".")[0] in ("protocol", "sequencer")
    if not below and ours:
        yield kind
    for one in below:
        yield from _leaves(one)


def _title_of(kind: type[Exception]) -> str:
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")


def _own_fields(kind: type[Exception]) -> tuple[str, ...]:
    if not is_dataclass(kind):
        return ()
    return tuple(field.name for field in fields(kind) if field.name not in _RESERVED)
