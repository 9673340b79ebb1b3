"""A real sequencer process on a real L1, and a street that talks to it over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.client import RollupClient
from contracts.finality import LATEST
from protocol.codec import transaction_to_json
from protocol.transactions import Body, Transaction
from sequencer.bootstrap import InitRequest, initialise
from sequencer.settings import Settings
from tests.protocol.street import Home, home, signed
from tests.support.simulated_prover import SimulatedProver
from tests.support.simulating_sequencer import PASSPHRASE

FEE_NTOK = 10
FUNDS_NTOK = 1_000_000
WAIT_S = 40.0
FAST: dict[str, object] = {
    "listen_port": 0,
    "minimum_fee_ntok": FEE_NTOK,
    "maximum_age_s": 0.2,
    "poll_s": 0.1,
    "rpc_timeout_s": 3.0,
}

Json = dict[str, Any]


def start_l1() -> Chain:
    """anvil, or the embedded chain where anvil cannot be had."""
    try:
        return start_chain("anvil")
    except ChainUnavailable:
        return start_chain("embedded")


@dataclass(slots=True)
class Setting:
    """A deployed rollup, the operator's folder, and two homes with accounts on L1."""

    chain: Chain
    settings: Settings
    anna: Home
    bert: Home
    homes: RollupClient

    @classmethod
    def make(cls, chain: Chain, folder: Path, account: int = 0, **options: object) -> Setting:
        """Deploy with dev account `account` as the operator; the homes deposit from the next."""
        operator, payer = chain.accounts[account], chain.accounts[account + 1]
        request = InitRequest(
            folder,
            chain.url,
            l1_private_key=bytes(operator.key),
            confirmations=0,
            options={**FAST, **options},
        )
        prover = SimulatedProver()
        settings = initialise(request, PASSPHRASE, prover)
        prover.close()
        operator_client = RollupClient(chain.url, settings.contract, operator, finality=LATEST)
        units = operator_client.settings().base_units(100 * FUNDS_NTOK)
        operator_client.token_client().mint(payer.address, units)
        homes = RollupClient(chain.url, settings.contract, payer, finality=LATEST)
        homes.approve(100 * FUNDS_NTOK)
        owner = int(payer.address, 16)
        anna, bert = (Home(i, home(i).secret, owner) for i in (1, 2))
        for one in (anna, bert):
            index, _ = homes.new_account(one.key_hash, payer.address, FUNDS_NTOK)
            assert index == one.index
        return cls(chain, settings, anna, bert, homes)

    @property
    def domain(self) -> int:
        return self.homes.settings().domain

    def valid_until(self) -> int:
        return self.homes.latest_block().timestamp + 3_600

    def signed(self, body: Body, *signers: Home) -> Transaction:
        return signed(body, *signers, domain=self.domain)


class SequencerProcess:
    """A running daemon. `stop` is SIGTERM, `kill` SIGKILL."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.said: list[str] = []
        self._ready = threading.Event()
        self.url = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.simulating_sequencer", str(folder)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("ready "):
                self.url = line.split()[1]
                self._ready.set()
        self._ready.set()

    def ready(self) -> SequencerProcess:
        assert self._ready.wait(WAIT_S), self.said
        assert self.url, self.said
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def failure(self) -> str:
        """What it said when it ended by itself."""
        assert self._process.wait(WAIT_S) == 1, self.said
        self._reader.join(WAIT_S)
        return next(line for line in self.said if line.startswith("failed "))

    def wait_killed(self) -> None:
        assert self._process.wait(WAIT_S) == -signal.SIGKILL, self.said
        self._reader.join(WAIT_S)

    def kill(self) -> None:
        if self.is_running:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(WAIT_S)

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        return status

    # -------------------------------------------------------------------- HTTP

    def get(self, path: str, **query: str) -> Any:
        return httpx.get(self.url + path, params=query, timeout=10).raise_for_status().json()

    def post(self, transaction: Transaction, **query: str) -> httpx.Response:
        body = transaction_to_json(transaction)
        return httpx.post(f"{self.url}/v1/transactions", json=body, params=query, timeout=10)

    def submit(self, transaction: Transaction) -> str:
        response = self.post(transaction)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def status(self, id_: str) -> str:
        return str(self.get(f"/v1/transactions/{id_}")["status"])

    def wait_status(self, id_: str, *statuses: str) -> None:
        self.wait(lambda: self.status(id_) in statuses)

    def wait(self, done: Callable[[], bool]) -> None:
        """Poll until it is so."""
        deadline = time.monotonic() + WAIT_S
        while not done():
            assert self.is_running, self.said
            assert time.monotonic() < deadline, self.said[-20:]
            time.sleep(0.05)
