"""The reserve alarm goes off before a batch cannot be paid for; L1's price reaches the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.fees import GWEI, TIP_WEI, Prices
from protocol.blobs import BLOB_BYTES
from sequencer.l1.market import FIRST_GAS, Market, batch_cost_wei
from sequencer.metrics import Metrics
from tests.property.test_batches_on_l1 import Rollout

ALARM_BATCHES = 200
BASE_FEE_WEI = 7 * GWEI


@pytest.fixture(scope="module")
def anvil() -> Iterator[Chain]:
    try:
        chain = start_chain("anvil")
    except ChainUnavailable as error:
        pytest.skip(f"the anvil tests DID NOT RUN: {error}")
    with chain:
        yield chain


@pytest.fixture
def rollout(anvil: Chain, tmp_path: Path) -> Iterator[Rollout]:
    made = Rollout(anvil, tmp_path, most_proofs=1, seed=5)
    yield made
    anvil.rpc.call("anvil_setBalance", made.client.account.address, hex(10**22))
    made.database.close()


def _mine_at(rollout: Rollout, base_fee_wei: int) -> None:
    rollout.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
    rollout.chain.mine()


def _hold(rollout: Rollout, wei: int) -> None:
    rollout.chain.rpc.call("anvil_setBalance", rollout.client.account.address, hex(wei))


def test_a_reserve_for_too_few_batches_is_an_ailment_until_there_is_more(rollout: Rollout) -> None:
    metrics = Metrics()
    market = Market(rollout.client, rollout.ledger, ALARM_BATCHES, metrics)
    assert market.ailments() == {}, "nothing is known yet"
    _mine_at(rollout, BASE_FEE_WEI)
    cost_wei = FIRST_GAS * (BASE_FEE_WEI + TIP_WEI)
    _hold(rollout, ALARM_BATCHES * cost_wei)
    assert market.step() is False
    assert market.ailments() == {}
    assert rollout.ledger.base_fee_wei == BASE_FEE_WEI
    _hold(rollout, ALARM_BATCHES * cost_wei - 1)
    market.step()
    said = market.ailments()["reserve"]
    assert rollout.client.account.address in said
    assert f"enough for {ALARM_BATCHES - 1} batches" in said
    value = metrics.registry.get_sample_value
    assert value("wattlane_reserve_batches") == ALARM_BATCHES - 1
    assert value("wattlane_reserve_ether") == (ALARM_BATCHES * cost_wei - 1) / 10**18
    assert value("wattlane_l1_base_fee_gwei") == BASE_FEE_WEI / GWEI
    _mine_at(rollout, BASE_FEE_WEI // 2)
    market.step()
    assert market.ailments() == {}, "L1 has become cheaper"


def test_the_cost_is_that_of_recent_batches(rollout: Rollout) -> None:
    rollout.client.new_account(5, rollout.client.account.address, 10**6)
    rollout.watch()
    rollout.seal()
    rollout.land()
    (batch,) = rollout.client.batches()
    gas = rollout.client.rpc.parse_object(
        "",
        rollout.client.rpc.call("eth_getTransactionReceipt", "0x" + batch.transaction_hash.hex()),
    )["gasUsed"]
    market = Market(rollout.client, rollout.ledger, 1, Metrics())
    _mine_at(rollout, BASE_FEE_WEI)
    market.step()
    assert market.reserve is not None
    assert market.reserve.batch_wei == int(str(gas), 16) * (BASE_FEE_WEI + TIP_WEI)


def test_a_blob_is_paid_for_besides() -> None:
    prices = Prices(base_fee_wei=9, blob_base_fee_wei=5)
    assert batch_cost_wei(10, prices, False) == 10 * (9 + TIP_WEI)
    assert batch_cost_wei(10, prices, True) == 10 * (9 + TIP_WEI) + BLOB_BYTES * 5
