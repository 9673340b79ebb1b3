"""Payments without pause between two homes that are killed, and what their books must say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

from channels.books import Books, read_books
from channels.errors import CommandFailed, NodeNotRunning
from channels.records import Direction
from channels.wallet import Wallet
from protocol.channels import lane_paid_ntok, lane_wh
from protocol.crypto.schnorr import verify
from tests.channels.homes import PASSPHRASE, Home
from tests.channels.rollup import DOMAIN, Rollup

DEPOSIT_NTOK = 10_000_000
PRICE = 10
PAYERS = 4


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
        self.refusals: dict[str, str] = {}

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
        except CommandFailed as error:
            self.refusals[payment_id] = str(error)
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


async def storm(
    payer: Home,
    payee: Home,
    channel_id: int,
    victims: Sequence[Home],
    ledger: Ledger,
    rng: random.Random,
    name: str,
    most: int = 400,
) -> None:
    """Payers that pay as fast as they can, a SIGKILL at a random moment, and both books checked.

    Whoever was killed is started again. `most`: payments of each payer. Raises AssertionError.
    """

    async def keep_paying(who: int) -> None:
        for turn in range(most):
            energy_wh = rng.randrange(1, 20)
            is_up = await ledger.pay(payer, channel_id, f"{name}-{who}-{turn}", energy_wh)
            if not is_up or not payee.is_up:
                return

    known = len(ledger.acknowledged)
    payers = [asyncio.create_task(keep_paying(who)) for who in range(PAYERS)]
    async with asyncio.timeout(60):
        while len(ledger.acknowledged) == known and not all(one.done() for one in payers):  # noqa: ASYNC110 - other tasks fill it
            await asyncio.sleep(0.005)
    await asyncio.sleep(rng.uniform(0.0, 0.3))  # the moment is drawn, not waited for
    for home in victims:
        await home.kill()
    await asyncio.gather(*payers)
    check_books(read_books(payer.folder), read_books(payee.folder), ledger)
    await asyncio.gather(*(home.start() for home in (payer, payee) if not home.is_up))
