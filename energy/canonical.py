"""One byte string a document: CBOR in its core deterministic form, of integers, text and bytes.

Whoever signs or hashes signs these bytes; a decoder takes nothing else, so that a document has one
hash. No floats, tags, None or undefined values: a float near money or energy is refused here.
Ref: RFC 8949 section 4.2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from io import BytesIO

import cbor2

from energy.errors import BadDocument

Value = int | str | bytes | bool | Sequence["Value"] | Mapping[str, "Value"]
MOST_BYTES = 1 << 20
MOST_DEPTH = 16


def encode(value: Value) -> bytes:
    """The canonical bytes. Raises BadDocument for a float, None or any other kind of value."""
    _check(value, 0)
    return cbor2.dumps(value, canonical=True)


def decode(encoded: bytes, what: str, most_bytes: int = MOST_BYTES) -> Value:
    """The value of canonical bytes. `what` names the document in errors. Raises BadDocument."""
    if len(encoded) > most_bytes:
        raise BadDocument(what, f"{len(encoded)} bytes, at most {most_bytes} are taken")
    stream = BytesIO(encoded)
    try:
        value: Value = cbor2.CBORDecoder(stream).decode()
        _check_size(value, len(encoded))
        _check(value, 0)
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


def _check_size(value: object, most_bytes: int) -> None:
    """Refuse a value that takes more bytes than it came in: CBOR's references repeat what they
    name, so a few bytes of them could be read as more than any machine holds."""
    left = most_bytes - 1
    waiting: list[object] = [value]
    while waiting:
        one = waiting.pop()
        parts: list[object] = []
        if isinstance(one, dict):
            parts = [*one, *one.values()]
        elif isinstance(one, list | tuple):
            parts = list(one)
        left -= len(one) if isinstance(one, str | bytes) else len(parts)
        if left < 0:
            raise BadDocument("document", "it refers to parts of itself")
        waiting += parts


def _check(value: object, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise BadDocument("document", f"nested more than {MOST_DEPTH} deep")
    if isinstance(value, bool | int | str | bytes):
        return
    if isinstance(value, list | tuple):
        for one in value:
            _check(one, depth + 1)
    elif isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(key, str):
                raise BadDocument("document", "a key is no text")
            _check(one, depth + 1)
    else:
        raise BadDocument("document", f"holds a {type(value).__name__}")
