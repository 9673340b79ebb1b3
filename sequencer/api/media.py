"""What a route reads and writes, held against what a request says it sends and takes."""

from __future__ import annotations

from fastapi import Request

from sequencer.errors import NotAcceptable, UnsupportedMediaType

JSON = "application/json"
BYTES = "application/octet-stream"


class Answers:
    """A dependency of routes that answer with one media type. Ref: RFC 9110 section 12.5.1."""

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type
        kind = media_type.partition("/")[0]
        self._ranges = frozenset({media_type, f"{kind}/*", "*/*"})

    async def __call__(self, request: Request) -> None:
        """Raises NotAcceptable where the Accept header rules the media type out."""
        given = request.headers.getlist("accept")
        if given and not self._is_taken(",".join(given)):
            raise NotAcceptable(self._media_type)

    def _is_taken(self, accept: str) -> bool:
        best: tuple[int, float] = -1, 0.0
        for one in accept.split(","):
            range_, _, rest = one.partition(";")
            range_ = range_.strip().lower()
            if range_ in self._ranges:
                exactness = 2 - range_.count("*")
                best = max(best, (exactness, _quality(rest)))
        return best[1] > 0


def _quality(parameters: str) -> float:
    for one in parameters.split(";"):
        name, _, text = one.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(text)
            except ValueError:
                return 0.0
    return 1.0


answers_json = Answers(JSON)
answers_bytes = Answers(BYTES)


async def reads_json(request: Request) -> None:
    """A dependency of routes that read JSON; a body that nobody named is taken for that.

    Raises UnsupportedMediaType.
    """
    given = request.headers.get("content-type")
    if given is not None and given.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(given[:80], JSON)
