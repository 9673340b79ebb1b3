"""anvil without auto-mining, with a batch that waits to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chain import Chain, ChainUnavailable, start_chain
from tests.property.test_batches_on_l1 import Rollout
from tests.sequencer.l1.sending import Sending


@pytest.fixture(scope="module")
def anvil() -> Iterator[Chain]:
    try:
        chain = start_chain("anvil")
    except ChainUnavailable as error:
        pytest.skip(f"the anvil tests DID NOT RUN: {error}")
    with chain:
        yield chain


@pytest.fixture
def sending(anvil: Chain, tmp_path: Path) -> Iterator[Sending]:
    made = Rollout(anvil, tmp_path, most_proofs=1, seed=3)
    for index in range(2):
        made.client.new_account(5 + index, made.client.account.address, 10**6)
    made.watch()
    assert len(made.seal()) == 1
    anvil.rpc.call("evm_setAutomine", False)
    sending = Sending(made)
    sending.mine()
    yield sending
    anvil.rpc.call("anvil_dropAllTransactions")
    anvil.rpc.call("evm_setAutomine", True)
    sending.mine()
    made.database.close()
