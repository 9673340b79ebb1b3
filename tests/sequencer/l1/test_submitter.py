"""A batch that the fee market has left behind is offered again for more, and lands once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.blob_sources import WantedBlob
from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.kzg import is_blob_of
from contracts.transactions import PreparedTransaction
from sequencer.l1.stored_blobs import StoredBlobs
from sequencer.l1.submitter import Submitter
from sequencer.sealing import DataMode
from sequencer.storage import sent
from sequencer.storage.schema import L1Status
from sequencer.storage.sent import SentRow
from tests.property.test_batches_on_l1 import Rollout
from tests.support.kzg_on_chain import warm_up

DEAR_WEI = 10**12
USUAL_WEI = 10**9


@pytest.fixture(scope="module")
def anvil() -> Iterator[Chain]:
    try:
        chain = start_chain("anvil")
    except ChainUnavailable as error:
        pytest.skip(f"the anvil tests DID NOT RUN: {error}")
    with chain:
        warm_up(chain.url)
        yield chain


@pytest.fixture
def rollout(anvil: Chain, tmp_path: Path) -> Iterator[Rollout]:
    """A rollup with one batch, in a blob, that waits to be sent by a submitter that never waits."""
    made = Rollout(anvil, tmp_path, most_proofs=1, seed=3)
    made.seal_into(DataMode.BLOB)
    for index in range(2):
        made.client.new_account(5 + index, made.client.account.address, 10**6)
    made.watch()
    assert len(made.seal()) == 1
    stopping = threading.Event()
    stopping.set()
    made.submitter = Submitter(made.client, made.ledger, time.time, stopping)
    yield made
    made.chain.rpc.call("evm_setAutomine", True)
    made.database.close()


def _rows(rollout: Rollout) -> list[SentRow]:
    with rollout.database.read() as connection:
        return sent.of_batch(connection, 1)


def _mine_dear_block(chain: Chain) -> None:
    """The next block asks more for gas than anyone expected; later ones ask as usual again."""
    chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(DEAR_WEI))
    chain.mine()


def test_a_stuck_batch_is_replaced_under_its_nonce_and_accepted_once(rollout: Rollout) -> None:
    rpc = rollout.chain.rpc
    rpc.call("evm_setAutomine", False)
    assert rollout.submitter.step()
    (first,) = _rows(rollout)
    assert first.status is L1Status.SENT
    assert rollout.submitter.step()
    assert [row.hash for row in _rows(rollout)] == [first.hash], "it is not outbid: sent again"

    _mine_dear_block(rollout.chain)
    assert rollout.client.progress().batches == 0
    assert rollout.submitter.step()
    _, second = _rows(rollout)
    assert (second.nonce, second.seal_id) == (first.nonce, first.seal_id)
    assert second.fees.max_fee_wei >= max(2 * first.fees.max_fee_wei, 2 * DEAR_WEI)
    assert second.fees.tip_wei == 2 * first.fees.tip_wei
    assert second.fees.max_blob_fee_wei == 2 * first.fees.max_blob_fee_wei
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(USUAL_WEI))
    rollout.chain.mine()
    assert rollout.client.progress().batches == 1
    assert rollout.submitter.step()
    assert {row.hash: row.status for row in _rows(rollout)}[second.hash] is L1Status.SUCCEEDED
    assert rollout.client.batch(1) is not None


def test_signed_bytes_and_blob_are_stored_before_anything_is_sent(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def killed(prepared: PreparedTransaction) -> None:
        (row,) = _rows(rollout)
        assert row.status is L1Status.INTENDED
        assert row.raw == prepared.raw_bytes
        (batch,) = rollout.ledger.book.chain
        assert batch.sealed.sidecar is not None
        named = batch.sealed.sidecar.versioned_hash
        wanted = WantedBlob(named, batch=1, block_number=0, timestamp=0)
        (blob,) = StoredBlobs(rollout.database).candidates(wanted)
        assert is_blob_of(blob, named)
        assert blob in row.raw
        seen.append(named)
        raise KeyboardInterrupt

    monkeypatch.setattr(rollout.client.sender, "broadcast", killed)
    with pytest.raises(KeyboardInterrupt):
        rollout.submitter.step()
    assert len(seen) == 1
    monkeypatch.undo()
    for _ in range(100):
        rollout.submitter.step()
        if _rows(rollout)[0].status is L1Status.SUCCEEDED:
            break
        time.sleep(0.1)
    assert len(_rows(rollout)) == 1, "the same bytes again"
    (batch,) = rollout.client.batches()
    assert batch.submission.versioned_hash == seen[0]
    assert "0x" + batch.transaction_hash.hex() == _rows(rollout)[0].hash


def test_a_nonce_that_a_lost_seal_has_is_used_again(rollout: Rollout) -> None:
    """The batch is sealed anew while its transaction waits: the new one takes its place."""
    rollout.chain.advance_time(100)
    rollout.watch()
    rollout.chain.rpc.call("evm_setAutomine", False)
    assert rollout.submitter.step()
    (first,) = _rows(rollout)
    (batch,) = rollout.ledger.book.chain
    rollout.ledger.void_from(1, batch.sealed.id)
    assert len(rollout.seal()) == 1
    assert rollout.submitter.step()
    _, second = _rows(rollout)
    assert second.seal_id != first.seal_id
    assert second.nonce == first.nonce
    assert second.fees.max_blob_fee_wei == 2 * first.fees.max_blob_fee_wei
    rollout.chain.mine()
    assert rollout.client.progress().batches == 1
    assert rollout.submitter.step()
    assert _rows(rollout)[-1].status is L1Status.SUCCEEDED
