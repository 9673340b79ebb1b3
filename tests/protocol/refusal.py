"""How tests of the executor expect a refusal: the exact error, and nothing changed."""

from __future__ import annotations

import pytest

from protocol.errors import (
    ProtocolError,
)
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Transaction
from tests.protocol.street import (
    CONTEXT,
    run,
)


def refuse(
    state: State,
    error: type[ProtocolError],
    transaction: Transaction,
    context: Context = CONTEXT,
    slot: int | None = None,
) -> ProtocolError:
    """`transaction` raises exactly `error` and leaves the state as it was."""
    before = state.root, state.accounts, state.channels, state.free_slot()
    with pytest.raises(error) as caught:
        run(state, transaction, context, slot)
    assert type(caught.value) is error
    assert (state.root, state.accounts, state.channels, state.free_slot()) == before
    assert str(caught.value)
    return caught.value
