"""Blobs hold a polynomial's coefficients as EIP-4844 has it; what holds more is refused."""

from __future__ import annotations

import random

import pytest

from protocol.batch import evaluate
from protocol.blobs import (
    BLOB_BYTES,
    BLOB_ELEMENTS,
    PRIMITIVE_ROOT,
    blob_of,
    coefficients_of,
    versioned_hash,
)
from protocol.crypto.field import R
from protocol.errors import MalformedBlob, OutOfRange

DATA = tuple(random.Random(4844).randrange(R) for _ in range(190))


def test_an_element_is_the_polynomial_at_its_root_of_unity_in_bit_reversed_order() -> None:
    root, blob = pow(PRIMITIVE_ROOT, (R - 1) // BLOB_ELEMENTS, R), blob_of(DATA)
    assert len(blob) == BLOB_BYTES
    for place in (0, 1, 2, 3, 1_000, 4_095):
        exponent = int(f"{place:012b}"[::-1], 2)
        value = int.from_bytes(blob[32 * place : 32 * place + 32], "big")
        assert value == evaluate(DATA, pow(root, exponent, R))


@pytest.mark.parametrize("data", [(), (7,), (0, R - 1), DATA, tuple(range(BLOB_ELEMENTS))])
def test_coefficients_come_back(data: tuple[int, ...]) -> None:
    assert coefficients_of(blob_of(data), len(data)) == data


@pytest.mark.parametrize("beyond", [190, 191, BLOB_ELEMENTS - 1])
def test_a_blob_with_a_coefficient_past_the_data_is_refused(beyond: int) -> None:
    odd = [*DATA, *(BLOB_ELEMENTS - len(DATA)) * [0]]
    odd[beyond] = 1
    with pytest.raises(MalformedBlob, match=f"coefficient {beyond} is not 0"):
        coefficients_of(blob_of(odd), len(DATA))


def test_what_is_no_blob_is_refused() -> None:
    for length in (0, BLOB_BYTES - 1, BLOB_BYTES + 32):
        with pytest.raises(MalformedBlob, match="bytes"):
            coefficients_of(bytes(length), 1)
    with pytest.raises(MalformedBlob, match="below r"):
        coefficients_of(bytes(BLOB_BYTES - 32) + R.to_bytes(32, "big"), 1)


def test_what_does_not_fit_a_blob_is_refused() -> None:
    with pytest.raises(MalformedBlob, match="4097 coefficients"):
        blob_of((BLOB_ELEMENTS + 1) * [0])
    for wrong in (R, -1):
        with pytest.raises(OutOfRange):
            blob_of([wrong])


def test_the_versioned_hash_is_the_eips() -> None:
    """The commitment to the zero polynomial is the point at infinity; its hash is well known."""
    named = versioned_hash(b"\xc0" + bytes(47))
    assert named.hex() == "010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"
