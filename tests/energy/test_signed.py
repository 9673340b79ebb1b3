"""What an account has signed counts for that document, that account and that rollup alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.canonical import decode, encode
from energy.errors import BadDocument, NotSigned
from energy.signed import Signed, check_signed, decode_signed, encode_signed, message
from protocol.crypto.field import R
from protocol.crypto.schnorr import Signer

HOME, OTHER = Signer(77), Signer(78)
DOMAIN = 5
DOCUMENT = encode({"type": "vote", "account": 1})


def signed(signer: Signer = HOME, document: bytes = DOCUMENT, domain: int = DOMAIN) -> Signed:
    """The document, signed by this key for this rollup."""
    return Signed(document, signer.sign(message(document, domain), bytes(32)))


def test_a_signed_document_comes_back_and_counts() -> None:
    one = decode_signed(encode_signed(signed()))
    assert one == signed()
    assert one.digest == signed(OTHER).digest
    check_signed(one, DOMAIN, 1, HOME.key_hash)


def test_a_community_of_ten_thousand_homes_can_be_signed() -> None:
    """Its document is about 4 MB."""
    one = replace(signed(), document=bytes(5 << 20))
    assert decode_signed(encode_signed(one)) == one


def test_another_key_rollup_or_document_does_not_count() -> None:
    with pytest.raises(NotSigned, match="account 1 has not signed this document: another key"):
        check_signed(signed(OTHER), DOMAIN, 1, HOME.key_hash)
    with pytest.raises(NotSigned, match="this rollup"):
        check_signed(signed(domain=6), DOMAIN, 1, HOME.key_hash)
    forged = replace(signed(), document=encode({"type": "vote", "account": 2}))
    with pytest.raises(NotSigned, match="does not fit the document"):
        check_signed(forged, DOMAIN, 1, HOME.key_hash)


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("key", [bytes(32)], "key is no pair"),
        ("r", [bytes(32), bytes(31)], "r is not made of 32 bytes"),
        ("s", R.to_bytes(32, "big"), "s is no field element"),
        ("s", 5, "s is no bytes"),
        ("type", "order", "not 'signed'"),
        ("more", 1, "unknown fields: more"),
    ],
)
def test_other_bytes_are_no_signed_document(name: str, given: object, reason: str) -> None:
    value = decode(encode_signed(signed()), "signed document")
    assert isinstance(value, dict)
    with pytest.raises(BadDocument, match=reason):
        decode_signed(encode({**value, name: given}))  # type: ignore[dict-item]
