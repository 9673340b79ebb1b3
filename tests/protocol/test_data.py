"""Data elements: what is packed unpacks, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import data
from protocol.channels import Lane, pack_lane
from protocol.errors import Malformed, OutOfRange
from protocol.transactions import (
    Claim,
    Close,
    Open,
    StartClose,
    TopUp,
    Transfer,
    TxType,
    Withdraw,
)


@given(st.data())
def test_any_fields_of_any_type_come_back(draw: st.DataObject) -> None:
    kind = draw.draw(st.sampled_from(list(TxType)))
    values = {
        name: draw.draw(st.integers(0, 2**bits - 1), label=name) for name, bits in data.FIELDS[kind]
    }
    record = data.unpack(data.pack(kind, values))
    assert (record.type, record.values) == (kind, values)


@given(st.integers(0, 2**256 - 1))
def test_what_unpacks_packs_to_the_same_element(element: int) -> None:
    """So one meaning has one element, and a batch cannot be written in two ways."""
    try:
        record = data.unpack(element)
    except Malformed:
        return
    assert data.pack(record.type, record.values) == element


@pytest.mark.parametrize("kind", list(TxType))
def test_one_bit_past_the_end_is_refused(kind: TxType) -> None:
    width = 4 + sum(bits for _, bits in data.FIELDS[kind])
    full = int(kind) + (((1 << width) - 1) >> 4 << 4)
    assert data.unpack(full).type is kind
    with pytest.raises(Malformed, match="longer"):
        data.unpack(full + (1 << width))


@pytest.mark.parametrize("number", range(9, 16))
def test_unknown_types_are_refused(number: int) -> None:
    with pytest.raises(Malformed, match="unknown type"):
        data.unpack(number)


@pytest.mark.parametrize("kind", [kind for kind in TxType if data.FIELDS[kind]])
def test_a_field_that_does_not_fit_is_refused_and_never_spills(kind: TxType) -> None:
    zeros = {name: 0 for name, _ in data.FIELDS[kind]}
    for name, bits in data.FIELDS[kind]:
        with pytest.raises(OutOfRange):
            data.pack(kind, {**zeros, name: 1 << bits})


def test_each_body_gives_its_own_fields() -> None:
    lane = pack_lane(5, 6)
    for element, values in (
        (
            data.transfer(Transfer(1, 2, 9, 3, 4, 8)),
            {"from_index": 1, "to_index": 2, "amount_ntok": 3, "fee_ntok": 4},
        ),
        (data.withdraw(Withdraw(1, 9, 3, 4, 8)), {"index": 1, "amount_ntok": 3, "fee_ntok": 4}),
        (
            data.open_(Open(1, 2, 9, 3, 4, 5, 8), 7),
            {
                "a_index": 1,
                "b_index": 2,
                "slot": 7,
                "deposit_ntok": 3,
                "fee_ntok": 4,
                "window_s": 5,
            },
        ),
        (
            data.top_up(TopUp(9, Lane.BA, 9, 3, 4, 8), 7),
            {"slot": 7, "side": 1, "amount_ntok": 3, "fee_ntok": 4},
        ),
        (data.claim(Claim(9, Lane.BA, lane), 7), {"slot": 7, "lane": 1, "lane_value": lane}),
        (data.start_close(StartClose(9, Lane.BA, 9, 8), 7), {"slot": 7, "side": 1}),
        (
            data.close(Close(9, lane, lane + 1, 3, 4, 8), 7),
            {"slot": 7, "lane_ab": lane, "lane_ba": lane + 1},
        ),
        (data.finalize(7), {"slot": 7}),
    ):
        assert data.unpack(element).values == values


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_headers_come_back(operator_index: int, consumed: int) -> None:
    assert data.unpack_header(data.header(operator_index, consumed)) == (operator_index, consumed)


def test_headers_that_do_not_fit_are_refused() -> None:
    for bad in ((2**24, 0), (0, 2**24), (-1, 0)):
        with pytest.raises(OutOfRange):
            data.header(*bad)
    with pytest.raises(Malformed):
        data.unpack_header(1 << 48)
