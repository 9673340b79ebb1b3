"""Several workers and one batcher: whoever is killed, what was accepted ends final, once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from contracts.chain import Chain
from protocol.codec import account_inclusion_from_json, transaction_id, transaction_to_json
from protocol.transactions import Transaction, Transfer
from sequencer.settings import load_settings, make_settings, save_settings
from tests.e2e.sequencer_process import FEE_NTOK, FUNDS_NTOK, SequencerProcess, Setting, start_l1
from tests.support.services import PostgresServer, RedisServer, free_port, serving_or_skip
from tests.support.simulating_sequencer import supervise

AMOUNT_NTOK = 3
PATIENCE_S = 120.0
_STARTED = re.compile(r"a process started.*?part='?(batcher|worker \d)'?\s.*?pid=(\d+)")
_COLOURS = re.compile("\x1b\\[[0-9;]*m")


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as chain:
        yield chain


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with serving_or_skip(PostgresServer) as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with serving_or_skip(RedisServer) as server:
        yield server


class Street:
    """One sender who repeats each transaction until it is accepted."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.ids: list[str] = []
        self._valid_until = setting.valid_until()

    def payment(self, nonce: int) -> Transaction:
        body = Transfer(1, 2, nonce, AMOUNT_NTOK, FEE_NTOK, self._valid_until)
        return self.setting.signed(body, self.setting.anna)

    def pay(self, url: str, count: int) -> None:
        """In one post, again and again until each is accepted; the order is kept."""
        given = [self.payment(len(self.ids) + i) for i in range(count)]
        body = {"transactions": [transaction_to_json(one) for one in given]}
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_accepted(url, body):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        self.ids += [transaction_id(one) for one in given]

    def _is_accepted(self, url: str, body: Mapping[str, object]) -> bool:
        try:
            answer = httpx.post(f"{url}/v1/intake", json=body, timeout=30)
        except httpx.TransportError:
            return False
        if answer.status_code in (503, 507):
            return False
        assert answer.status_code == 202, answer.text
        results = answer.json()["results"]
        assert all(one.get("status") == "accepted" for one in results), results
        return True


def configured(setting: Setting, **options: object) -> Path:
    """The operator's folder, with these settings on a fixed port."""
    folder = setting.settings.folder
    fields = load_settings(folder).model_dump()
    fields |= {"listen_port": free_port(), "api_workers": 2, **options}
    save_settings(make_settings(fields))
    return folder


def newest_pid(folder: Path, part: str) -> int:
    """The process that was started last for a part, as the log says."""
    text = _COLOURS.sub("", (folder / "log").read_text())
    return next(int(pid) for name, pid in reversed(_STARTED.findall(text)) if name == part)


def kill(folder: Path, part: str) -> None:
    os.kill(newest_pid(folder, part), signal.SIGKILL)


def check_final_once(sequencer: SequencerProcess, setting: Setting, ids: list[str]) -> None:
    """Every transaction final in one place; the recipient has been paid for each, once."""

    def all_final() -> bool:
        setting.chain.mine()
        try:
            return all(sequencer.status(id_) == "final" for id_ in ids)
        except httpx.HTTPError:
            return False

    deadline = time.monotonic() + PATIENCE_S
    while not all_final():
        assert time.monotonic() < deadline, sequencer.said
        time.sleep(0.2)
    shown = sequencer.get("/v1/accounts/2", root="final")["inclusion"]
    bert = account_inclusion_from_json(shown)
    assert bert.account is not None
    assert bert.account.balance_ntok == FUNDS_NTOK + AMOUNT_NTOK * len(ids)
    included = [id_ for row in sequencer.get("/v1/batches") for id_ in row["transactions"]]
    assert included == ids, "in the order in which they were accepted"


def ready(setting: Setting, folder: Path) -> SequencerProcess:
    """A supervisor with its processes, once the homes' accounts are known."""
    sequencer = SequencerProcess(folder, target=supervise)
    deadline = time.monotonic() + PATIENCE_S
    while not sequencer.try_ready():
        assert sequencer.is_running, sequencer.said
        assert time.monotonic() < deadline, sequencer.said
        time.sleep(0.1)
    return sequencer


def test_on_postgresql_and_redis_whoever_is_killed(
    chain: Chain, tmp_path: Path, postgres: PostgresServer, redis: RedisServer
) -> None:
    setting = Setting.make(chain, tmp_path / "operator")
    folder = configured(setting, database_url=postgres.new_database(), redis_url=redis.url)
    sequencer, street = ready(setting, folder), Street(setting)
    try:
        street.pay(sequencer.url, 3)
        kill(folder, "batcher")
        street.pay(sequencer.url, 2)
        kill(folder, "worker 1")
        street.pay(sequencer.url, 2)
        redis.end(signal.SIGKILL)
        street.pay(sequencer.url, 2)
        postgres.stop_immediately()
        kill(folder, "worker 2")
        postgres.start()
        street.pay(sequencer.url, 2)
        redis.start()
        sequencer.kill()
        sequencer = ready(setting, folder)
        street.pay(sequencer.url, 2)
        check_final_once(sequencer, setting, street.ids)
        assert sequencer.stop() == 0
    finally:
        sequencer.kill()


def test_on_sqlite_whoever_is_killed(chain: Chain, tmp_path: Path) -> None:
    setting = Setting.make(chain, tmp_path / "operator")
    folder = configured(setting)
    sequencer, street = ready(setting, folder), Street(setting)
    answer = httpx.post(
        f"{sequencer.url}/v1/transactions", json=transaction_to_json(street.payment(7)), timeout=30
    )
    try:
        assert answer.status_code == 202  # accepted, then executed: its turn had not come
        assert answer.json()["error"]["code"] == "WrongNonce"
        street.pay(sequencer.url, 3)
        for part in ("batcher", "worker 2", "worker 1"):
            kill(folder, part)
            street.pay(sequencer.url, 2)
        sequencer.kill()
        sequencer = ready(setting, folder)
        check_final_once(sequencer, setting, street.ids)
        assert sequencer.stop() == 0
    finally:
        sequencer.kill()


def test_a_second_sequencer_on_the_same_database_takes_over(
    chain: Chain, tmp_path: Path, postgres: PostgresServer
) -> None:
    setting = Setting.make(chain, tmp_path / "operator")
    folder = configured(setting, database_url=postgres.new_database())
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    fields = load_settings(other).model_dump()
    save_settings(make_settings({**fields, "folder": other, "listen_port": free_port()}))
    first, street = ready(setting, folder), Street(setting)
    second = ready(setting, other)
    try:
        assert "another process is the batcher" in second.said
        street.pay(second.url, 2)  # a worker of the one, executed by the batcher of the other
        street.pay(first.url, 2)
        first.kill()
        street.pay(second.url, 2)
        check_final_once(second, setting, street.ids)
        assert second.stop() == 0
    finally:
        first.kill()
        second.kill()
