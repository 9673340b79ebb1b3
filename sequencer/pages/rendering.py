"""Templates made into text, and the headers without which no page leaves.

Whatever a template inserts is escaped (autoescape, and undefined names are errors); a browser runs
no script and loads nothing but our own files, whatever slipped through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sequencer.pages import formats
from sequencer.pages.assets import assets

TEMPLATES = Path(__file__).parent / "templates"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
"""Of every page. Ref: W3C CSP level 3."""


def environment(*folders: Path) -> Environment:
    """An environment over our templates, those in `folders` coming first."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in (
        "tokens",
        "tokens_exactly",
        "energy",
        "price",
        "count",
        "root",
        "short",
        "address",
        "span",
        "seconds",
        "moment",
        "machine_moment",
        "clock",
        "words",
        "plural",
    ):
        made.filters[name] = getattr(formats, name)
    made.globals["asset"] = lambda name: assets()[name].url
    return made


@cache
def explorer() -> Environment:
    """The explorer's own."""
    return environment()
