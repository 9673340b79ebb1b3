"""Files that hold OCMF records: lines of text, or the XML container of the Transparenzsoftware.

The records' text is not touched: their signatures cover it byte for byte.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from energy.errors import BadSource
from energy.meters.adapters.extras import library

ADAPTER = "OCMF"
MOST_BYTES = 16 << 20
_RECORD = re.compile(rb"^OCMF\|", re.MULTILINE)


def records_of(path: Path) -> tuple[bytes, ...]:
    """The records of a file, in its order. Raises BadSource, MissingExtra."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadSource(ADAPTER, f"{path}: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise BadSource(ADAPTER, f"{path} has more than {MOST_BYTES} bytes")
    is_xml = content.lstrip().startswith(b"<")
    records = _from_xml(content, path) if is_xml else _from_text(content)
    if not records:
        raise BadSource(ADAPTER, f"{path} holds no record that begins with OCMF|")
    return records


def _from_text(content: bytes) -> tuple[bytes, ...]:
    """Records begin at a line's beginning, and may be printed over several lines."""
    edges = [*(match.start() for match in _RECORD.finditer(content)), len(content)]
    return tuple(content[start:end].strip() for start, end in pairwise(edges))


def _from_xml(content: bytes, path: Path) -> tuple[bytes, ...]:
    trees = library("defusedxml.ElementTree", "ocmf")
    errors = library("defusedxml", "ocmf")
    try:
        root = trees.fromstring(content)
    except (trees.ParseError, errors.DefusedXmlException) as error:
        raise BadSource(ADAPTER, f"{path} is no XML: {error}") from error
    texts = (element.text or "" for element in root.iter("signedData"))
    return tuple(text.strip().encode() for text in texts if text.strip().startswith("OCMF|"))
