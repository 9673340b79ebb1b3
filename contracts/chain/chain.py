"""A development chain is a child process with a URL, funded accounts and a clock to push forward.

The block time is the wall clock plus all that `advance_time` added; where blocks come faster than
seconds, it may run ahead of that by one second a block.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak

from contracts.errors import L1Error
from contracts.rpc import Rpc

DEV_ACCOUNTS = 10
DEV_BALANCE_WEI = 10_000 * 10**18
DEV_CHAIN_ID = 31337
LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
LISTENING = "Listening on "


@dataclass
class ChainUnavailable(L1Error):
    """A development chain cannot be started here; `problem` says why and what to do."""

    kind: str
    problem: str

    def __str__(self) -> str:
        return f"cannot start the {self.kind} development chain: {self.problem}"


@cache
def dev_account(number: int) -> LocalAccount:
    """Account `number` of every development chain. Its key is public: never use it elsewhere."""
    key: LocalAccount = Account.from_key(keccak(b"wattlane development account %d" % number))
    return key


class Chain:
    """A running development chain. Use as a context manager, or call `stop`."""

    def __init__(self, kind: str, url: str, process: subprocess.Popen[str]) -> None:
        self.kind = kind
        self.url = url
        self.rpc = Rpc(url)
        self._process = process

    @property
    def accounts(self) -> tuple[LocalAccount, ...]:
        """Accounts with 10,000 ether each, the same ones every time."""
        return tuple(dev_account(number) for number in range(DEV_ACCOUNTS))

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def advance_time(self, seconds: int) -> None:
        """Push the chain's clock forward and mine a block there. Raises RpcError."""
        self.rpc.call("evm_increaseTime", seconds)
        self.mine()

    def mine(self) -> None:
        """Mine one block, with what is pending. Raises RpcError."""
        self.rpc.call("evm_mine")

    def stop(self) -> None:
        """End the process; does nothing where it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_chain(kind: str, *, port: int = 0, state: Path | None = None) -> Chain:
    """Start a chain of kind "anvil" or "embedded" on loopback; port 0 takes a free one.

    `state`: a file in which anvil keeps the chain between runs. Raises ChainUnavailable.
    """
    if kind == "anvil":
        from contracts.chain.anvil import start_anvil

        return start_anvil(port, state)
    if kind == "embedded":
        from contracts.chain.embedded import start_embedded

        if state is not None:
            raise ChainUnavailable(kind, "it keeps no state between runs; use anvil for that")
        return start_embedded(port)
    raise ChainUnavailable(kind, 'no such kind; there are "anvil" and "embedded"')


def launch(kind: str, command: Sequence[str], port: int) -> Chain:
    """Start a process that prints "Listening on HOST:PORT", and wait until it has.

    The child's standard input is a pipe that closes when this process ends, however it ends.
    """
    if port:
        check_port_free(kind, port)
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,  # Ctrl-C ends what uses the chain first, and that ends the chain
        )
    except OSError as error:
        raise ChainUnavailable(kind, f"{command[0]} does not run: {error}") from error
    # A child that never says it listens is killed, which ends the loop below.
    alarm = threading.Timer(START_TIMEOUT_S, process.kill)
    alarm.start()
    said: deque[str] = deque(maxlen=10)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.append(line.rstrip())
            if LISTENING in line:
                host_and_port = line.split(LISTENING, 1)[1].strip()
                threading.Thread(target=_drain, args=(process,), daemon=True).start()
                return Chain(kind, f"http://{host_and_port}", process)
    finally:
        alarm.cancel()
    process.wait()
    process.stdout.close()
    raise ChainUnavailable(kind, f"it ended at once, saying: {' | '.join(said)}")


def check_port_free(kind: str, port: int) -> None:
    """Raises ChainUnavailable where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            problem = f"port {port} is in use; stop what uses it or choose another"
            raise ChainUnavailable(kind, problem) from error


def _drain(process: subprocess.Popen[str]) -> None:
    """Read and drop what the child prints, so that it never blocks on a full pipe."""
    assert process.stdout is not None
    try:
        while process.stdout.readline():
            pass
    except ValueError:  # closed by stop()
        return
