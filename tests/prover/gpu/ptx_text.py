"""The functions of a PTX module, as text: what ptx_machine.py translates.

Ref: NVIDIA, "PTX ISA" 8.8, chapter 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FUNCTION = re.compile(
    r"\.(?P<kind>entry|func)\s*(?:\((?P<result>[^)]*)\))?\s*(?P<name>[\w$]+)\s*"
    r"\((?P<params>[^)]*)\)(?P<directives>[\s.\w,]*)\{(?P<body>.*?)\n\}",
    re.DOTALL,
)
_PARAM = re.compile(r"\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+([\w$]+)(?:\[(\d+)\])?")


def bits_of(kind: str) -> int:
    """64 of s64, u64, b64; 1 of pred."""
    return 1 if kind == "pred" else int(kind[1:])


@dataclass
class Source:
    """A function of a PTX module, as text."""

    name: str
    is_entry: bool
    result: tuple[str, int] | None
    params: list[tuple[str, int]]
    body: str


def params(text: str) -> list[tuple[str, int]]:
    """(name, bytes) of each parameter."""
    return [(name, int(size or bits_of(kind) // 8)) for kind, name, size in _PARAM.findall(text)]


def functions(ptx: str) -> list[Source]:
    text = re.sub(r"//[^\n]*", "", ptx)
    found = []
    for match in _FUNCTION.finditer(text):
        result = params(match["result"] or "")
        found.append(
            Source(
                match["name"],
                match["kind"] == "entry",
                result[0] if result else None,
                params(match["params"]),
                match["body"],
            )
        )
    return found
