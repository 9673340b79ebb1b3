"""The README's SDK example, cut out of the README and run against a real sequencer and L1."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.wallet import Wallet
from contracts.chain import Chain
from tests.e2e.sequencer_process import FEE_NTOK, FUNDS_NTOK, SequencerProcess, Setting, start_l1

README = Path(__file__).parents[2] / "README.md"
PASSPHRASE = "six easy words, all in lower case"
CONSUMER_NTOK, PRODUCER_NTOK = 60 * FUNDS_NTOK, FUNDS_NTOK
TIMEOUT_S = 300


def readme_example() -> str:
    """The README's first Python block; tests/examples runs the other."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    return str(blocks[0])


@pytest.fixture
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture
def sequencer(chain: Chain, tmp_path: Path) -> Iterator[SequencerProcess]:
    """A sequencer that has credited both wallets of the example, in folders under tmp_path."""
    setting = Setting.make(chain, tmp_path / "operator")
    for name, amount_ntok in (("consumer", CONSUMER_NTOK), ("producer", PRODUCER_NTOK)):
        wallet, _ = Wallet.create(tmp_path / name, PASSPHRASE)
        setting.homes.new_account(wallet.key_hash, wallet.l1_address, amount_ntok)
    process = SequencerProcess(setting.settings.folder).ready()
    newest = setting.homes.enqueued()
    process.wait(lambda: process.get(f"/v1/queue/{newest}")["status"] == "final")
    yield process
    process.kill()


def test_the_readmes_program_pays_for_energy_and_closes(
    chain: Chain, sequencer: SequencerProcess, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "WATTLANE_SEQUENCER": sequencer.url,
        "WATTLANE_L1": chain.url,
        "WATTLANE_PASSPHRASE": PASSPHRASE,
    }
    done = subprocess.run(
        [sys.executable, "-c", readme_example()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + sequencer.said
    paid_ntok = (12 + 7 + 30) * 180_000
    assert done.stdout.splitlines() == [
        f"49 Wh for {paid_ntok} ntok",
        f"{CONSUMER_NTOK - FEE_NTOK - paid_ntok} ntok are left on the account",
    ]

    def producer_is_paid() -> bool:
        shown = sequencer.get("/v1/accounts/4", root="final")["inclusion"]["account"]
        return (shown["sold_wh"], shown["balance_ntok"]) == ("49", str(PRODUCER_NTOK + paid_ntok))

    sequencer.wait(producer_is_paid)
