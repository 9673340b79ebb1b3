"""Type 3 transactions: signed without the blob, sent with it, and replaced by what offers more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from contracts.blob_transactions import Sidecar, network_form, parts_of
from contracts.chain import Chain
from contracts.errors import RpcRefused
from contracts.fees import BLOB_FEE_FLOOR_WEI, Fees, highest
from contracts.kzg import KzgUnavailable, commitment_to, is_blob_of, load_setup, open_at, opens
from contracts.transactions import Sender
from protocol.batch import evaluate
from protocol.blobs import BLOB_BYTES, blob_of
from protocol.crypto.field import R
from tests.support.kzg_on_chain import warm_up

DATA = (5, 0, R - 1, 7)
SIDECAR, OTHER = Sidecar.of(blob_of(DATA)), Sidecar.of(blob_of([1]))


def test_a_transaction_with_a_blob_is_mined_and_names_it(chain: Chain) -> None:
    warm_up(chain.url)
    sender = Sender(chain.rpc, chain.accounts[6])
    receipt = sender.send_blob(chain.accounts[7].address, b"", SIDECAR)
    assert receipt.succeeded
    assert receipt.gas_used == 21_000
    found = chain.rpc.call("eth_getTransactionByHash", "0x" + receipt.transaction_hash.hex())
    sent = chain.rpc.parse_object("", found)
    assert sent["blobVersionedHashes"] == ["0x" + SIDECAR.versioned_hash.hex()]
    assert int(str(sent["maxFeePerBlobGas"]), 16) == BLOB_FEE_FLOOR_WEI


def test_the_signature_covers_the_hash_and_not_the_blob(chain: Chain) -> None:
    """A node refuses another blob under the signed name; the name itself cannot be changed."""
    warm_up(chain.url)
    sender = Sender(chain.rpc, chain.accounts[6])
    to = chain.accounts[7].address
    prepared = sender.prepare(to, b"", sidecar=SIDECAR)
    parts = parts_of(prepared.raw_bytes)
    assert parts is not None
    signed, blobs = parts
    assert blobs == (SIDECAR.blob,)
    assert Account.recover_transaction(signed) == sender.address
    swapped = replace(prepared, raw_bytes=network_form(signed, OTHER))
    with pytest.raises(RpcRefused):
        sender.broadcast(swapped)
    sender.broadcast(prepared)
    sender.broadcast(prepared)
    assert sender.wait(prepared.transaction_hash).succeeded


def test_what_is_not_in_the_network_form_is_told_apart() -> None:
    assert parts_of(b"\x02\xc0") is None
    assert parts_of(b"\x03\xc0") is None
    assert parts_of(b"\x03\xff") is None
    assert parts_of(b"") is None


def test_a_replacement_offers_twice_every_fee_of_what_it_replaces(anvil: Chain) -> None:
    sender = Sender(anvil.rpc, anvil.accounts[6])
    first = sender.prepare(anvil.accounts[7].address, b"", sidecar=SIDECAR)
    nonce, rich = first.nonce, Fees(first.max_fee_wei + 10, 3, 10**12)
    again = sender.prepare(
        anvil.accounts[7].address, b"", nonce=nonce, sidecar=SIDECAR, replaced=rich
    )
    assert again.nonce == nonce
    assert again.fees == Fees(2 * (first.max_fee_wei + 10), first.tip_wei, 2 * 10**12)
    assert highest([]) is None
    assert highest([Fees(1, 9, 2), Fees(3, 4, 5)]) == Fees(3, 9, 5)


def test_a_transaction_is_outbid_in_gas_or_in_blob_gas(
    anvil: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(anvil.rpc, anvil.accounts[6])
    monkeypatch.setattr(sender, "_base_fee_wei", lambda: 1_000)
    monkeypatch.setattr(sender, "_blob_base_fee_wei", lambda: 50)
    assert not sender.is_outbid(Fees(1_000, 900))
    assert sender.is_outbid(Fees(999, 1))
    assert not sender.is_outbid(Fees(1_000, 1, 50))
    assert sender.is_outbid(Fees(1_000, 1, 49))


def test_an_opening_is_the_polynomials_value() -> None:
    for z in (0, 5, R - 1):
        opening = open_at(SIDECAR.blob, z)
        assert opening.y == evaluate(DATA, z)
        assert opens(SIDECAR.commitment, z, opening.y, opening.proof)
        assert not opens(SIDECAR.commitment, z, (opening.y + 1) % R, opening.proof)
        assert not opens(OTHER.commitment, z, opening.y, opening.proof)
        assert not opens(SIDECAR.commitment, z, opening.y + R, opening.proof)
        assert not opens(bytes(48), z, opening.y, opening.proof)
        assert not opens(b"", z, opening.y, opening.proof)


def test_only_the_blob_itself_has_its_hash() -> None:
    blob = SIDECAR.blob
    assert is_blob_of(blob, SIDECAR.versioned_hash)
    for wrong in (blob[:-1], blob + b"\0", OTHER.blob, b"", b"\xff" * BLOB_BYTES):
        assert not is_blob_of(wrong, SIDECAR.versioned_hash)
    for no_blob in (b"", b"\xff" * BLOB_BYTES):
        with pytest.raises(KzgUnavailable, match="no blob"):
            commitment_to(no_blob)
    with pytest.raises(KzgUnavailable):
        open_at(blob, R)


def test_a_setup_that_is_not_the_ceremonys_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("contracts.kzg._loaded", [])
    monkeypatch.setattr("contracts.kzg.TRUSTED_SETUP", f"{tmp_path}/nothing")
    with pytest.raises(KzgUnavailable, match="cannot be read"):
        load_setup()
    monkeypatch.setattr("contracts.kzg.TRUSTED_SETUP", __file__)
    with pytest.raises(KzgUnavailable, match="not the ceremony's"):
        load_setup()
