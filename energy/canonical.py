"""One byte string a document: CBOR in its core deterministic form, of integers, text and bytes.

Whoever signs or hashes signs these bytes; a decoder takes nothing else, so that a document has one
hash. No floats, tags, None or undefined values: a float near money or energy is refused here.
Ref: RFC 8949 section 4.2.1.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from io import BytesIO

import cbor2

from energy.errors import BadDocument

Value = int | str | bytes | bool | Sequence["Value"] | Mapping[str, "Value"]
MOST_BYTES = 1 << 20
MOST_DEPTH = 16


def encode(value: Value) -> bytes:
    """The canonical bytes. Raises BadDocument for a float, None or any other kind of value."""
    _check(value)
    return cbor2.dumps(value, canonical=True)


def decode(encoded: bytes, what: str, most_bytes: int = MOST_BYTES) -> Value:
    """The value of canonical bytes. `what` names the document in errors. Raises BadDocument."""
    if len(encoded) > most_bytes:
        raise BadDocument(what, f"{len(encoded)} bytes, at most {most_bytes} are taken")
    stream = BytesIO(encoded)
    try:
        value: Value = cbor2.CBORDecoder(stream).decode()
        _check(value, len(encoded))
        again = cbor2.dumps(value, canonical=True)
    except BadDocument as error:
        raise BadDocument(what, error.reason) from error
    except (cbor2.CBORError, ArithmeticError, ValueError, RecursionError, TypeError) as error:
        raise BadDocument(what, f"no CBOR ({error})") from error
    if again != encoded:
        raise BadDocument(what, "its CBOR is not in the canonical form")
    return value


def digest(encoded: bytes) -> bytes:
    """SHA-256 of a document's bytes, its name everywhere: 32 bytes."""
    return hashlib.sha256(encoded).digest()


def _check(value: object, most_bytes: int | None = None) -> None:
    """Refuse what no document holds, level by level.

    `most_bytes`: also a value that takes more than it came in: CBOR's references repeat what they
    name, so a few bytes of them could be read as more than any machine holds.
    """
    left = sys.maxsize if most_bytes is None else most_bytes - 1
    level: list[object] = [value]
    for _ in range(MOST_DEPTH + 1):
        below: list[object] = []
        for one in level:
            if isinstance(one, str | bytes):
                left -= len(one)
            elif isinstance(one, int):  # a bool is one
                continue
            elif isinstance(one, list | tuple):
                left -= len(one)
                if left >= 0:
                    below += one
            elif isinstance(one, dict):
                for key in one:
                    if not isinstance(key, str):
                        raise BadDocument("document", "a key is no text")
                    left -= len(key) + 2
                if left >= 0:
                    below += one.values()
            else:
                raise BadDocument("document", f"holds a {type(one).__name__}")
            if left < 0:
                raise BadDocument("document", "it refers to parts of itself")
        if not below:
            return
        level = below
    raise BadDocument("document", f"nested more than {MOST_DEPTH} deep")
