"""A development L1 that stays: anvil with its state in a file, and the contracts deployed once.

What was deployed is written down only when it is there, so an interrupted start deploys again and
loses nothing but an address that nobody knows.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.chain import Chain, start_chain
from contracts.deploy import deploy_rollup, deploy_token
from contracts.erc20 import TokenClient
from contracts.finality import LATEST
from contracts.rpc import Rpc
from contracts.transactions import Sender
from protocol.batch import Shape
from prover.groth16.keys import VerifyingKey
from sequencer.proving import contract_key
from wattlane.errors import BadChoice

ETHER_WEI = 10**18
TOKENS_BASE_UNITS = 100 * 10**18
OPERATOR = 0
DEPLOYMENT = "deployment.json"
CHAIN_STATE = "chain.json"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses on a development chain, and the keys that batches and exits are checked with."""

    contract: str
    token: str
    key: str
    exit_key: str = ""


def run(
    folder: Path,
    port: int,
    shape: Shape,
    make_keys: Callable[[], tuple[VerifyingKey, VerifyingKey]],
    fund: Sequence[str],
    say: Say,
) -> None:
    """Serve until SIGTERM or Ctrl-C. `make_keys`: of batches and of exits.

    Raises ChainUnavailable, BadChoice, and as Sender.send.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadChoice(f"cannot make {folder}: {error.strerror}") from error
    known = _read(folder / DEPLOYMENT)
    with start_chain("anvil", port=port, state=folder / CHAIN_STATE) as chain:
        deployment = _deployed(known, folder / DEPLOYMENT, chain, shape, make_keys(), say)
        for address in fund:
            _fund(chain, deployment, address)
            say(f"funded {address}")
        say(f"L1            {chain.url}")
        say(f"contract      {deployment.contract}")
        say(f"token         {deployment.token}")
        say(f"operator key  0x{bytes(chain.accounts[OPERATOR].key).hex()} (known to everyone)")
        say("Ctrl-C stops it; the state is kept")
        _wait_for_a_signal()


def _deployed(
    known: Deployment | None,
    path: Path,
    chain: Chain,
    shape: Shape,
    keys: tuple[VerifyingKey, VerifyingKey],
    say: Say,
) -> Deployment:
    names = tuple(key.digest().hex() for key in keys)
    if (
        known is not None
        and (known.key, known.exit_key) == names
        and _is_there(chain.rpc, known.contract)
    ):
        return known
    operator = chain.accounts[OPERATOR]
    token = deploy_token(chain.url, operator)
    rollup = deploy_rollup(
        chain.url,
        operator,
        token=token.address,
        operator=operator.address,
        shape=shape,
        key=contract_key(keys[0]),
        exit_key=contract_key(keys[1]),
        finality=LATEST,
    )
    token.mint(operator.address, TOKENS_BASE_UNITS)
    made = write_deployment(path, rollup.address, token.address, keys)
    say("contracts deployed")
    return made


def write_deployment(
    path: Path, contract: str, token: str, keys: tuple[VerifyingKey, VerifyingKey]
) -> Deployment:
    """Say in a folder's file what is on its chain. `keys`: of batches and of exits."""
    made = Deployment(contract, token, *(key.digest().hex() for key in keys))
    path.write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    return made


def _read(path: Path) -> Deployment | None:
    if not path.exists():
        return None
    try:
        return Deployment(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError) as error:
        raise BadChoice(f"{path} is damaged; delete it, and the contracts are deployed anew") from (
            error
        )


def _is_there(rpc: Rpc, address: str) -> bool:
    return bool(rpc.data("eth_getCode", address, "latest"))


def _fund(chain: Chain, deployment: Deployment, address: str) -> None:
    sender = Sender(chain.rpc, chain.accounts[OPERATOR])
    sender.send(address, b"", ETHER_WEI)
    TokenClient(sender, deployment.token).mint(address, TOKENS_BASE_UNITS)


def _wait_for_a_signal() -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    stopping.wait()
