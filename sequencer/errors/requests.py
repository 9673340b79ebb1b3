"""What is wrong with an HTTP request before anyone looks at what it is about."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class RequestError(SequencerError):
    """Base: the request cannot be served as it was sent."""


@dataclass
class MethodNotAllowed(RequestError):
    """This path knows other methods; the Allow header names them."""

    method: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.method} is not for this path; it takes {self.allowed}"


@dataclass
class NotAcceptable(RequestError):
    """The Accept header rules out all that this path answers with."""

    offered: str

    def __str__(self) -> str:
        return f"this path answers with {self.offered}, which the Accept header rules out"


@dataclass
class BodyTooLarge(RequestError):
    """The request's body is larger than this path reads."""

    most_bytes: int

    def __str__(self) -> str:
        return f"a body has at most {self.most_bytes} bytes here"


@dataclass
class UnsupportedMediaType(RequestError):
    """The Content-Type header names something else than this path reads."""

    given: str
    wanted: str

    def __str__(self) -> str:
        return f"the body is said to be {self.given!r}; this path reads {self.wanted}"


@dataclass
class TooManyRequests(RequestError):
    """This address, or this account, has used up its share for now; Retry-After says for how long.

    `whose`: the address or account.
    """

    whose: str
    retry_after_s: int

    def __str__(self) -> str:
        return f"{self.whose} has used up its share; try again in {self.retry_after_s} s"


@dataclass
class InternalError(RequestError):
    """The sequencer failed; its log says how."""

    def __str__(self) -> str:
        return "the sequencer failed; its log says how"
