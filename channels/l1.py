"""This node's own view of L1: nothing counts as final that this RPC does not hold final.

`L1` is the port that the rest of the package uses; `ContractL1` is its one adapter, over the
contract bindings, each call in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from eth_account.signers.local import LocalAccount

from channels.errors import L1Refused, L1Unreachable, WrongRollup
from contracts import errors as contract_errors
from contracts.client import RollupClient
from contracts.finality import FINALIZED, Finality
from protocol.batch import domain_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """The newest block that L1 holds final, and the rollup's state root in it."""

    number: int
    timestamp: int
    state_root: int


class L1(Protocol):
    """What a node reads and does on L1. Every method raises L1Unreachable."""

    async def domain(self) -> int:
        """The rollup's domain, from this RPC's chain id and the contract's address."""
        ...

    async def final(self) -> FinalBlock:
        """The newest final block with the state root."""
        ...

    async def head_time(self) -> int:
        """The newest block's timestamp, final or not."""
        ...

    async def pending_ntok(self) -> int:
        """What batches have withdrawn for this wallet and `collect` would pay out."""
        ...

    async def collect(self) -> int:
        """Pay out all that is pending; returns base units of the token. Raises L1Refused."""
        ...

    async def token_balance(self) -> int:
        """Base units of the settlement token that the wallet's L1 account holds."""
        ...

    async def new_account(self, key_hash: int, amount_ntok: int) -> int:
        """Open an account with a deposit; returns its index. Raises L1Refused."""
        ...

    async def deposit(self, index: int, amount_ntok: int) -> None:
        """Add to an account's balance. Raises L1Refused."""
        ...


class ContractL1:
    """The port over the contract's bindings. `account` signs and pays the gas.

    `confirmations`: None asks for L1's own "finalized" block.
    """

    def __init__(
        self,
        url: str,
        contract: str,
        account: LocalAccount,
        *,
        confirmations: int | None = None,
        timeout_s: float = 15.0,
    ) -> None:
        finality = FINALIZED if confirmations is None else Finality(confirmations)
        self._client = RollupClient(url, contract, account, finality=finality, timeout_s=timeout_s)
        self._final: FinalBlock | None = None

    async def domain(self) -> int:
        """See L1. Raises WrongRollup where the contract says another domain."""
        return await self._run("the contract's domain", self._domain)

    async def final(self) -> FinalBlock:
        """See L1."""
        return await self._run("the final block", self._final_block)

    async def head_time(self) -> int:
        """See L1."""
        return await self._run("the newest block", lambda: self._client.latest_block().timestamp)

    async def pending_ntok(self) -> int:
        """See L1."""
        address = self._client.account.address
        return await self._run("pending", lambda: self._client.pending_ntok(address))

    async def collect(self) -> int:
        """See L1."""
        return await self._run("withdraw", lambda: self._client.withdraw()[0])

    async def token_balance(self) -> int:
        """See L1."""
        address = self._client.account.address
        return await self._run("balance", lambda: self._client.token().balance_of(address))

    async def new_account(self, key_hash: int, amount_ntok: int) -> int:
        """See L1."""

        def register() -> int:
            self._client.approve(amount_ntok)
            owner = self._client.account.address
            return self._client.new_account(key_hash, owner, amount_ntok)[0]

        return await self._run("new_account", register)

    async def deposit(self, index: int, amount_ntok: int) -> None:
        """See L1."""

        def add() -> None:
            self._client.approve(amount_ntok)
            self._client.deposit(index, self._client.account.address, amount_ntok)

        await self._run("deposit", add)

    def _domain(self) -> int:
        chain_id = self._client.rpc.quantity("eth_chainId")
        own = domain_of(chain_id, int(self._client.address, 16))
        stated = self._client.settings().domain
        if stated != own:
            raise WrongRollup(
                f"{self._client.address} states domain {stated:#x}, "
                f"chain {chain_id} gives {own:#x}: not this rollup"
            )
        return own

    def _final_block(self) -> FinalBlock:
        block = self._client.final_block()
        if self._final is None or block.number != self._final.number:
            root = self._client.state_root(block.number)
            self._final = FinalBlock(block.number, block.timestamp, root)
        return self._final

    async def _run(self, what: str, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except (
            contract_errors.Reverted,
            contract_errors.InsufficientFunds,
            contract_errors.TransactionFailed,
            ValueError,
        ) as error:
            raise L1Refused(what, str(error)) from error
        except contract_errors.L1Error as error:
            raise L1Unreachable(self._client.rpc.shown_url, str(error)) from error
