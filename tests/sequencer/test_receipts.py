from __future__ import annotations

from dataclasses import replace

from protocol.codec import signature_from_json
from sequencer.receipts import Receipt, ReceiptKey, is_signed
from tests.protocol.street import DOMAIN

KEY = ReceiptKey.derive(bytes(range(32)))
RECEIPT = Receipt("ab" * 32, "soft", 3, 1, 12345, 99)


def test_a_receipt_binds_everything_that_it_says() -> None:
    signature = signature_from_json(KEY.sign(DOMAIN, RECEIPT)["signature"])
    assert is_signed(KEY.public, DOMAIN, RECEIPT, signature)
    for other in (
        replace(RECEIPT, id="cd" * 32),
        replace(RECEIPT, status="final"),
        replace(RECEIPT, batch=4),
        replace(RECEIPT, position=2),
        replace(RECEIPT, state_root=1),
        replace(RECEIPT, deadline=98),
        replace(RECEIPT, deadline=0),
    ):
        assert not is_signed(KEY.public, DOMAIN, other, signature)
    assert not is_signed(KEY.public, DOMAIN + 1, RECEIPT, signature)


def test_the_receipt_key_is_the_l1_keys_and_nobody_elses() -> None:
    assert ReceiptKey.derive(bytes(range(32))).public == KEY.public
    other = ReceiptKey.derive(bytes(32))
    assert other.public != KEY.public
    signature = signature_from_json(other.sign(DOMAIN, RECEIPT)["signature"])
    assert not is_signed(KEY.public, DOMAIN, RECEIPT, signature)
