"""A key's file over HTTP: named by its content, so that nobody fetches it twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file that does not change while it is served. sha256: of its content, in hex."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> KeyFile:
        """Reads the whole file once. Raises OSError."""
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest())

    @property
    def etag(self) -> str:
        """The entity tag, with its quotes. Ref: RFC 9110 section 8.8.3."""
        return f'"{self.sha256}"'

    def answer(self, request: Request) -> Response:
        """The file, streamed, or 304 for whoever has it."""
        headers = {"etag": self.etag, "cache-control": _FOR_EVER}
        known = request.headers.get("if-none-match", "")
        if self.etag in [each.strip() for each in known.split(",")]:
            return Response(status_code=304, headers=headers)
        return FileResponse(self.path, media_type="application/octet-stream", headers=headers)
