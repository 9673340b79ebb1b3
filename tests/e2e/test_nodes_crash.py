"""C7 with real processes: SIGKILL of payer and payee in the middle of payments, again and again."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.books import read_books
from channels.errors import CommandFailed
from protocol.channels import lane_paid_ntok
from protocol.units import DAY_S
from tests.channels.homes import introduce, running
from tests.channels.rollup import Rollup, serving
from tests.channels.storm import (
    DEPOSIT_NTOK,
    PAYERS,
    PRICE,
    Ledger,
    check_books,
    new_home,
    storm,
)

ROUNDS = 5
MOST_TRIES = 10


@pytest.fixture
async def rollup() -> AsyncIterator[Rollup]:
    async with serving(Rollup()) as served:
        yield served


@pytest.mark.parametrize("victims", ["payer", "payee", "both"])
async def test_c7_no_acknowledged_voucher_is_lost_and_none_conflict_under_sigkill(
    rollup: Rollup, tmp_path: Path, victims: str
) -> None:
    """Also: after the last restart every payment that was ever asked for is made exactly once."""
    rng = random.Random(victims)
    payer, payee = (new_home(index, rollup, tmp_path) for index in (0, 1))
    ledger = Ledger()
    async with running(payer, payee):
        channel_id, _ = await payer.node.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await payer.node.ready(channel_id)
        for number in range(ROUNDS):
            killed = {"payer": [payer], "payee": [payee], "both": [payer, payee]}[victims]
            await storm(payer, payee, channel_id, killed, ledger, rng, f"{victims}-{number}")
            await introduce(payer, payee)
        again = dict(ledger.asked)
        for _ in range(MOST_TRIES):  # on a busy machine an answer may come too late
            await asyncio.gather(
                *(ledger.pay(payer, channel_id, name, wh) for name, wh in again.items())
            )
            again = {name: wh for name, wh in again.items() if name not in ledger.acknowledged}
            if not again:
                break
        assert ledger.acknowledged.keys() == ledger.asked.keys(), ledger.refusals
        books_out, books_in = read_books(payer.folder), read_books(payee.folder)
        check_books(books_out, books_in, ledger)
        paid_ntok = PRICE * sum(ledger.asked.values())
        assert lane_paid_ntok(books_in.channels[0].state.received_lane) == paid_ntok
        assert len(ledger.asked) >= ROUNDS * PAYERS
        await payer.node.close(channel_id)
    assert rollup.final.account(1).balance_ntok == 2 * DEPOSIT_NTOK + paid_ntok


async def test_a_home_without_numba_pays_and_stops_on_sigterm(
    rollup: Rollup, tmp_path: Path
) -> None:
    payer, payee = (new_home(index, rollup, tmp_path, use_compiled=False) for index in (0, 1))
    async with running(payer, payee):
        channel_id, _ = await payer.node.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        paid = await payer.node.pay(channel_id, energy_wh=3, price_utok_per_kwh=PRICE)
        assert lane_paid_ntok(paid.lane_value) == 30
        assert await payee.kill(signal.SIGTERM) == 0
        assert not (payee.folder / "control.json").exists()
        with pytest.raises(CommandFailed) as raised:
            await payer.node.pay(channel_id, energy_wh=1 << 50, price_utok_per_kwh=PRICE)
        assert raised.value.reason_code == "BadPayment"
        await payer.node.stop()
        assert await payer.kill(0) == 0
