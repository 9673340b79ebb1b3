"""A real sequencer as its operator sees it: what it measures, what it logs, and how it stops."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.chain import Chain
from protocol.transactions import Transaction, Transfer
from sequencer.settings import Settings, make_settings, save_settings
from tests.e2e.rpc_proxy import RpcProxy
from tests.e2e.sequencer_process import FEE_NTOK, SequencerProcess, Setting, start_l1
from tests.support.simulating_sequencer import PASSPHRASE, serve_json

API_KEY, PASSWORD, TOKEN = "0f1e2d3c4b5a6978", "hunter2hunter2", "query-token-77"
BASIC = b64encode(f"operator:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture
def setting(chain: Chain, tmp_path: Path) -> Setting:
    return Setting.make(chain, tmp_path / "operator")


def change(settings: Settings, **values: object) -> None:
    save_settings(make_settings({**settings.model_dump(), **values}))


def with_secrets(url: str) -> str:
    """As providers hand out their URLs."""
    place = url.removeprefix("http://")
    return f"http://operator:{PASSWORD}@{place}/v3/{API_KEY}?access={TOKEN}"


def payment(setting: Setting, nonce: int) -> Transaction:
    return setting.signed(Transfer(1, 2, nonce, 1, FEE_NTOK, setting.valid_until()), setting.anna)


def without_secrets(setting: Setting, text: str) -> str:
    """The text, which was searched."""
    key = bytes(setting.chain.accounts[0].key)
    for secret in (
        API_KEY,
        PASSWORD,
        TOKEN,
        BASIC,
        PASSPHRASE,
        key.hex(),
        str(int.from_bytes(key)),
    ):
        assert secret not in text
    return text


def metrics(sequencer: SequencerProcess) -> dict[str, float]:
    answer = httpx.get(f"{sequencer.url}/metrics", timeout=10).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if not sample.labels
    }


def test_a_failing_start_and_a_failing_run_tell_no_secret_and_stopping_has_an_end(
    setting: Setting,
) -> None:
    folder = setting.settings.folder
    with RpcProxy(setting.chain.url) as proxy:
        change(setting.settings, l1_url=with_secrets(proxy.url), stop_within_s=1.0)
        proxy.mode = "quote"
        failing = SequencerProcess(folder)
        try:
            assert "no such key: /v3/[hidden]" in without_secrets(setting, failing.failure())
        finally:
            failing.kill()
        proxy.mode = "pass"
        sequencer = SequencerProcess(folder, target=serve_json).ready()
        try:
            sequencer.wait_status(sequencer.submit(payment(setting, 0)), "final")
            proxy.mode = "quote"
            sequencer.wait(lambda: "l1" in sequencer.get("/v1/health")["ailments"])
            ailing = without_secrets(setting, json.dumps(sequencer.get("/v1/health")))
            assert "no such key: /v3/[hidden]" in ailing
            proxy.mode = "pass"
            sequencer.wait(lambda: sequencer.get("/v1/health")["status"] == "ok")
            change(setting.settings, l1_url=with_secrets(proxy.url), rpc_timeout_s=600)
            assert sequencer.stop() == 0
        finally:
            sequencer.kill()
        lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
        events = [line["event"] for line in lines]
        assert {"batch sealed", "batch accepted", "will try again"} <= set(events)
        assert events[-1] == "stopped"
        assert all(line.keys() >= {"event", "level", "timestamp"} for line in lines)

        hanging = SequencerProcess(folder).ready()
        try:
            kept = hanging.submit(payment(setting, 1))
            asked = proxy.calls
            proxy.mode = "silent"
            hanging.wait(lambda: proxy.calls > asked)
            assert hanging.stop() == 0, "though L1 would be waited for 600 s"
            assert "what is not done is abandoned" in hanging.said
        finally:
            hanging.kill()
        without_secrets(setting, (folder / "log").read_text())
        proxy.mode = "pass"
        again = SequencerProcess(folder).ready()
        try:
            again.wait_status(kept, "final")
        finally:
            again.kill()


def test_what_happens_is_measured(setting: Setting) -> None:
    with RpcProxy(setting.chain.url) as proxy:
        change(setting.settings, l1_url=proxy.url)
        sequencer = SequencerProcess(setting.settings.folder).ready()
        try:
            sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")
            sequencer.wait(lambda: "wattlane_reserve_batches" in metrics(sequencer))
            before = metrics(sequencer)
            sequencer.wait_status(sequencer.submit(payment(setting, 0)), "final")
            after = metrics(sequencer)
            for name in ("proof_seconds_count", "batch_gas_count", "batches_sealed_total"):
                assert after[f"wattlane_{name}"] > before[f"wattlane_{name}"], name
            assert after["wattlane_batch_gas_sum"] > 200_000
            assert after["wattlane_final_batch"] == before["wattlane_final_batch"] + 1
            assert after["wattlane_queue_ops"] == 0
            sequencer.wait(lambda: metrics(sequencer)["wattlane_reserve_ether"] > 1)
            assert metrics(sequencer)["wattlane_l1_base_fee_gwei"] > 0
            for question in ("live", "ready"):
                assert sequencer.get(f"/v1/health/{question}")["status"] == question
            proxy.mode = "silent"
            sequencer.wait(lambda: metrics(sequencer)["wattlane_watch_lag_seconds"] > 1.5)
            sequencer.submit(payment(setting, 1))
            sequencer.wait(lambda: "wattlane_mempool_transactions" in metrics(sequencer))
            proxy.mode = "pass"
            sequencer.wait(lambda: metrics(sequencer)["wattlane_watch_lag_seconds"] < 1)
            assert sequencer.stop() == 0
        finally:
            sequencer.kill()
