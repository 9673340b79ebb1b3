"""Names of meters: the keys themselves."""

from __future__ import annotations

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.errors import BadMeterName
from energy.meters.did import check_did, did_of, key_id_of, public_key_of
from energy.meters.signing import MeterSigner

# The first two Ed25519 vectors of the method's own test suite: secret seed -> DID. Ref: Digital
# Bazaar, did-method-key; W3C CCG, did-key-spec, test-vectors/ed25519-x25519.json.
PUBLISHED = (
    ("00" * 32, "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
    ("00" * 31 + "01", "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG"),
)


@pytest.mark.parametrize(("seed", "did"), PUBLISHED)
def test_published_dids_are_reproduced(seed: str, did: str) -> None:
    signer = MeterSigner(bytes.fromhex(seed))
    assert signer.did == check_did(did)
    assert signer.key_id == did.removeprefix("did:key:")


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_a_name_leads_back_to_its_key(key: bytes) -> None:
    assert public_key_of(key_id_of(key)) == key
    assert check_did(did_of(key)) == did_of(key)


GOOD = key_id_of(bytes(32))


@pytest.mark.parametrize(
    "key_id",
    [
        "",
        GOOD[1:],
        GOOD[:-1],
        GOOD + "1",
        GOOD[:-1] + "0",
        GOOD[:-1] + "é",
        "z" + base58.b58encode(b"\xec\x01" + bytes(32)).decode(),
        "z6Mk" + "x" * 1_000,
    ],
)
def test_what_names_no_key_is_refused(key_id: str) -> None:
    with pytest.raises(BadMeterName):
        public_key_of(key_id)
    with pytest.raises(BadMeterName):
        check_did("did:key:" + key_id)


def test_other_dids_are_refused() -> None:
    with pytest.raises(BadMeterName, match="did:key:"):
        check_did("did:web:example.org")
