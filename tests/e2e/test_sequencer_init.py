"""`sequencer init` is cut off at every instant around every L1 transaction, and run again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.finality import LATEST
from contracts.transactions import PreparedTransaction, Receipt, Sender
from protocol.queue import NewAccount
from sequencer.bootstrap import JOURNAL, InitRequest, initialise
from sequencer.errors import BadSettings
from sequencer.keystore import create_keystore
from sequencer.l1.once import OnceSender
from sequencer.settings import FILE, KEYSTORE, Settings
from tests.e2e.sequencer_process import start_l1
from tests.support.simulated_prover import SimulatedProver, simulated_exit_key
from tests.support.simulating_sequencer import PASSPHRASE

CALLS = (
    "deploy the token",
    "deploy the blueprint",
    "deploy the rollup",
    "mint",
    "approve",
    "open the account",
)


class PowerCut(BaseException):
    """What no handler catches."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture(scope="module")
def prover() -> Iterator[SimulatedProver]:
    prover = SimulatedProver()
    yield prover
    prover.close()


@pytest.fixture
def folder(tmp_path: Path, chain: Chain) -> Path:
    folder = tmp_path / "operator"
    folder.mkdir()
    create_keystore(folder / KEYSTORE, PASSPHRASE, bytes(chain.accounts[0].key), scrypt_n=2)
    return folder


def init(folder: Path, chain: Chain, prover: SimulatedProver) -> Settings:
    request = InitRequest(folder, chain.url, confirmations=0)
    return initialise(request, PASSPHRASE, prover, simulated_exit_key)


def sent(chain: Chain) -> int:
    """Transactions of the operator that are in a block."""
    return chain.rpc.quantity("eth_getTransactionCount", chain.accounts[0].address, "latest")


def cut(patch: pytest.MonkeyPatch, instant: str, place: int) -> None:
    """Cut the power at the transaction of this place, counted from now."""
    original_broadcast, original_wait, calls = Sender.broadcast, Sender.wait, [0, 0]

    def broadcast(self: Sender, prepared: PreparedTransaction) -> None:
        calls[0] += 1
        if (instant, calls[0]) == ("before it is sent", place + 1):
            raise PowerCut
        original_broadcast(self, prepared)

    def wait(self: Sender, transaction_hash: bytes, timeout_s: float | None = None) -> Receipt:
        calls[1] += 1
        if (instant, calls[1]) == ("before it is in a block", place + 1):
            raise PowerCut
        receipt = original_wait(self, transaction_hash, timeout_s)
        if (instant, calls[1]) == ("once it is in a block", place + 1):
            raise PowerCut
        return receipt

    patch.setattr(Sender, "broadcast", broadcast)
    patch.setattr(Sender, "wait", wait)


@pytest.mark.parametrize(
    "instant", ["before it is sent", "before it is in a block", "once it is in a block"]
)
@pytest.mark.parametrize("place", range(len(CALLS)), ids=CALLS)
def test_an_init_cut_off_anywhere_and_run_again_pays_for_nothing_twice(
    chain: Chain,
    prover: SimulatedProver,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    instant: str,
    place: int,
) -> None:
    before = sent(chain)
    with monkeypatch.context() as patch:
        cut(patch, instant, place)
        with pytest.raises(PowerCut):
            init(folder, chain, prover)
    assert not (folder / FILE).exists()
    settings = init(folder, chain, prover)
    assert sent(chain) - before == len(CALLS)
    client = RollupClient(chain.url, settings.contract, chain.accounts[0], finality=LATEST)
    assert client.account_count() == 1
    assert settings.operator_index == 0
    (op,) = client.queue_ops(settings.start_block)
    assert isinstance(op, NewAccount)
    assert op.index == 0


def test_init_run_again_after_all_was_done_sends_nothing(
    chain: Chain, prover: SimulatedProver, folder: Path
) -> None:
    first = init(folder, chain, prover)
    before = sent(chain)
    assert init(folder, chain, prover).contract == first.contract
    os.unlink(folder / FILE)  # as if it was interrupted just before its end
    again = init(folder, chain, prover)
    assert (again.contract, again.start_block) == (first.contract, first.start_block)
    assert sent(chain) == before


def test_a_journal_line_that_was_cut_off_is_as_if_it_was_never_written(
    chain: Chain, prover: SimulatedProver, folder: Path
) -> None:
    journal = folder / JOURNAL
    first = init(folder, chain, prover)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"call": "12')
    os.unlink(folder / FILE)
    assert init(folder, chain, prover).contract == first.contract
    assert journal.read_bytes() == whole


def test_a_damaged_journal_is_one_clear_error(
    chain: Chain, prover: SimulatedProver, folder: Path
) -> None:
    (folder / JOURNAL).write_text('{"call": "12"}\n')
    with pytest.raises(BadSettings, match=r"line 1, is damaged"):
        init(folder, chain, prover)


def test_what_failed_or_can_never_land_is_signed_anew(chain: Chain, tmp_path: Path) -> None:
    journal, account = tmp_path / JOURNAL, chain.accounts[3]
    to = chain.accounts[4].address
    first = OnceSender(chain.rpc, account, journal)
    lost = first.prepare(to, b"")
    first._write(first._name(to, b"", 1), lost)
    Sender(chain.rpc, account).send(to, b"", 7)  # another transaction takes its nonce
    again = OnceSender(chain.rpc, account, journal)
    receipt = again.send(to, b"", 1)
    assert receipt.transaction_hash != lost.transaction_hash
    third = OnceSender(chain.rpc, account, journal)
    assert third.send(to, b"", 1) == receipt
    assert len(journal.read_text().splitlines()) == 2
