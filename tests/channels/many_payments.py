"""Very many payments through one real store, for what they leave on disk.

Signatures are left out (one voucher's is used for all of a lane): they are of equal length.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from channels.records import (
    Acknowledged,
    Bill,
    Direction,
    Identity,
    Outgoing,
    SaveReceived,
    SaveSigned,
)
from channels.store import FILE_NAME, Store
from protocol.channels import Lane
from protocol.vouchers import Voucher
from tests.channels.street import ANN, BEN, DOMAIN, PAYMENT, leaf, voucher

AT_ONCE = 250
CHANNEL = leaf(deposit_a_ntok=1 << 50, deposit_b_ntok=1 << 50)


class Payer:
    """Payments of one lane, without an end."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        is_own = direction is Direction.OUT
        lane, by = (Lane.AB, ANN) if is_own else (Lane.BA, BEN)
        self._signed = voucher((1 << 96) - 1, by=by, channel_id=CHANNEL.id, lane=lane)
        self.lane_value = self.number = 0

    def next(self) -> tuple[Voucher, Bill]:
        """The next voucher and its bill, with an identifier as nodes make them."""
        self.lane_value, self.number = PAYMENT.on(self.lane_value), self.number + 1
        bill = Bill(
            payment_id=f"{self.number:032x}",
            channel_id=CHANNEL.id,
            peer_index=BEN.index,
            direction=self.direction,
            energy_wh=PAYMENT.energy_wh,
            amount_ntok=PAYMENT.amount_ntok,
            price_utok_per_kwh=PAYMENT.price_utok_per_kwh,
            lane_value=self.lane_value,
            time_ms=time.time_ns() // 1_000_000,
            is_acknowledged=self.direction is Direction.IN,
        )
        return replace(self._signed, lane_value=self.lane_value), bill


async def pay(store: Store, payers: tuple[Payer, Payer], payments: int) -> int:
    """So many more payments, half of them each way; the largest log on the way, in bytes."""
    log, largest = store.path.with_name(f"{FILE_NAME}-wal"), 0
    for _ in range(payments // AT_ONCE):
        writes = []
        for number in range(AT_ONCE):
            payer = payers[number % 2]
            made, bill = payer.next()
            if payer.direction is Direction.OUT:
                sent = Outgoing(bill.payment_id, made, PAYMENT)
                writes.append(store.write(SaveSigned(made, sent, bill)))
            else:
                writes.append(store.write(SaveReceived(made, bill)))
        await asyncio.gather(*writes)
        store.write_soon(Acknowledged(CHANNEL.id, payers[0].lane_value))
        largest = max(largest, log.stat().st_size)
    await store.write()
    return largest


def open_store(folder: Path) -> Store:
    """A store for them."""
    return Store.open(folder, Identity(DOMAIN, ANN.index, ANN.key_hash))
