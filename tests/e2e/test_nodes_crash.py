"""C7 with real processes: SIGKILL of payer and payee in the middle of payments, again and again."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.books import Books, read_books
from channels.errors import CommandFailed, NodeNotRunning
from channels.records import Direction
from channels.wallet import Wallet
from protocol.channels import lane_paid_ntok, lane_wh
from protocol.crypto.schnorr import verify
from protocol.units import DAY_S
from tests.channels.homes import PASSPHRASE, Home, introduce, running
from tests.channels.rollup import DOMAIN, Rollup, serving

DEPOSIT_NTOK = 10_000_000
PRICE = 10
ROUNDS = 5
PAYERS = 4


@pytest.fixture
async def rollup() -> AsyncIterator[Rollup]:
    async with serving(Rollup()) as served:
        yield served


def new_home(index: int, rollup: Rollup, tmp_path: Path, use_compiled: bool = True) -> Home:
    """A wallet, its account and its home."""
    folder = tmp_path / f"home{index}"
    wallet, _ = Wallet.create(folder, PASSPHRASE)
    address = int(wallet.l1_address, 16)
    rollup.add_account(index, wallet.key_hash, address, 2 * DEPOSIT_NTOK)
    return Home(index, folder, rollup.url, use_compiled=use_compiled, timeout_s=1.5)


class Ledger:
    """What the test asked for, and what it was told: payment id -> energy, acknowledged."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}

    async def pay(self, home: Home, channel_id: int, payment_id: str, energy_wh: int) -> bool:
        """Ask once; a node that dies under the question answers nothing, and False comes back."""
        self.asked[payment_id] = energy_wh
        try:
            paid = await home.node.pay(
                channel_id,
                energy_wh=energy_wh,
                price_utok_per_kwh=PRICE,
                payment_id=payment_id,
            )
        except CommandFailed:
            return True
        except NodeNotRunning:
            return False
        self.acknowledged[payment_id] = paid.lane_value
        return True


def check_books(payer: Books, payee: Books, ledger: Ledger) -> None:
    """Both sides' files against what was acknowledged, and against each other."""
    sent, held = payer.channels[0].state, payee.channels[0].state
    bills_out = [bill for bill in payer.bills if bill.direction is Direction.OUT]
    bills_in = [bill for bill in payee.bills if bill.direction is Direction.IN]
    # Nothing acknowledged is lost, on either side.
    by_id = {bill.payment_id: bill for bill in bills_in}
    for payment_id, lane_value in ledger.acknowledged.items():
        assert by_id[payment_id].lane_value == lane_value
        assert by_id[payment_id].energy_wh == ledger.asked[payment_id]
        assert held.received is not None
        assert held.received.lane_value >= lane_value
    # No two vouchers conflict: one value is one payment, and values only rise.
    for bills in (bills_out, bills_in):
        values = [bill.lane_value for bill in bills]
        assert values == sorted(set(values))
        assert len({bill.payment_id for bill in bills}) == len(bills)
        total_wh = 0
        for bill in bills:
            total_wh += bill.energy_wh
            assert lane_wh(bill.lane_value) == total_wh
            assert lane_paid_ntok(bill.lane_value) == total_wh * PRICE
    # The payee holds nothing that the payer does not remember, and its voucher is good.
    assert {bill.payment_id for bill in bills_in} <= {bill.payment_id for bill in bills_out}
    if held.received is None:  # killed before the first payment was there
        assert not bills_in
        return
    assert held.received.lane_value <= sent.signed_lane
    assert verify(held.received.signature, held.received.message(DOMAIN))


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

            async def keep_paying(who: int, number: int = number) -> None:
                for turn in range(400):
                    name = f"{victims}-{number}-{who}-{turn}"
                    is_up = await ledger.pay(payer, channel_id, name, rng.randrange(1, 20))
                    if not is_up or not payee.is_up:
                        return

            payers = [asyncio.create_task(keep_paying(who)) for who in range(PAYERS)]
            await asyncio.sleep(rng.uniform(0.05, 0.4))
            for home in {"payer": [payer], "payee": [payee], "both": [payer, payee]}[victims]:
                await home.kill()
            await asyncio.gather(*payers)
            check_books(read_books(payer.folder), read_books(payee.folder), ledger)
            killed = [home for home in (payer, payee) if not home.is_up]
            await asyncio.gather(*(home.start() for home in killed))
            await introduce(payer, payee)
        again = ledger.asked.items()
        await asyncio.gather(*(ledger.pay(payer, channel_id, name, wh) for name, wh in again))
        assert ledger.acknowledged.keys() == ledger.asked.keys()
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
