"""A real sequencer process on a real L1, and a street that talks to it over HTTP."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx

from contracts.chain import Chain, ChainUnavailable, start_chain
from contracts.client import RollupClient
from contracts.finality import LATEST
from protocol.codec import transaction_to_json
from protocol.transactions import Body, Transaction
from sequencer.bootstrap import InitRequest, MakeKey, initialise
from sequencer.keystore import create_keystore
from sequencer.proving import Prover
from sequencer.settings import KEYSTORE, Settings
from tests.protocol.street import Home, home, signed
from tests.support.simulated_prover import SimulatedProver, simulated_exit_key
from tests.support.simulating_sequencer import PASSPHRASE, serve

FEE_NTOK = 10
FUNDS_NTOK = 1_000_000
PURSE_NTOK = 100 * 10**9
"""What the account that deposits has, in tokens of L1."""
WAIT_S = 120.0
"""Of everything awaited here: no test may fail because others load the machine."""

FAST: dict[str, object] = {
    "listen_port": 0,
    "minimum_fee_ntok": FEE_NTOK,
    "maximum_age_s": 0.2,
    "poll_s": 0.1,
    "rpc_timeout_s": 60.0,
}

Json = dict[str, Any]

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.support.simulating_sequencer"])


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
    def make(
        cls,
        chain: Chain,
        folder: Path,
        confirmations: int = 0,
        prover: Prover | None = None,
        exit_key: MakeKey = simulated_exit_key,
        first_account: int = 0,
    ) -> Setting:
        """Deploy with one dev account as the operator; the homes deposit from the next.

        `prover` has key and shape of the contract; None simulates. `exit_key`: of its exodus.
        `first_account`: the operator's; no two operators on a chain may have the same, as each
        takes the account's next nonce for its own.
        """
        operator, payer = chain.accounts[first_account : first_account + 2]
        folder.mkdir()
        create_keystore(folder / KEYSTORE, PASSPHRASE, bytes(operator.key), scrypt_n=2)
        request = InitRequest(
            folder,
            chain.url,
            confirmations=confirmations,
            options=FAST,
        )
        simulated = SimulatedProver()
        settings = initialise(request, PASSPHRASE, prover or simulated, exit_key)
        simulated.close()
        operator_client = RollupClient(chain.url, settings.contract, operator, finality=LATEST)
        units = operator_client.settings().base_units(PURSE_NTOK)
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


_started: list[SequencerProcess] = []


def kill_all() -> None:
    """End what a failed test left running: pytest would wait for it when it exits."""
    while _started:
        _started.pop().kill()


class SequencerProcess:
    """A running daemon. `stop` is SIGTERM, `kill` SIGKILL."""

    def __init__(
        self,
        folder: Path,
        kill_at: str | None = None,
        proof_s: float = 0.0,
        target: Callable[[Path, Path, Connection, str | None, float], None] = serve,
    ) -> None:
        self.url = ""
        self._http = httpx.Client(timeout=WAIT_S, trust_env=False)
        self._log = folder / "log"
        self._answer, theirs = _FORKSERVER.Pipe(duplex=False)
        self._process = _FORKSERVER.Process(
            target=target, args=(folder, self._log, theirs, kill_at, proof_s)
        )
        self._process.start()
        _started.append(self)
        theirs.close()

    def ready(self) -> SequencerProcess:
        """Itself, once it answers requests."""
        assert self._answer.poll(WAIT_S), self.said
        assert self.try_ready(), self.said
        return self

    def try_ready(self) -> bool:
        """Whether it answers requests by now."""
        if not self.url and self._answer.poll():
            try:
                kind, text = self._answer.recv()
            except EOFError:
                return False
            assert kind == "ready", text
            self.url = text
        return bool(self.url)

    @property
    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text()[-5_000:] if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    def failure(self) -> str:
        """What it said when it ended by itself."""
        assert self._answer.poll(WAIT_S), self.said
        kind, text = self._answer.recv()
        assert kind == "failed"
        self._process.join(WAIT_S)
        assert self._process.exitcode == 1
        return str(text)

    def wait_killed(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait for the end by SIGKILL, and do this again and again once it answers requests."""
        deadline = time.monotonic() + WAIT_S
        while self.is_running and time.monotonic() < deadline:
            if self.try_ready():
                meanwhile()
            self._process.join(0.05)
        assert self._process.exitcode == -signal.SIGKILL, self.said

    def wait_ended(self) -> None:
        """Wait for an end with exit status 0."""
        self._process.join(WAIT_S)
        assert self._process.exitcode == 0, self.said

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def stop(self) -> int | None:
        """The exit status after SIGTERM."""
        self._process.terminate()
        self._process.join(WAIT_S)
        return self._process.exitcode

    # -------------------------------------------------------------------- HTTP

    def get(self, path: str, **query: str) -> Any:
        return self._http.get(self.url + path, params=query).raise_for_status().json()

    def post(self, transaction: Transaction, **query: str) -> httpx.Response:
        body = transaction_to_json(transaction)
        return self._http.post(f"{self.url}/v1/transactions", json=body, params=query)

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
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
