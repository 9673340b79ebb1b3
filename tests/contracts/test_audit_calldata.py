"""What L1 accepts, every reader of its calldata can decode: no batch stops those who follow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts import errors
from contracts.batches import submission_from_calldata
from tests.support.simulated_rollup import SimulatedRollup

WITHDRAWALS_OFFSET = 24
Y_MSG = 5  # 0 in a batch without op and withdrawal: it could pass for an empty array's length


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _pointing(words: list[bytes], offset: int) -> list[bytes]:
    return [*words[:WITHDRAWALS_OFFSET], _word(offset), *words[WITHDRAWALS_OFFSET + 1 :]]


ODD: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "the last length is cut off": lambda words: words[:-1],
    "an array at the end": lambda words: _pointing(words, 32 * len(words)),
    "an array past the end": lambda words: _pointing(words, 32 * len(words) + 640),
    "an array before the beginning": lambda words: _pointing(words, 2**256 - 32),
    "an array in the head": lambda words: _pointing(words, 32 * Y_MSG),
    "two arrays in one place": lambda words: _pointing(
        words, int.from_bytes(words[WITHDRAWALS_OFFSET - 1], "big")
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_array_stands_where_every_decoder_finds_it(shared: SimulatedRollup, name: str) -> None:
    honest = shared.honest(1)
    calldata = honest.calldata()
    words = [calldata[i : i + 32] for i in range(4, len(calldata), 32)]
    with pytest.raises(errors.BadCalldata):
        shared.client.call(calldata[:4] + b"".join(ODD[name](words)), shared.client.account.address)


def test_bytes_after_the_arguments_hurt_nobody(shared: SimulatedRollup) -> None:
    honest = shared.honest(1)
    longer = honest.calldata() + b"\1" * 33
    shared.client.call(longer, shared.client.account.address)
    assert submission_from_calldata(longer, 0) == honest
