"""JSON: what is encoded comes back equal, and whatever else arrives is one typed error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import codec
from protocol.channels import Channel, Lane, Status
from protocol.crypto.field import R
from protocol.errors import Malformed, OutOfRange, ProtocolError
from protocol.inclusion import prove_account, prove_channel
from protocol.transactions import Transaction
from protocol.vouchers import Voucher
from tests.protocol.street import ANNA, BERT, DOMAIN, open_street, signed
from tests.vectors import generate

CHANNEL = Channel(1, 2, 3, 4, Status.CLOSING, 5, 2**64 - 1, 7, 2**96 - 1, 9, 10, 11)
TRANSACTIONS = [
    trace.transaction
    for proofs in generate.executed_batches()
    for proof in proofs
    for trace in proof.users
]
VOUCHER = Voucher(5, Lane.BA, 2**96 - 1, ANNA.sign(7))
DECODERS: list[Callable[[object], object]] = [
    codec.account_from_json,
    codec.channel_from_json,
    codec.signature_from_json,
    codec.transaction_from_json,
    codec.voucher_from_json,
    codec.account_inclusion_from_json,
    codec.channel_inclusion_from_json,
]


def through(encoded: object) -> Any:
    """As it arrives at the other end."""
    return json.loads(json.dumps(encoded))


def test_leaves_signatures_and_vouchers_come_back() -> None:
    account = ANNA.account(2**64 - 1, nonce=2**32 - 1)
    assert codec.account_from_json(through(codec.account_to_json(account))) == account
    assert codec.channel_from_json(through(codec.channel_to_json(CHANNEL))) == CHANNEL
    signature = ANNA.sign(99)
    assert codec.signature_from_json(through(codec.signature_to_json(signature))) == signature
    voucher = codec.voucher_from_json(through(codec.voucher_to_json(VOUCHER)))
    assert voucher == VOUCHER
    assert type(voucher.lane) is Lane


@pytest.mark.parametrize("transaction", TRANSACTIONS, ids=lambda one: one.body.TYPE.name)
def test_every_type_of_transaction_comes_back(transaction: Transaction) -> None:
    encoded = through(codec.transaction_to_json(transaction))
    assert codec.transaction_from_json(encoded) == transaction
    assert all(isinstance(value, str) for value in encoded["body"].values())


def test_inclusions_come_back_and_still_lead_to_the_root() -> None:
    state, _ = open_street()
    for index in (0, 9):
        account = prove_account(state, index)
        decoded = codec.account_inclusion_from_json(
            through(codec.account_inclusion_to_json(account))
        )
        assert decoded == account
        assert decoded.state_root() == state.root
        channel = prove_channel(state, index)
        found = codec.channel_inclusion_from_json(through(codec.channel_inclusion_to_json(channel)))
        assert found == channel
        assert found.state_root() == state.root


def test_a_transaction_id_names_body_and_signatures_not_their_spelling() -> None:
    first = TRANSACTIONS[0]
    encoded = codec.transaction_to_json(first)
    encoded["body"] = {name: "00" + text for name, text in reversed(encoded["body"].items())}
    assert codec.transaction_id(codec.transaction_from_json(encoded)) == codec.transaction_id(first)
    assert len({codec.transaction_id(one) for one in TRANSACTIONS}) == len(TRANSACTIONS)
    state, channel = open_street()
    body = generate.bodies()[10]
    again = signed(body, BERT, domain=DOMAIN)
    assert codec.transaction_id(signed(body, ANNA)) != codec.transaction_id(again)
    assert state.find_channel(0) == channel


@pytest.mark.parametrize("given_", ["0", "7", "007", str(2**256 - 1), 0, 7, 2**256 - 1])
def test_numbers_are_decimal_strings_or_json_integers(given_: object) -> None:
    assert codec.to_int("n", given_) == int(str(given_))


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1_000",
        "0x10",
        "1e3",
        "1.0",
        "²",
        "٣",
        "9" * 79,
        str(2**256),
        -1,
        2**256,
        10**4_000,
        1.0,
        float("nan"),
        True,
        None,
        [],
        {},
        b"1",
        "a" * 10_000,
    ],
)
def test_anything_else_is_malformed_in_few_words(given_: object) -> None:
    with pytest.raises(Malformed) as caught:
        codec.to_int("amount_ntok", given_)
    assert "amount_ntok" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["amount_ntok", "fee_ntok", "nonce", "valid_until"])
def test_missing_unknown_and_oversized_fields_are_named(name: str) -> None:
    good = codec.transaction_to_json(TRANSACTIONS[0])
    body = dict(good["body"])
    for changed, error in (
        ({key: value for key, value in body.items() if key != name}, Malformed),
        ({**body, "more": "1"}, Malformed),
        ({**body, name: str(2**64)}, OutOfRange),
        ({**body, name: "-1"}, Malformed),
        ({**body, name: None}, Malformed),
        ({**body, name: 1.5}, Malformed),
    ):
        with pytest.raises(error) as caught:
            codec.transaction_from_json({**good, "body": changed})
        assert name in str(caught.value) or "more" in str(caught.value)


def test_wrong_types_counts_and_enums_are_malformed() -> None:
    good = codec.transaction_to_json(TRANSACTIONS[0])
    top_up = next(
        codec.transaction_to_json(one) for one in TRANSACTIONS if one.body.TYPE.name == "TOP_UP"
    )
    wrong: list[object] = [
        {**good, "type": "mint"},
        {**good, "type": ["transfer"]},
        {**good, "type": "noop"},
        {**good, "signatures": []},
        {**good, "signatures": good["signatures"] * 2},
        {**good, "signatures": good["signatures"] * 3},
        {**good, "signatures": {}},
        {**good, "body": []},
        {**good, "more": 1},
        {**top_up, "body": {**top_up["body"], "side": "2"}},
        {"type": "transfer"},
        [],
        "transfer",
        None,
    ]
    for bad in wrong:
        with pytest.raises(Malformed):
            codec.transaction_from_json(bad)
    with pytest.raises(Malformed):
        codec.channel_from_json({**codec.channel_to_json(CHANNEL), "status": "0"})


def test_coordinates_and_responses_beyond_the_field_are_out_of_range() -> None:
    good = codec.signature_to_json(ANNA.sign(7))
    for bad in (
        {**good, "s": str(R)},
        {**good, "key": [str(R), good["key"][1]]},
        {**good, "r": [good["r"][0], str(R)]},
    ):
        with pytest.raises(OutOfRange):
            codec.signature_from_json(bad)
    for bad in ({**good, "key": good["key"][:1]}, {**good, "key": "12"}, {**good, "key": [[], {}]}):
        with pytest.raises(Malformed):
            codec.signature_from_json(bad)


def test_an_inclusion_of_another_depth_or_not_canonical_is_refused() -> None:
    state, _ = open_street()
    good = through(codec.account_inclusion_to_json(prove_account(state, 0)))
    levels = good["siblings"]
    for bad in (
        {**good, "siblings": levels[:-1]},
        {**good, "siblings": [*levels, levels[0]]},
        {**good, "siblings": [levels[0][:2], *levels[1:]]},
        {**good, "account": {}},
    ):
        with pytest.raises(Malformed):
            codec.account_inclusion_from_json(bad)
    for bad in (
        {**good, "siblings": [[str(R), "0", "0"], *levels[1:]]},
        {**good, "index": str(2**24)},
        {**good, "channels_root": str(R)},
    ):
        with pytest.raises(OutOfRange):
            codec.account_inclusion_from_json(bad)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("7")
)
keys = st.sampled_from(["type", "body", "signatures", "key", "r", "s", "index", "siblings", "x"])
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(anything)
def test_arbitrary_json_raises_nothing_but_protocol_errors(hostile: object) -> None:
    for decode in DECODERS:
        with pytest.raises(ProtocolError):
            decode(hostile)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_changed_place_in_good_json_decodes_or_is_a_protocol_error(draw: st.DataObject) -> None:
    encoded: Any = through(codec.transaction_to_json(draw.draw(st.sampled_from(TRANSACTIONS))))
    here = encoded
    while True:
        key = draw.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        if isinstance(here[key], dict | list) and here[key] and draw.draw(st.booleans()):
            here = here[key]
        else:
            here[key] = draw.draw(anything)
            break
    try:
        decoded = codec.transaction_from_json(encoded)
    except ProtocolError:
        return
    assert codec.transaction_from_json(codec.transaction_to_json(decoded)) == decoded


def test_a_thousand_unknown_fields_make_no_long_error() -> None:
    hostile = {f"field{n}" * 9: n for n in range(1_000)}
    with pytest.raises(Malformed) as caught:
        codec.transaction_from_json(hostile)
    assert len(str(caught.value)) < 600
