"""JSON forms of everything that travels: every integer is a decimal string, so none is rounded.

Decoding is strict: unknown, missing or badly typed fields raise Malformed, integers that do not
fit raise OutOfRange; encoding then decoding gives an equal object.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status
from protocol.crypto.field import check_fr
from protocol.crypto.jubjub import Point
from protocol.crypto.merkle import DEPTH, Siblings
from protocol.crypto.schnorr import Signature
from protocol.errors import Malformed
from protocol.inclusion import AccountInclusion, ChannelInclusion
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import INDEX_BITS, check_range
from protocol.vouchers import Voucher

Json = dict[str, Any]
_BODIES: dict[str, type[Body]] = {
    body.TYPE.name.lower(): body
    for body in (Transfer, Withdraw, Open, TopUp, Claim, StartClose, Close, Finalize)
}
_ENUMS: dict[str, type[Lane] | type[Status]] = {"side": Lane, "lane": Lane, "status": Status}
_MAX_DIGITS = 78  # 2^256 has 78 decimal digits

T = TypeVar("T", bound=Account | Channel | Body)


def to_int(field: str, given: object) -> int:
    """A number in 0 .. 2^256 - 1 from its decimal string (or a JSON integer). Raises Malformed."""
    if isinstance(given, str) and len(given) <= _MAX_DIGITS and given.isascii() and given.isdigit():
        given = int(given)
    if type(given) is int and 0 <= given < 1 << 256:
        return given
    shown = repr(given[:80]) if isinstance(given, str) else f"a {type(given).__name__}"
    raise Malformed(f"{field} is {shown}, not a decimal integer in 0 .. 2^256 - 1")


def _object(what: str, given: object, names: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise Malformed(f"{what} is not a JSON object")
    missing = [name for name in names if name not in given]
    unknown = [str(name)[:40] for name in given if name not in names][:5]
    if missing or unknown:
        raise Malformed(f"{what}: missing fields {missing}, unknown fields {unknown}")
    return given


def _list(what: str, given: object, length: int) -> Sequence[object]:
    if not isinstance(given, list) or len(given) != length:
        raise Malformed(f"{what} is not a list of {length}")
    return given


def _record_to_json(record: Account | Channel | Body) -> Json:
    return {field.name: str(int(getattr(record, field.name))) for field in fields(record)}


def _record_from_json(kind: type[T], given: object) -> T:
    names = [field.name for field in fields(kind)]
    source = _object(kind.__name__, given, names)
    values: dict[str, Any] = {}
    for name in names:
        number = to_int(name, source[name])
        if name in _ENUMS:
            if number not in set(_ENUMS[name]):
                raise Malformed(f"{name} = {number} is not one of {[int(e) for e in _ENUMS[name]]}")
            values[name] = _ENUMS[name](number)
        else:
            values[name] = number
    return kind(**values)


def account_to_json(account: Account) -> Json:
    """All fields as decimal strings."""
    return _record_to_json(account)


def account_from_json(given: object) -> Account:
    """Raises Malformed, OutOfRange."""
    return _record_from_json(Account, given)


def channel_to_json(channel: Channel) -> Json:
    """All fields as decimal strings; status 1 is open, 2 closing."""
    return _record_to_json(channel)


def channel_from_json(given: object) -> Channel:
    """Raises Malformed, OutOfRange."""
    return _record_from_json(Channel, given)


def signature_to_json(signature: Signature) -> Json:
    """{"key": [x, y], "r": [x, y], "s": s}."""
    key, r = signature.key, signature.r
    return {
        "key": [str(key.x), str(key.y)],
        "r": [str(r.x), str(r.y)],
        "s": str(signature.s),
    }


def point_from_json(what: str, given: object) -> Point:
    """A pair of canonical field elements; not necessarily on the curve. Raises Malformed."""
    x, y = (to_int(what, part) for part in _list(what, given, 2))
    return Point(check_fr(f"{what}.x", x), check_fr(f"{what}.y", y))


def signature_from_json(given: object) -> Signature:
    """Raises Malformed, OutOfRange. Verifies nothing."""
    source = _object("signature", given, ("key", "r", "s"))
    return Signature(
        point_from_json("signature key", source["key"]),
        point_from_json("signature r", source["r"]),
        check_fr("signature s", to_int("signature s", source["s"])),
    )


def transaction_to_json(transaction: Transaction) -> Json:
    """{"type": "open", "body": {...}, "signatures": [...]}."""
    return {
        "type": transaction.body.TYPE.name.lower(),
        "body": _record_to_json(transaction.body),
        "signatures": [signature_to_json(one) for one in transaction.signatures],
    }


def transaction_from_json(given: object) -> Transaction:
    """Raises Malformed, OutOfRange. Verifies nothing."""
    source = _object("transaction", given, ("type", "body", "signatures"))
    name = source["type"]
    if not isinstance(name, str) or name not in _BODIES:
        raise Malformed(f"transaction type {str(name)[:40]!r} is none of {sorted(_BODIES)}")
    signatures = source["signatures"]
    if not isinstance(signatures, list) or len(signatures) > 2:
        raise Malformed("signatures is not a list of at most 2")
    body = _record_from_json(_BODIES[name], source["body"])
    return Transaction(body, tuple(signature_from_json(one) for one in signatures))


def transaction_id(transaction: Transaction) -> str:
    """SHA-256 of the canonical JSON, in hex: names a submission, so that repeating it is safe."""
    text = json.dumps(transaction_to_json(transaction), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def voucher_to_json(voucher: Voucher) -> Json:
    """{"channel_id", "lane", "lane_value", "signature"}."""
    return {
        "channel_id": str(voucher.channel_id),
        "lane": str(int(voucher.lane)),
        "lane_value": str(voucher.lane_value),
        "signature": signature_to_json(voucher.signature),
    }


def voucher_from_json(given: object) -> Voucher:
    """Raises Malformed, OutOfRange. Verifies nothing."""
    source = _object("voucher", given, ("channel_id", "lane", "lane_value", "signature"))
    body = _record_from_json(
        Claim, {name: source[name] for name in ("channel_id", "lane", "lane_value")}
    )
    signature = signature_from_json(source["signature"])
    return Voucher(body.channel_id, body.lane, body.lane_value, signature)


def _siblings_to_json(siblings: Siblings) -> list[list[str]]:
    return [[str(sibling) for sibling in level] for level in siblings]


def _siblings_from_json(given: object) -> Siblings:
    levels = []
    for level in _list("siblings", given, DEPTH):
        three = _list("siblings of a level", level, 3)
        a, b, c = (check_fr("sibling", to_int("sibling", one)) for one in three)
        levels.append((a, b, c))
    return tuple(levels)


def account_inclusion_to_json(inclusion: AccountInclusion) -> Json:
    """{"index", "account" (null if empty), "siblings", "channels_root"}."""
    found = inclusion.account
    return {
        "index": str(inclusion.index),
        "account": account_to_json(found) if found else None,
        "siblings": _siblings_to_json(inclusion.siblings),
        "channels_root": str(inclusion.channels_root),
    }


def account_inclusion_from_json(given: object) -> AccountInclusion:
    """Raises Malformed, OutOfRange; compare `state_root()` with a root from L1."""
    source = _object("account inclusion", given, ("index", "account", "siblings", "channels_root"))
    found = source["account"]
    return AccountInclusion(
        check_range("index", to_int("index", source["index"]), INDEX_BITS),
        None if found is None else account_from_json(found),
        _siblings_from_json(source["siblings"]),
        check_fr("channels_root", to_int("channels_root", source["channels_root"])),
    )


def channel_inclusion_to_json(inclusion: ChannelInclusion) -> Json:
    """{"slot", "channel" (null if empty), "siblings", "accounts_root"}."""
    found = inclusion.channel
    return {
        "slot": str(inclusion.slot),
        "channel": channel_to_json(found) if found else None,
        "siblings": _siblings_to_json(inclusion.siblings),
        "accounts_root": str(inclusion.accounts_root),
    }


def channel_inclusion_from_json(given: object) -> ChannelInclusion:
    """Raises Malformed, OutOfRange; compare `state_root()` with a root from L1."""
    source = _object("channel inclusion", given, ("slot", "channel", "siblings", "accounts_root"))
    found = source["channel"]
    return ChannelInclusion(
        check_range("slot", to_int("slot", source["slot"]), INDEX_BITS),
        None if found is None else channel_from_json(found),
        _siblings_from_json(source["siblings"]),
        check_fr("accounts_root", to_int("accounts_root", source["accounts_root"])),
    )
