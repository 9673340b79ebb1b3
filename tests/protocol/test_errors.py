"""Every error says what is wrong, carries its data, and survives the way between processes."""

from __future__ import annotations

import pickle
from dataclasses import fields, is_dataclass

import pytest

from protocol import errors
from protocol.errors import InvalidSignature, InvalidTransaction, ProtocolError

LEAVES = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, ProtocolError) and is_dataclass(one)
]
SAMPLES = {"str": "a thing", "int": 4_711, "object": 4_711}


def test_there_are_two_kinds_a_caller_can_tell_apart() -> None:
    assert issubclass(InvalidTransaction, ProtocolError)
    assert issubclass(InvalidSignature, ProtocolError)
    assert not issubclass(InvalidSignature, InvalidTransaction)
    assert len(LEAVES) > 20


@pytest.mark.parametrize("kind", LEAVES, ids=lambda one: str(one.__name__))
def test_an_error_has_words_data_and_a_copy(kind: type[ProtocolError]) -> None:
    values = [SAMPLES[str(field.type)] for field in fields(kind)]  # type: ignore[arg-type]
    error = kind(*values)
    assert str(error)
    assert "\n" not in str(error)
    if int in map(type, values):
        assert "4711" in str(error) or hex(4_711) in str(error)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert kind.__doc__
