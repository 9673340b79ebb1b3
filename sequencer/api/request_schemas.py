"""The JSON that users send as schemas, made from the protocol's own types."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from protocol.flows import MOST_LINES
from protocol.transactions import (
    SIGNATURES,
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transfer,
    Withdraw,
)

_KINDS: tuple[type[Body], ...] = (
    Transfer,
    Withdraw,
    Open,
    TopUp,
    Claim,
    StartClose,
    Close,
    Finalize,
)
_NUMBER: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": "^[0-9]{1,78}$"},
        {"type": "integer", "minimum": 0, "maximum": 2**256 - 1},
    ]
}
_POINT = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_SIDE = {"anyOf": [{"enum": ["0", "1"]}, {"type": "integer", "minimum": 0, "maximum": 1}]}


def _object(properties: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


_SIGNATURE = _object({"key": _POINT, "r": _POINT, "s": _NUMBER})


def _field(name: str) -> dict[str, Any]:
    return _SIDE if name in ("side", "lane") else _NUMBER


def _transaction(kind: type[Body]) -> dict[str, Any]:
    count = SIGNATURES[kind.TYPE]
    body = _object({field.name: _field(field.name) for field in fields(kind)})
    signatures = {"type": "array", "items": _SIGNATURE, "minItems": count, "maxItems": count}
    name = kind.TYPE.name.lower()
    what = (kind.__doc__ or "").strip().splitlines()[0]
    return _object(
        {"type": {"const": name}, "body": body, "signatures": signatures},
        title=name,
        description=what,
    )


TRANSACTION = {"oneOf": [_transaction(kind) for kind in _KINDS]}
"""One of the types, its fields as decimal strings (or JSON integers), and its signatures."""

_LINE = _object({"channel_id": _NUMBER, "bought_wh": _NUMBER})

FLOW_REPORT = _object(
    {
        "account": _NUMBER,
        "time": _NUMBER,
        "lines": {"type": "array", "items": _LINE, "minItems": 1, "maxItems": MOST_LINES},
        "signature": _SIGNATURE,
    }
)
"""What a home says that it bought in its channels, signed by its key."""
