"""The world around the sequencer misbehaves: RPC, disk, clock, reorgs, and what it starts on."""

from __future__ import annotations

import resource
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chain import Chain
from contracts.deploy import deploy_rollup
from protocol.batch import Shape
from protocol.transactions import Transaction, Transfer
from protocol.units import DAY_S
from sequencer.settings import DATABASE, KEYSTORE, Settings, make_settings, save_settings
from tests.e2e.rpc_proxy import GARBAGE, RpcProxy
from tests.e2e.sequencer_process import (
    FEE_NTOK,
    FUNDS_NTOK,
    SequencerProcess,
    Setting,
    start_l1,
)
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_prover import SHAPE
from tests.support.simulating_sequencer import HELD
from tests.support.trapdoor import Trapdoor


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture
def setting(chain: Chain, tmp_path: Path) -> Setting:
    return Setting.make(chain, tmp_path / "operator")


@pytest.fixture
def folder(setting: Setting) -> Path:
    return setting.settings.folder


def payment(setting: Setting, nonce: int, valid_for_s: int = 3_600) -> Transaction:
    until = setting.valid_until() - 3_600 + valid_for_s
    return setting.signed(Transfer(1, 2, nonce, 1, FEE_NTOK, until), setting.anna)


def change(settings: Settings, **values: object) -> None:
    save_settings(make_settings({**settings.model_dump(), **values}))


def bert_has(sequencer: SequencerProcess, amount_ntok: int) -> bool:
    shown = sequencer.get("/v1/accounts/2", root="final")["inclusion"]["account"]
    return shown is not None and int(shown["balance_ntok"]) == amount_ntok


# ------------------------------------------------------------------------------ running


def test_an_rpc_that_is_silent_broken_or_wrong_costs_time_and_nothing_else(
    setting: Setting, folder: Path
) -> None:
    with RpcProxy(setting.chain.url) as proxy:
        change(setting.settings, l1_url=proxy.url, rpc_timeout_s=5.0)
        sequencer = SequencerProcess(folder).ready()
        try:
            ids = [sequencer.submit(payment(setting, 0))]
            for mode in ("silent", "error", *GARBAGE):
                sequencer.wait(lambda: sequencer.get("/v1/health")["status"] == "ok")
                proxy.mode = mode
                ids.append(sequencer.submit(payment(setting, len(ids))))
                sequencer.wait(lambda: "l1" in sequencer.get("/v1/health")["ailments"])
                assert sequencer.status(ids[-1]) in ("soft", "proved")
                proxy.mode = "pass"
            for id_ in ids:
                sequencer.wait_status(id_, "final")
            assert bert_has(sequencer, FUNDS_NTOK + len(ids))
            assert sequencer.stop() == 0
        finally:
            sequencer.kill()


def test_a_jump_of_l1s_clock_seals_anew_and_voids_only_what_expired(
    setting: Setting, folder: Path
) -> None:
    sequencer = SequencerProcess(folder).ready()
    try:
        sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")
        (folder / HELD).touch()
        long = sequencer.submit(payment(setting, 0, valid_for_s=3 * DAY_S))
        short = sequencer.submit(payment(setting, 1))
        sequencer.wait(lambda: sequencer.get(f"/v1/transactions/{long}")["batch"] is not None)
        setting.chain.advance_time(2 * DAY_S)
        sequencer.wait(lambda: "voided" in [one["kind"] for one in sequencer.get("/v1/events")])
        (folder / HELD).unlink()
        sequencer.wait_status(long, "final")
        rejected = sequencer.get(f"/v1/transactions/{short}")
        assert (rejected["status"], rejected["error"]["code"]) == ("rejected", "Expired")
    finally:
        sequencer.kill()


def test_an_idle_chain_whose_time_moved_without_a_block_is_woken(
    setting: Setting, folder: Path
) -> None:
    if setting.chain.kind != "anvil":
        pytest.skip("only anvil lets time pass without a block")
    sequencer = SequencerProcess(folder).ready()
    try:
        sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")
        setting.chain.rpc.call("evm_increaseTime", 4 * 3_600)
        id_ = sequencer.submit(payment(setting, 0, valid_for_s=DAY_S))
        sequencer.wait_status(id_, "final")
    finally:
        sequencer.kill()


def test_reorg_that_takes_a_batch_back_makes_the_sequencer_send_it_again(
    chain: Chain, tmp_path: Path
) -> None:
    if chain.kind != "anvil":
        pytest.skip("only anvil can take blocks back")
    setting = Setting.make(chain, tmp_path / "operator", confirmations=3)
    sequencer = SequencerProcess(setting.settings.folder).ready()
    try:

        def is_final(path: str) -> bool:
            chain.mine()
            return bool(sequencer.get(path)["status"] == "final")

        for _ in range(4):
            chain.mine()  # so that the sequencer sees the homes' accounts
        sequencer.wait(lambda: sequencer.get("/v1/state")["queue"]["seen"] == "3")
        sequencer.wait(lambda: is_final("/v1/queue/3"))
        id_ = sequencer.submit(payment(setting, 0))
        sequencer.wait(lambda: "accepted" in _kinds(sequencer, id_))
        chain.rpc.call("anvil_reorg", 1, [])  # its block is replaced by an empty one
        sequencer.wait(lambda: _kinds(sequencer, id_).count("accepted") == 2)
        assert "reorged" in [one["kind"] for one in sequencer.get("/v1/events")]
        sequencer.wait(lambda: is_final(f"/v1/transactions/{id_}"))
        assert bert_has(sequencer, FUNDS_NTOK + 1)
        assert int(sequencer.get("/v1/state")["final_root"]) == setting.homes.state_root()
        assert sequencer.get("/v1/health")["status"] == "ok"
    finally:
        sequencer.kill()


def _kinds(sequencer: SequencerProcess, subject: str) -> list[str]:
    return [one["kind"] for one in sequencer.get("/v1/events") if one["subject"] == subject]


def test_a_disk_that_takes_no_more_is_an_error_and_then_it_goes_on(
    setting: Setting, folder: Path
) -> None:
    sequencer = SequencerProcess(folder).ready()
    try:
        kept = sequencer.submit(payment(setting, 0))
        sequencer.wait_status(kept, "final")
        sequencer.wait(lambda: sequencer.get("/v1/state")["mempool"] == "0")
        _, hard = resource.prlimit(sequencer.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(sequencer.pid, resource.RLIMIT_FSIZE, (0, hard))
        refused = sequencer.post(payment(setting, 1))
        assert refused.status_code in (503, 507)
        assert refused.json()["code"] in ("StorageFailed", "StorageFull", "StorageReadOnly")
        assert sequencer.status(kept) == "final"
        resource.prlimit(sequencer.pid, resource.RLIMIT_FSIZE, (hard, hard))
        sequencer.wait_status(sequencer.submit(payment(setting, 1)), "final")
        assert bert_has(sequencer, FUNDS_NTOK + 2)
    finally:
        sequencer.kill()


def test_a_lost_database_is_rebuilt_from_l1(setting: Setting, folder: Path) -> None:
    sequencer = SequencerProcess(folder).ready()
    for nonce in range(3):
        sequencer.wait_status(sequencer.submit(payment(setting, nonce)), "final")
    assert sequencer.stop() == 0
    for file in folder.glob(f"{DATABASE}*"):
        file.unlink()
    sequencer = SequencerProcess(folder).ready()
    try:
        assert int(sequencer.get("/v1/state")["final_root"]) == setting.homes.state_root()
        sequencer.wait_status(sequencer.submit(payment(setting, 3)), "final")
        assert bert_has(sequencer, FUNDS_NTOK + 4)
    finally:
        sequencer.kill()


# ------------------------------------------------------------------------------ starting


def refusal(folder: Path) -> str:
    process = SequencerProcess(folder)
    try:
        return process.failure()
    finally:
        process.kill()


def test_each_reason_not_to_start_is_one_clear_error(setting: Setting, folder: Path) -> None:
    settings = setting.settings
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        change(settings, listen_port=port)
        assert refusal(folder).startswith(f"PortInUse: cannot listen on 127.0.0.1:{port}")
        change(settings, l1_url=f"http://127.0.0.1:{_free_port()}")
        assert refusal(folder).startswith("RpcError")
    change(settings, chain_id=1)
    assert "on chain 31337, the settings say 1" in refusal(folder)
    change(settings, contract="0x" + "12" * 20)
    assert "there is none at this address" in refusal(folder)
    change(settings, contract=setting.homes.settings().token)
    assert "it is no Wattlane rollup" in refusal(folder)
    change(settings, operator_index=1)
    assert "belongs to" in refusal(folder)
    operator = setting.homes.powers().operator
    for shape, seed, text in (
        (SHAPE, 2, "another verifying key"),
        (Shape(1, 4), 1, "it takes proofs of"),
    ):
        other = deploy_rollup(
            settings.l1_url,
            setting.chain.accounts[0],
            token=setting.homes.settings().token,
            operator=operator,
            shape=shape,
            key=Trapdoor.make(seed=seed).contract_key,
            exit_key=EXIT_KEY.key,
        )
        change(settings, contract=other.address)
        assert text in refusal(folder)
    change(settings)
    running = SequencerProcess(folder).ready()
    try:
        said = refusal(folder)
        assert said.startswith("AlreadyRunning")
        assert f"process {running.pid} (" in said
    finally:
        assert running.stop() == 0
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert refusal(folder).startswith("DatabaseTooNew")
    (folder / KEYSTORE).write_text("{}")
    assert refusal(folder).startswith("BadKeystore")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
