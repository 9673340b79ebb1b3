"""One batch on its way to L1, with the chain's prices, blocks and pool moved by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from contracts.fees import GWEI, Fees
from contracts.transactions import PreparedTransaction
from sequencer.l1.fee_policy import FeePolicy
from sequencer.l1.submitter import Submitter
from sequencer.metrics import Metrics
from sequencer.storage import sent
from sequencer.storage.schema import BatchStatus, L1Status
from sequencer.storage.sent import SentRow
from tests.property.test_batches_on_l1 import Rollout

MOST = Fees(100 * GWEI, 2 * GWEI, 100 * GWEI)
POLICY = FeePolicy(MOST, bump_after_s=180)


@dataclass
class Sending:
    """A rollup with one batch that waits to be sent, by a submitter that never waits for blocks."""

    rollout: Rollout
    clock_s: float = 1_000.0
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.submitter = self.restarted()

    def restarted(self) -> Submitter:
        stopping = threading.Event()
        stopping.set()
        made = self.rollout
        self.submitter = Submitter(
            made.client, made.ledger, lambda: self.clock_s, stopping, POLICY, self.metrics
        )
        return self.submitter

    @property
    def rows(self) -> list[SentRow]:
        with self.rollout.database.read() as connection:
            return sent.of_batch(connection, 1)

    @property
    def statuses(self) -> list[L1Status]:
        return [row.status for row in self.rows]

    def counted(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"wattlane_l1_{name}_total")

    def mine(self, base_fee_wei: int = GWEI) -> None:
        rpc = self.rollout.chain.rpc
        rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        self.rollout.chain.mine()

    def elsewhere(self, nonce: int, max_fee_wei: int, tip_wei: int = GWEI) -> PreparedTransaction:
        """The operator's key, used by something else than this sequencer."""
        account = self.rollout.client.account
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": 31_337,
                "nonce": nonce,
                "to": account.address,
                "value": 0,
                "gas": 21_000,
                "maxFeePerGas": max_fee_wei,
                "maxPriorityFeePerGas": tip_wei,
            }
        )
        raw, hash_ = bytes(signed.raw_transaction), bytes(signed.hash)
        prepared = PreparedTransaction(raw, hash_, nonce, 21_000, max_fee_wei, tip_wei)
        self.rollout.client.sender.broadcast(prepared)
        return prepared

    def drop(self, hash_: bytes) -> None:
        self.rollout.chain.rpc.call("anvil_dropTransaction", "0x" + hash_.hex())

    def lands(self, hash_: str) -> None:
        """The next block has the batch, by this transaction and no other."""
        self.mine()
        assert self.rollout.client.progress().batches == 1
        assert self.submitter.step()
        by_hash = {row.hash: row.status for row in self.rows}
        assert by_hash[hash_] is L1Status.SUCCEEDED
        assert list(by_hash.values()).count(L1Status.SUCCEEDED) == 1
        (batch,) = self.rollout.ledger.book.chain
        assert batch.status is BatchStatus.ACCEPTED
        self.rollout.watch()
        assert self.rollout.ledger.book.final_number == 1
