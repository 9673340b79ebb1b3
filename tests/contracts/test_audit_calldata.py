"""What L1 accepts, every reader of its calldata can decode: no batch stops those who follow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts import errors
from contracts.batches import submission_from_calldata
from tests.support.simulated_rollup import SimulatedRollup, payout

ARRAYS = {"proofs": 1, "data": 2, "ops": 3, "withdrawals": 4}
"""The word of the head that holds each array's offset; word 0 is l1_time."""
SECOND_ELEMENT = 29  # of the data, and 0: it could pass for an empty array's length


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _pointing(words: list[bytes], array: int, offset: int) -> list[bytes]:
    return [*words[:array], _word(offset), *words[array + 1 :]]


ODD: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "at the end": lambda words, array: _pointing(words, array, 32 * len(words)),
    "past the end": lambda words, array: _pointing(words, array, 32 * len(words) + 640),
    "before the beginning": lambda words, array: _pointing(words, array, 2**256 - 32),
    "in another array": lambda words, array: _pointing(words, array, 32 * SECOND_ELEMENT),
    "a word late": lambda words, array: _pointing(words, array, _offset(words, array) + 32),
    "a word early": lambda words, array: _pointing(words, array, _offset(words, array) - 32),
    "where the array before it is": lambda words, array: _pointing(
        words, array, _offset(words, array - 1 or 4)
    ),
}


def _offset(words: list[bytes], array: int) -> int:
    return int.from_bytes(words[array], "big")


def _words(calldata: bytes) -> list[bytes]:
    return [calldata[i : i + 32] for i in range(4, len(calldata), 32)]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_stands_where_every_decoder_finds_it(
    shared: SimulatedRollup, array: str, name: str
) -> None:
    calldata = shared.honest(1).calldata()
    odd = calldata[:4] + b"".join(ODD[name](_words(calldata), ARRAYS[array]))
    refusals: tuple[type[errors.Reverted], ...] = (errors.BadCalldata,)
    if array != "withdrawals" or name == "before the beginning":
        refusals += (errors.MalformedCalldata,)  # the compiler finds that no such array is there
    with pytest.raises(refusals):
        shared.client.call(odd, shared.client.account.address)


@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_stands_nowhere_else_even_if_it_is_whole(
    rollup: SimulatedRollup, array: str
) -> None:
    """The same batch with a copy of the array at the end, and its offset pointing there."""
    rollup.fill_queue(1)
    honest = rollup.honest_batch([1, 2], rollup.queue(1, 1), (payout(0, 40 * "1", 5),))
    calldata = honest.calldata()
    words, place = _words(calldata), ARRAYS[array]
    begins = [*sorted(_offset(words, one) // 32 for one in ARRAYS.values()), len(words)]
    start = begins.index(_offset(words, place) // 32)
    moved = _pointing(words, place, 32 * len(words)) + words[begins[start] : begins[start + 1]]
    decoded = submission_from_calldata(calldata[:4] + b"".join(moved), 1)
    assert decoded == honest  # for a decoder that follows offsets
    with pytest.raises(errors.BadCalldata):
        rollup.client.call(calldata[:4] + b"".join(moved), rollup.client.account.address)


def test_an_array_that_is_cut_off_is_refused(shared: SimulatedRollup) -> None:
    """What is missing at the end would read as zeros: here the withdrawals' length, 0."""
    calldata = shared.honest(1).calldata()
    shared.client.call(calldata, shared.client.account.address)
    with pytest.raises(errors.BadCalldata):
        shared.client.call(calldata[:-32], shared.client.account.address)


def test_two_empty_arrays_cannot_share_a_place(shared: SimulatedRollup) -> None:
    """Ops and withdrawals are both empty: each would decode from the other's place."""
    calldata = shared.honest(1).calldata()
    words = _words(calldata)
    shared_place = _pointing(words, ARRAYS["ops"], _offset(words, ARRAYS["withdrawals"]))
    with pytest.raises(errors.BadCalldata):
        shared.client.call(calldata[:4] + b"".join(shared_place), shared.client.account.address)


def test_a_proof_between_two_others_cannot_be_reached_twice(shared: SimulatedRollup) -> None:
    """Proofs are read from memory and their positions follow from their number alone."""
    calldata = shared.honest_batch([1, 2]).calldata()
    words = _words(calldata)
    for array in ARRAYS.values():
        odd = _pointing(words, array, _offset(words, array) + 32 * 21)
        with pytest.raises((errors.BadCalldata, errors.MalformedCalldata)):
            shared.client.call(calldata[:4] + b"".join(odd), shared.client.account.address)


def test_bytes_after_the_arguments_hurt_nobody(shared: SimulatedRollup) -> None:
    honest = shared.honest(1)
    longer = honest.calldata() + b"\1" * 33
    shared.client.call(longer, shared.client.account.address)
    assert submission_from_calldata(longer, 0) == honest
