"""L1's prices and the operator's reserve: looked at now and then, and told to whoever decides.

What the ledger's sealing makes of the price is its own affair. A reserve that lasts for too few
batches is an alarm long before a batch cannot be paid for; whether it does is reckoned at L1's
newest prices, with the gas that recent batches took.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from contracts.client import RollupClient
from contracts.fees import GWEI, TIP_WEI, Prices
from protocol.blobs import BLOB_BYTES
from sequencer.ledger import Ledger
from sequencer.metrics import Metrics
from sequencer.sealing import DataMode
from sequencer.storage import batches

ETHER_WEI = 10**18
RECENT_BATCHES = 20
FIRST_GAS = 850_000
"""Of a batch before one was accepted: 8 proofs full of data (contracts/snapshots/gas.json)."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What the operator's account holds, what a batch costs at most, and the alarm's threshold."""

    account: str
    held_wei: int
    batch_wei: int
    alarm_batches: int

    @property
    def batches(self) -> int:
        """So many batches it pays for."""
        return self.held_wei // self.batch_wei

    @property
    def is_low(self) -> bool:
        """Whether the operator must be told."""
        return self.batches < self.alarm_batches

    def __str__(self) -> str:
        return (
            f"{self.account} holds {self.held_wei / ETHER_WEI:.6f} ether, enough for "
            f"{self.batches} batches at L1's prices now (alarm below {self.alarm_batches}); send "
            f"it ether: {self.alarm_batches} batches cost "
            f"{self.alarm_batches * self.batch_wei / ETHER_WEI:.6f}"
        )


class Market:
    """See the module. One owner."""

    def __init__(
        self, client: RollupClient, ledger: Ledger, alarm_batches: int, metrics: Metrics
    ) -> None:
        self._client, self._ledger = client, ledger
        self._alarm_batches, self._metrics = alarm_batches, metrics
        self.reserve: Reserve | None = None

    def step(self) -> bool:
        """Look once; False: there is no hurry. Raises contracts' L1Error, StorageError."""
        has_blob = self._ledger.sealing.data_mode is DataMode.BLOB
        sender = self._client.sender
        prices = sender.prices(has_blob=has_blob)
        held_wei = sender.rpc.quantity("eth_getBalance", sender.address, "latest")
        with self._ledger.database.read() as connection:
            gas = batches.recent_gas(connection, RECENT_BATCHES) or FIRST_GAS
        self._ledger.base_fee_wei = prices.base_fee_wei
        self._note(
            Reserve(
                sender.address, held_wei, batch_cost_wei(gas, prices, has_blob), self._alarm_batches
            )
        )
        self._metrics.base_fee.set(prices.base_fee_wei / GWEI)
        return False

    def ailments(self) -> dict[str, str]:
        """{"reserve": what to do} while it is low."""
        reserve = self.reserve
        return {"reserve": str(reserve)} if reserve is not None and reserve.is_low else {}

    def _note(self, reserve: Reserve) -> None:
        was_low = self.reserve is not None and self.reserve.is_low
        self.reserve = reserve
        self._metrics.reserve.set(reserve.held_wei / ETHER_WEI)
        self._metrics.reserve_batches.set(reserve.batches)
        if reserve.is_low and not was_low:
            _log.error("the operator's reserve is low", reserve=str(reserve))
        elif was_low and not reserve.is_low:
            _log.info("the operator's reserve is enough again", batches=reserve.batches)


def batch_cost_wei(gas: int, prices: Prices, has_blob: bool) -> int:
    """What a batch of so much gas costs at these prices, with the usual tip and its blob."""
    blob_wei = BLOB_BYTES * prices.blob_base_fee_wei if has_blob else 0
    return gas * (prices.base_fee_wei + TIP_WEI) + blob_wei
