"""A receipt against L1: each promise that can be broken is found broken, and no honest one is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from contracts.endorsements import Operators
from protocol.channels import Lane, channel_id, pack_lane
from protocol.codec import Json, transaction_id, transaction_to_json
from protocol.errors import ReplayMismatch
from protocol.receipts import endorsement_text, receipt_file
from protocol.transactions import (
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
from protocol.units import DAY_S
from sequencer.receipts import Receipt, ReceiptKey
from tests.protocol.street import ANNA, BERT, Home, signed
from tests.wattlane.records import DOMAIN, FOR_EVER, START, record
from wattlane.receipt_check import BadReceipt, Finding, Verdict, judge, read_receipt

OPERATOR = Account.from_key(bytes([7]) * 32)
KEY = ReceiptKey.derive(bytes([7]) * 32)
FINAL = 6
FIRST, SECOND = channel_id(0, 1, 0), channel_id(0, 1, 1)
LATER = START + 30 * DAY_S
KEPT, OPEN, BROKEN, VOID = Verdict.KEPT, Verdict.OPEN, Verdict.BROKEN, Verdict.VOID


def endorsed(key: ReceiptKey = KEY, domain: int = DOMAIN) -> str:
    text = encode_defunct(text=endorsement_text(domain, key.public))
    return "0x" + bytes(OPERATOR.sign_message(text).signature).hex()


def own(
    body: Transfer | Withdraw | Open | TopUp | StartClose | Claim | Close, *who: Home
) -> Transaction:
    return signed(body, *who, domain=DOMAIN)


TRANSFER = own(Transfer(0, 1, 2, 1_000, 25, FOR_EVER), ANNA)
"""In batch 4, at position 2; batch 4 is accepted at START + 312."""


def file_of(
    transaction: Transaction,
    deadline: int = LATER,
    status: str = "soft",
    batch: int = 0,
    position: int = 0,
) -> Json:
    receipt = Receipt(transaction_id(transaction), status, batch, position, 9, deadline)
    document = receipt_file(
        transaction_to_json(transaction),
        KEY.sign(DOMAIN, receipt),
        DOMAIN,
        KEY.public,
        endorsed(),
    )
    read: Json = json.loads(json.dumps(document))
    return read


def judged(given: Json, final: int = FINAL, l1_time: int = LATER + 1) -> list[Finding]:
    kept = read_receipt(given, DOMAIN, Operators(frozenset({OPERATOR.address.lower()})))
    return judge(record(), final, l1_time, kept)


def verdicts(given: Json, final: int = FINAL, l1_time: int = LATER + 1) -> list[Verdict]:
    return [one.verdict for one in judged(given, final, l1_time)]


@pytest.mark.parametrize(
    ("transaction", "batch", "position"),
    [
        (own(Open(0, 1, 0, 400_000, 0, DAY_S, FOR_EVER), ANNA), 2, 0),
        (own(Open(0, 1, 1, 300_000, 0, DAY_S, FOR_EVER), ANNA), 2, 1),
        (own(TopUp(FIRST, Lane.BA, 0, 50_000, 0, FOR_EVER), BERT), 2, 2),
        (own(Close(FIRST, pack_lane(1_200, 240_000), 0, 400_000, 50_000, 1), ANNA, BERT), 3, 0),
        (own(StartClose(SECOND, Lane.BA, 1, FOR_EVER), BERT), 4, 0),
        (own(Claim(SECOND, Lane.AB, pack_lane(900, 180_000)), ANNA), 4, 1),
        (TRANSFER, 4, 2),
        (Transaction(Finalize(SECOND)), 5, 0),
        (own(Withdraw(1, 2, 200_000, 0, FOR_EVER), BERT), 5, 1),
        (own(Withdraw(0, 4, 11, 0, FOR_EVER), ANNA), 6, 0),
        (own(Withdraw(1, 4, 13, 0, FOR_EVER), BERT), 6, 2),
    ],
    ids=lambda given: given.body.TYPE.name if isinstance(given, Transaction) else str(given),
)
def test_every_kind_is_found_where_l1_has_it_and_nowhere_else(
    transaction: Transaction, batch: int, position: int
) -> None:
    assert verdicts(file_of(transaction, LATER, "final", batch, position)) == [KEPT, KEPT]
    for wrong in ((batch, position + 1), (batch + 1, position), (batch - 1, position)):
        by_deadline, at_place = judged(file_of(transaction, LATER, "final", *wrong))
        assert (by_deadline.verdict, at_place.verdict) == (KEPT, BROKEN)
        assert f"position {position} of batch {batch}" in at_place.why


def test_a_transaction_that_comes_after_its_deadline_is_a_broken_promise() -> None:
    assert verdicts(file_of(TRANSFER, START + 312)) == [KEPT]
    (late,) = judged(file_of(TRANSFER, START + 311))
    assert late.verdict is BROKEN
    assert f"accepted at {START + 312}" in late.why


def test_a_transaction_that_never_comes_is_broken_once_the_deadline_is_final() -> None:
    left_out = own(Transfer(0, 1, 5, 3, 0, FOR_EVER), ANNA)
    given = file_of(left_out, START + 7 * DAY_S)
    assert verdicts(given, l1_time=START + 7 * DAY_S) == [OPEN]
    assert verdicts(given, l1_time=START + 7 * DAY_S + 1) == [BROKEN]


@pytest.mark.parametrize("status", ["soft", "sealed", "proved"])
def test_until_it_is_final_the_place_of_a_transaction_is_no_promise(status: str) -> None:
    """An honest operator seals a batch anew: L1's time was too old, or an earlier one expired."""
    assert verdicts(file_of(TRANSFER, LATER, status, 4, 1)) == [KEPT]


def test_what_was_only_accepted_frames_nobody() -> None:
    """Nonce 5 offered before nonce 4 is rejected; it would have applied once 4 is in a batch."""
    ahead = own(Transfer(0, 1, 5, 3, 0, FOR_EVER), ANNA)
    assert verdicts(file_of(ahead, START + 7 * DAY_S, "soft")) == [BROKEN]
    (void,) = judged(file_of(ahead, START + 7 * DAY_S, "accepted"))
    assert void.verdict is VOID
    assert "nothing is promised" in void.why
    assert verdicts(file_of(TRANSFER, START + 1, "accepted")) == [VOID]
    assert verdicts(file_of(ahead, START + 7 * DAY_S, "whatever")) == [VOID]


def test_a_transaction_that_the_household_made_impossible_is_void() -> None:
    spent = own(Transfer(0, 1, 2, 7, 0, FOR_EVER), ANNA)
    (void,) = judged(file_of(spent, START + 7 * DAY_S))
    assert void.verdict is VOID
    assert "nonce" in void.why


def test_what_expires_before_the_deadline_is_void_and_what_lives_until_then_is_not() -> None:
    deadline = START + 7 * DAY_S
    expired = own(Transfer(0, 1, 5, 3, 0, deadline - 1), ANNA)
    (void,) = judged(file_of(expired, deadline))
    assert void.verdict is VOID
    assert "expired" in void.why
    alive = own(Transfer(0, 1, 5, 3, 0, deadline), ANNA)
    assert verdicts(file_of(alive, deadline)) == [BROKEN]


def test_a_final_place_is_open_where_this_l1_has_not_come_so_far_and_else_must_hold_it() -> None:
    before = {"final": 3, "l1_time": START + 250}
    assert verdicts(file_of(TRANSFER, LATER, "final", 4, 2), **before) == [OPEN, OPEN]
    absent = own(Transfer(0, 1, 9, 3, 0, FOR_EVER), ANNA)
    assert verdicts(file_of(absent, LATER, "final", 3, 0), **before) == [OPEN, BROKEN]


def test_another_amount_or_nonce_is_another_transaction() -> None:
    for body in (
        Transfer(0, 1, 2, 1_001, 25, FOR_EVER),
        Transfer(0, 1, 3, 1_000, 25, FOR_EVER),
        Transfer(1, 0, 2, 1_000, 25, FOR_EVER),
        StartClose(SECOND, Lane.BA, 2, FOR_EVER),
        Claim(FIRST, Lane.AB, pack_lane(900, 180_000)),
    ):
        given = file_of(own(body, ANNA), 0, "final", 4, 2)
        assert verdicts(given) == [BROKEN]


def test_what_nobody_signed_or_stands_behind_is_no_receipt() -> None:
    good = file_of(TRANSFER)
    other = ReceiptKey.derive(bytes(32))
    key = [str(other.public.x), str(other.public.y)]
    forged = other.sign(DOMAIN, Receipt(transaction_id(TRANSFER), "soft", 0, 0, 9, 5))
    text = transaction_to_json(own(Transfer(0, 1, 2, 1, 25, FOR_EVER), ANNA))
    for wrong, word in (
        ({"receipt": good["receipt"] | {"deadline": "1"}}, "did not sign"),
        ({"receipt": good["receipt"] | {"status": "final"}}, "did not sign"),
        ({"receipt_key": key}, "did not sign"),
        ({"receipt_key": key, "receipt": forged}, "not the operator"),
        ({"endorsement": endorsed(domain=DOMAIN + 1)}, "not the operator"),
        ({"endorsement": "0x1234"}, "no signature"),
        ({"endorsement": ""}, "no signature"),
        ({"domain": str(DOMAIN + 1)}, "another rollup"),
        ({"transaction": text}, "another transaction"),
        ({"transaction": 7}, "not a JSON object"),
        ({"receipt": []}, "JSON object"),
    ):
        with pytest.raises(BadReceipt, match=word):
            judged(good | wrong)
    for name in good:
        with pytest.raises(BadReceipt):
            judged({field: value for field, value in good.items() if field != name})
    with pytest.raises(BadReceipt, match="no JSON object"):
        read_receipt([], DOMAIN, Operators(frozenset()))
    with pytest.raises(BadReceipt, match="promises nothing"):
        judged(file_of(TRANSFER, deadline=0))


def test_data_that_lead_elsewhere_are_no_evidence() -> None:
    whole = record()
    batch = whole.batches[3]
    proofs = (replace(batch.submission.proofs[0], new_root=1),)
    lying = replace(batch, submission=replace(batch.submission, proofs=proofs))
    changed = replace(whole, batches=(*whole.batches[:3], lying, *whole.batches[4:]))
    kept = read_receipt(file_of(TRANSFER), DOMAIN, Operators(frozenset({OPERATOR.address})))
    with pytest.raises(ReplayMismatch):
        judge(changed, FINAL, LATER, kept)
