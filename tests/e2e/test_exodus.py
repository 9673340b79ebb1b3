"""The promise: the operator is gone, its database too, and everyone leaves with everything.

A real L1, a real sequencer process (batch proofs simulated), real nodes with an open channel and
vouchers both ways, a deposit that nobody took in. Then only L1 and the homes' own files are left;
the real command leaves with real exit proofs, and the contract holds nothing in the end.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from channels.books import read_books
from channels.exit_key import FILE
from channels.node import Node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from contracts.client import RollupClient
from contracts.errors import TooEarlyForExodus
from contracts.finality import LATEST
from contracts.rebuilding import rebuild
from protocol.units import DAY_S
from prover.exit_key import exit_key, exit_key_file
from sequencer.settings import DATABASE
from tests.channels.test_payments import until
from tests.e2e.sequencer_process import (
    FEE_NTOK,
    SequencerProcess,
    Setting,
    start_l1,
)
from tests.wattlane.cli.running import wattlane
from wattlane.exit_prover import ExitProver
from wattlane.exiting import Leaver
from wattlane.gathering import Gatherer
from wattlane.leaving import Plan, Step, describe
from wattlane.state_file import load_state

PASSPHRASE = "correct horse battery"
START_NTOK = 1_000_000
DEPOSIT_NTOK, LATE_NTOK = 50_000, 500
PAID_NTOK, BACK_NTOK = 10_000, 800
DEV = NodeSettings(confirmations=0, poll_s=0.1, account_timeout_s=120)
ETHER = 10**18
WEEK_S, RAISE_S = 7 * DAY_S, 14 * DAY_S


class Ghost:
    """A rollup whose operator is gone, and three homes: ann and ben with a channel, and cay."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting, self.folder = setting, folder
        self.homes = {
            name: Wallet.create(folder / name, PASSPHRASE)[0] for name in ("ann", "ben", "cay")
        }
        self.root = 0

    @property
    def reader(self) -> RollupClient:
        return self.setting.homes

    def units(self, amount_ntok: int) -> int:
        return self.reader.settings().base_units(amount_ntok)

    def tokens(self, address: str) -> int:
        return self.reader.token().balance_of(address)

    def live(self) -> None:
        """Everything up to the end of the operator."""
        for wallet in self.homes.values():
            self._fund(wallet)
        sequencer = SequencerProcess(self.setting.settings.folder).ready()
        try:
            asyncio.run(self._trade(sequencer.url))
        finally:
            sequencer.kill()
        (self.setting.settings.folder / DATABASE).unlink()
        self.root = self.reader.state_root()
        cay = self._client(self.homes["cay"].l1_account)
        cay.approve(LATE_NTOK)
        cay.deposit(cay_index(cay), cay.account.address, LATE_NTOK)

    def _client(self, account: LocalAccount) -> RollupClient:
        contract = self.setting.settings.contract
        return RollupClient(self.setting.chain.url, contract, account, finality=LATEST)

    def _fund(self, wallet: Wallet) -> None:
        homes = self.setting.homes
        homes.sender.send(wallet.l1_address, b"", value_wei=ETHER)
        homes.token_client().transfer(wallet.l1_address, self.units(3 * START_NTOK))
        client = self._client(wallet.l1_account)
        client.approve(START_NTOK)
        client.new_account(wallet.key_hash, wallet.l1_address, START_NTOK)

    async def _trade(self, url: str) -> None:
        opened = partial(Node.open, sequencer=url, l1=self.setting.chain.url, settings=DEV)
        wallets = self.homes
        async with (
            opened(wallets["ann"]) as ann,
            opened(wallets["ben"], peers={ann.account_index: ann.url}) as ben,
            opened(wallets["cay"]),
        ):
            channel = await ann.open_channel(
                ben.account_index, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S
            )
            for _ in range(5):
                await channel.pay(energy_wh=10, price_utok_per_kwh=PAID_NTOK // 50)
            await ben.channel(channel.id).pay(energy_wh=4, price_utok_per_kwh=BACK_NTOK // 4)
            await until(self._have_witnesses)

    def _have_witnesses(self) -> bool:
        root = self.reader.state_root()
        return all(
            [one.state_root for one in read_books(self.folder / name).witnesses] == [root]
            for name in self.homes
        )

    def run(self, *arguments: str, home: str = "") -> str:
        """The real command, with L1 and files of the home alone."""
        on_l1 = ["--l1", self.setting.chain.url, "--contract", self.setting.settings.contract]
        on_l1 += ["--confirmations", "0", "--checkpoints", str(self.folder / "checkpoints")]
        files = ["--folder", str(self.folder / home)] if home else []
        done = wattlane(*arguments, *files, *on_l1, WATTLANE_PASSPHRASE=PASSPHRASE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def leave(self, account: LocalAccount) -> list[str]:
        """The same by the library, for those who have no wallet's folder: what was done."""
        client, done = self._client(account), list[str]()
        gather = Gatherer(client, account.address, None, partial(rebuild, client), False, print)
        prover = ExitProver(client.exodus_client(), None, self.folder, lambda *_: None)

        def note(step: Step) -> None:
            done.append(describe(step))

        assert Leaver(client, client.exodus_client(), prover, note).run(gather) == Plan(())
        return done


def cay_index(cay: RollupClient) -> int:
    """The account that was opened last."""
    return cay.account_count() - 1


@pytest.fixture(scope="module")
def ghost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ghost]:
    folder = tmp_path_factory.mktemp("ghost")
    key = exit_key()
    with start_l1() as chain:
        made = Ghost(
            Setting.make(chain, folder / "operator", exit_key=lambda: key.verifying_key), folder
        )
        made.live()
        shutil.copy(exit_key_file(key), folder / "ben" / FILE)  # as its node keeps it
        yield made


def test_the_whole_state_comes_back_from_l1_alone(ghost: Ghost) -> None:
    out = ghost.folder / "state.json"
    said = ghost.run("rebuild", "--out", str(out))
    assert f"root          {ghost.root:#066x}, the same as the contract's" in said
    assert "1 waiting" in said
    found = load_state(out)
    assert found.state.root == ghost.reader.state_root()
    assert (len(found.state.accounts), len(found.state.channels)) == (6, 1)


def test_everyone_leaves_with_everything(ghost: Ghost) -> None:
    ann, ben, cay = (ghost.homes[name].l1_address for name in ("ann", "ben", "cay"))
    chain, contract = ghost.setting.chain, ghost.setting.settings.contract
    early = ghost.run("exit", "--dry-run", home="cay")
    assert "would do  deposit in op 7: 0.000000500 tokens back" in early
    assert "later     the exodus can be started, from 2" in early
    with pytest.raises(TooEarlyForExodus):
        ghost.reader.start_exodus()

    chain.advance_time(WEEK_S + 1)
    left = ghost.run("exit", home="ann")
    assert "done      start the exodus" in left
    assert "voucher of lane ab: 0.000010000 tokens" in left
    assert "voucher of lane ba: 0.000000800 tokens" in left
    assert "channel 0: deposits of 0.000050000 tokens" in left
    assert "later     channel 0 can be settled, from 2" in left
    after_open = START_NTOK - DEPOSIT_NTOK - FEE_NTOK
    assert ghost.tokens(ann) == ghost.units(2 * START_NTOK + after_open)

    of_ben = ghost.run("exit", home="ben")
    assert "voucher" not in of_ben  # ann has proved both
    assert ghost.tokens(ben) == ghost.units(3 * START_NTOK)
    of_cay = ghost.run("exit", "--witnesses", home="cay")
    assert "nothing is left to do" in of_cay
    assert ghost.tokens(cay) == ghost.units(3 * START_NTOK)

    chain.advance_time(RAISE_S)
    settled = ghost.run("exit", home="ben")
    assert "done      settle channel 0" in settled
    assert ghost.tokens(ben) == ghost.units(3 * START_NTOK + PAID_NTOK - BACK_NTOK)
    assert "done      collect" in ghost.run("exit", home="ann")
    last = ghost.units(3 * START_NTOK - FEE_NTOK - PAID_NTOK + BACK_NTOK)
    assert ghost.tokens(ann) == last

    operator, payer = chain.accounts[:2]
    assert ghost.leave(operator)[-1] == "collect 1.000000010 tokens"
    assert ghost.leave(payer)[-1] == "collect 0.002000000 tokens"
    assert ghost.tokens(contract) == 0
    assert ghost.reader.held_ntok() == 0
    assert ghost.leave(payer) == ghost.leave(ghost.homes["ann"].l1_account) == []
