"""A meter's next key, signed by one that it had: nobody else says which key speaks for it.

A meter is called by its first key for good. Whoever lists another key for it, or mistypes one, has
no signature of the meter's own for that.
"""

from __future__ import annotations

from collections.abc import Iterable

from energy.canonical import encode
from energy.meters.did import is_signed_by

_TAG = b"wattlane-meter-key-v1\x00"


def handing_over(did: str, key_id: str) -> bytes:
    """What a key of the meter `did` signs for `key_id` to be one of its keys."""
    return _TAG + encode({"meter": did, "key": key_id})


def is_handed_over(did: str, key_id: str, signature: bytes, before: Iterable[str]) -> bool:
    """Whether a key of `before` has signed that `key_id` is the meter's. Raises BadMeterName."""
    said = handing_over(did, key_id)
    return any(is_signed_by(one, signature, said) for one in before)
