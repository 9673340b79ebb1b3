"""Errors as RFC 9457 problems, as the sequencer's API has them: `code` is the error's class."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from energy.errors import (
    AnotherKey,
    BadDocument,
    BadRequest,
    CannotServe,
    EntryDoesNotFollow,
    JournalBroken,
    JournalForked,
    JournalInUse,
    JournalUnusable,
    MarketFailed,
    MarketRefused,
    MarketUnreachable,
    NoCommunityYet,
    NothingToBegin,
    NotSigned,
    NotThere,
    NotToBeFounded,
    StrangeReading,
    TooLarge,
    TooManyRequests,
)
from protocol.errors import ProtocolError

CONTENT_TYPE = "application/problem+json"
URN = "urn:wattlane:problem:"
REFUSED = 422
"""A document that is well formed and true, but not now or not here."""

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotThere, 404),
    (NoCommunityYet, 404),
    (BadRequest, 400),
    (BadDocument, 400),
    (ProtocolError, 400),
    (NotSigned, 403),
    (NotToBeFounded, 403),
    (TooLarge, 413),
    (TooManyRequests, 429),
    (JournalUnusable, 503),
    (MarketFailed, 500),
)
OF_READERS = frozenset(
    {
        AnotherKey,
        CannotServe,
        EntryDoesNotFollow,
        JournalBroken,
        JournalForked,
        JournalInUse,
        MarketRefused,
        MarketUnreachable,
        NothingToBegin,
        StrangeReading,
    }
)
"""Errors of those who run or read a market; no answer has their codes."""
_RESERVED = frozenset({"type", "title", "status", "detail", "code"})


def status_of(error: Exception) -> int:
    """The HTTP status that says whose turn it is."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[Exception]) -> int:
    """The status of all errors of a class."""
    return next((status for base, status in _STATUS if issubclass(kind, base)), REFUSED)


def title_of(kind: type[Exception]) -> str:
    """What an error means, in a line."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")


def problem_of(error: Exception) -> dict[str, Any]:
    """{"type", "title", "status", "detail", "code", and the error's own fields as text}."""
    kind = type(error)
    problem: dict[str, Any] = {
        "type": URN + kind.__name__,
        "title": title_of(kind),
        "status": status_of(error),
        "detail": str(error),
        "code": kind.__name__,
    }
    if is_dataclass(error):
        for one in fields(error):
            if one.name not in _RESERVED:
                given = getattr(error, one.name)
                problem[one.name] = (given.hex() if isinstance(given, bytes) else str(given))[:200]
    return problem
