"""Records: small enough, the same when read back, and sealed ones open for their key alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.errors import BadHandover
from channels.handover import (
    MOST_RECORD_BYTES,
    Handover,
    Kind,
    LaneName,
    clear,
    key_of,
    opened,
    sealed,
    unpack_voucher,
)
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.units import LANE_BITS
from tests.channels.street import LEAF, voucher

KEY = bytes(range(32))
VOUCHER = voucher((700 << 40) + 35)
NAME = LaneName(LEAF.id, Lane.AB)


def test_a_clear_record_is_the_voucher() -> None:
    given = clear(VOUCHER)
    assert (given.name, given.number, given.kind) == (NAME, VOUCHER.lane_value, Kind.CLEAR)
    assert unpack_voucher(given.name, given.body) == VOUCHER


def test_a_sealed_record_opens_for_its_key_and_lane_alone() -> None:
    given = sealed(VOUCHER, KEY, 7)
    assert opened(given, KEY) == VOUCHER
    assert sealed(VOUCHER, KEY, 7).record != given.record, "never the same nonce"
    with pytest.raises(BadHandover):
        opened(given, bytes(32))
    with pytest.raises(BadHandover):
        opened(replace(given, name=LaneName(LEAF.id, Lane.BA)), KEY)
    flipped = bytearray(given.record)
    flipped[40] ^= 1
    with pytest.raises(BadHandover):
        opened(replace(given, record=bytes(flipped)), KEY)


def test_a_sealed_record_shows_nothing_of_the_voucher() -> None:
    """Neither value nor signature, and its length is that of every other one."""
    plain = clear(VOUCHER).body
    record = sealed(VOUCHER, KEY, 7).record
    windows = {plain[i : i + 4] for i in range(len(plain) - 3)} - {bytes(4)}
    assert not any(window in record for window in windows)
    highest = voucher((1 << LANE_BITS) - 1)
    assert len(sealed(highest, KEY, 8).record) == len(record)


@pytest.mark.parametrize(
    "given",
    [
        clear(voucher((1 << LANE_BITS) - 1)),
        sealed(VOUCHER, KEY, (1 << 64) - 1),
        key_of(NAME, KEY, 1),
    ],
)
def test_a_lane_is_at_most_256_bytes_with_all_that_is_stored_beside_it(given: Handover) -> None:
    client, number = 8, LANE_BITS // 8
    stored = len(given.name.to_bytes()) + client + number + len(given.record)
    assert stored <= MOST_RECORD_BYTES


@pytest.mark.parametrize(
    "record", [b"", b"\x00", b"\x04" + bytes(172), clear(VOUCHER).record[:-1], b"\x02" + bytes(9)]
)
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(BadHandover):
        _ = Handover(NAME, 1, record).kind


def test_elements_that_are_none_are_refused() -> None:
    body = bytearray(clear(VOUCHER).body)
    body[12:44] = R.to_bytes(32, "big")
    with pytest.raises(BadHandover):
        unpack_voucher(NAME, bytes(body))
