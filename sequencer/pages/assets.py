"""The files that pages load: our own styles and modules, and htmx from its package.

Each is read once; its URL carries the beginning of its SHA-256, so that browsers may keep it for
ever. Nothing is ever loaded from elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

STATIC = Path(__file__).parent / "static"
HTMX_PACKAGE, HTMX_FILE = "js_lib_htmx", "static/htmx/htmx.min.js"
HTMX_SHA256 = "491955cd1810747d7d7b9ccb936400afb760e06d25d53e4572b64b6563b2784e"
"""Of htmx 2.0.3 as the pinned package ships it: another file is not served."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TAG_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its type. `tag` names its content."""

    name: str
    content: bytes
    media_type: str

    @property
    def tag(self) -> str:
        """The first digits of its SHA-256."""
        return hashlib.sha256(self.content).hexdigest()[:_TAG_DIGITS]

    @property
    def url(self) -> str:
        """Where the page finds it."""
        return f"/static/{self.name}?v={self.tag}"


@cache
def assets() -> dict[str, Asset]:
    """All of them by name."""
    found = {
        path.name: Asset(path.name, path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in _TYPES
    }
    found["htmx.min.js"] = Asset("htmx.min.js", _htmx(), _TYPES[".js"])
    return found


def _htmx() -> bytes:
    spec = find_spec(HTMX_PACKAGE)
    assert spec is not None, "htmx's package is one of our dependencies"
    assert spec.origin is not None
    content = (Path(spec.origin).parent / HTMX_FILE).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    assert found == HTMX_SHA256, f"htmx.min.js is another file than the pinned one: {found}"
    return content
