"""The demo's L1: a development chain that it starts, or any other by its URL.

Money for the demo comes from one L1 account: a development chain's own, or on a URL the one whose
private key WATTLANE_L1_KEY holds. It becomes the operator, deploys the contracts and mints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from contracts.chain import Chain, ChainUnavailable, dev_account, start_chain
from contracts.errors import L1Error
from contracts.redaction import shown_url
from contracts.rpc import Rpc
from contracts.transactions import Sender
from wattlane.demo.settings import ANVIL, AUTO, EMBEDDED
from wattlane.errors import BadChoice

KEY_VARIABLE = "WATTLANE_L1_KEY"
HOME_WEI = 10**17
"""0.1 ether a home, for the gas of deposits and withdrawals."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoL1:
    """A running L1. `can_move_time`: whether a day can pass at once."""

    url: str
    kind: str
    client: str
    funder: LocalAccount
    can_move_time: bool

    @property
    def rpc(self) -> Rpc:
        """A new connection."""
        return Rpc(self.url)

    def advance(self, seconds: int) -> None:
        """Let time pass, and make a block. Raises RpcError."""
        rpc = self.rpc
        rpc.call("evm_increaseTime", seconds)
        rpc.call("evm_mine")

    def give_ether(self, address: str, amount_wei: int = HOME_WEI) -> None:
        """Send ether for gas. Raises as Sender.send."""
        Sender(self.rpc, self.funder).send(address, b"", amount_wei)


@contextmanager
def open_l1(choice: str, say: Say, state: Path | None = None) -> Iterator[DemoL1]:
    """Start or find the L1 that was chosen; a chain that was started is stopped at the end.

    `state`: where anvil leaves the chain behind. Raises ChainUnavailable, BadChoice, RpcError.
    """
    if choice in (AUTO, ANVIL, EMBEDDED):
        with _start(choice, say, state) as chain:
            yield DemoL1(chain.url, chain.kind, _client(chain.rpc), dev_account(0), True)
        return
    yield _find(choice)


def _start(choice: str, say: Say, state: Path | None) -> Chain:
    if choice == EMBEDDED:
        return start_chain(EMBEDDED)
    try:
        return start_chain(ANVIL, state=state)
    except ChainUnavailable as error:
        if choice == ANVIL:
            raise
        say(f"{error}; the embedded chain (py-evm) is used instead")
        return start_chain(EMBEDDED)


def _find(url: str) -> DemoL1:
    rpc, key = Rpc(url), os.environ.get(KEY_VARIABLE)
    try:
        funder: LocalAccount = Account.from_key(key) if key else dev_account(0)
    except ValueError as error:
        raise BadChoice(f"{KEY_VARIABLE} holds no private key") from error
    if not rpc.quantity("eth_getBalance", funder.address, "latest"):
        raise BadChoice(
            f"{funder.address} has no ether on {shown_url(url)}; put the private key of an "
            f"account that has into {KEY_VARIABLE}"
        )
    return DemoL1(url, "url", _client(rpc), funder, _can_move_time(rpc))


def _can_move_time(rpc: Rpc) -> bool:
    try:
        rpc.call("evm_increaseTime", 0)
    except L1Error:
        return False
    return True


def _client(rpc: Rpc) -> str:
    try:
        return str(rpc.call("web3_clientVersion"))
    except L1Error:
        return "unknown"
