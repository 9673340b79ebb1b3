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
from channels.forced import EPOCH_SHIFT, SignedL1, WantClaim, Wanted, WantStartClose
from contracts import errors as contract_errors
from contracts.blob_sources import BlobSources
from contracts.client import RollupClient
from contracts.fees import TIP_WEI
from contracts.finality import FINALIZED, Finality
from contracts.reader import ABI
from contracts.replaying import L1Replay
from contracts.transactions import PreparedTransaction, find_receipt
from contracts.waiting import ops_after
from protocol.batch import domain_of
from protocol.queue import QueueOp
from protocol.state import State

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """The newest block that L1 holds final, and the rollup's state root in it.

    `processed`: the number of the last queue op that is behind that root; `exodus_start`: when the
    exodus started, seconds, 0 before.
    """

    number: int
    timestamp: int
    state_root: int
    processed: int = 0
    exodus_start: int = 0


@dataclass(frozen=True, slots=True)
class Fate:
    """A forced op's transaction in a block. `op_number`: its place in the queue; None: reverted."""

    op_number: int | None


class ForcedL1(Protocol):
    """What bringing forced ops to L1 needs of it. Every method raises L1Unreachable."""

    @property
    def l1_address(self) -> int:
        """The account that signs and pays."""
        ...

    async def head_time(self) -> int:
        """The newest block's timestamp, final or not."""
        ...

    async def queue_fee_wei(self) -> int:
        """What a queue op costs now, in wei, besides gas."""
        ...

    async def ops_after(self, number: int) -> tuple[QueueOp, ...]:
        """Every op after this one that the newest block has in the queue."""
        ...

    async def sign_forced(
        self, wanted: Wanted, value_wei: int, replacing: SignedL1 | None = None
    ) -> SignedL1:
        """Sign the transaction that enqueues it; `replacing` one that does not get into a block.

        Raises L1Refused where it would revert or cannot be paid for.
        """
        ...

    async def send(self, signed: SignedL1) -> bool:
        """Hand it to the node (again). False where another transaction has used its nonce."""
        ...

    async def fate(self, signed: SignedL1) -> Fate | None:
        """What became of it; None while it is in no block."""
        ...


class L1(ForcedL1, Protocol):
    """What a node reads and does on L1. Every method raises L1Unreachable."""

    async def domain(self) -> int:
        """The rollup's domain, from this RPC's chain id and the contract's address."""
        ...

    async def final(self) -> FinalBlock:
        """The newest final block with the state root."""
        ...

    async def replayed(self) -> State:
        """The state of the newest final block from L1's data alone. Slow the first time.

        The caller must not change it. Raises L1Unreachable also where the data do not add up.
        """
        ...

    async def operator(self) -> str:
        """The address of whoever is the operator in the newest block."""
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
        blobs: BlobSources | None = None,
    ) -> None:
        """`blobs`: where those of batches are looked for; None: only at the node's own URL."""
        finality = FINALIZED if confirmations is None else Finality(confirmations)
        self._client = RollupClient(
            url, contract, account, finality=finality, timeout_s=timeout_s, blobs=blobs
        )
        self._final: FinalBlock | None = None
        self._replay = L1Replay(self._client)
        self._replaying = asyncio.Lock()

    @property
    def l1_address(self) -> int:
        """See ForcedL1."""
        return int(self._client.account.address, 16)

    async def domain(self) -> int:
        """See L1. Raises WrongRollup where the contract says another domain."""
        return await self._run("the contract's domain", self._domain)

    async def final(self) -> FinalBlock:
        """See L1."""
        return await self._run("the final block", self._final_block)

    async def head_time(self) -> int:
        """See L1."""
        return await self._run("the newest block", lambda: self._client.latest_block().timestamp)

    async def operator(self) -> str:
        """See L1."""
        return await self._run("the operator", lambda: self._client.powers().operator)

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

    async def replayed(self) -> State:
        """See L1."""
        async with self._replaying:
            return await self._run("the replay of L1's data", self._replay.follow)

    async def queue_fee_wei(self) -> int:
        """See ForcedL1."""
        return await self._run("the queue's fee", self._client.queue_fee_wei)

    async def ops_after(self, number: int) -> tuple[QueueOp, ...]:
        """See ForcedL1."""
        return await self._run("the queue", lambda: ops_after(self._client, number))

    async def sign_forced(
        self, wanted: Wanted, value_wei: int, replacing: SignedL1 | None = None
    ) -> SignedL1:
        """See ForcedL1."""

        def sign() -> SignedL1:
            prepared = self._client.sender.prepare(
                self._client.address,
                forced_calldata(wanted),
                value_wei,
                nonce=None if replacing is None else replacing.nonce,
                tip_wei=TIP_WEI if replacing is None else 2 * TIP_WEI,
            )
            hash_ = "0x" + prepared.transaction_hash.hex()
            return SignedL1(hash_, prepared.raw_bytes, prepared.nonce)

        return await self._run(wanted.key, sign)

    async def send(self, signed: SignedL1) -> bool:
        """See ForcedL1."""

        def hand_in() -> bool:
            hash_ = bytes.fromhex(signed.transaction_hash[2:])
            prepared = PreparedTransaction(signed.raw, hash_, signed.nonce, 0, 0, 0)
            try:
                self._client.sender.broadcast(prepared)
            except contract_errors.RpcRefused:
                return False
            return True

        return await self._run("a forced op", hand_in)

    async def fate(self, signed: SignedL1) -> Fate | None:
        """See ForcedL1."""

        def find() -> Fate | None:
            hash_ = bytes.fromhex(signed.transaction_hash[2:])
            receipt = find_receipt(self._client.rpc, hash_)
            if receipt is None:
                return None
            ops = self._client.enqueued_in(receipt) if receipt.succeeded else ()
            return Fate(ops[0].number if ops else None)

        return await self._run("a receipt", find)

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
            processed = self._client.progress(block.number).processed
            ended = self._client.exodus_start(block.number)
            self._final = FinalBlock(block.number, block.timestamp, root, processed, ended)
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


def forced_calldata(wanted: Wanted) -> bytes:
    """The call that enqueues it."""
    epoch = wanted.channel_id >> EPOCH_SHIFT
    if isinstance(wanted, WantClaim):
        voucher, signature = wanted.voucher, wanted.voucher.signature
        parts = (signature.key.x, signature.key.y, signature.r.x, signature.r.y, signature.s)
        return ABI.functions["force_claim"].encode_call(
            wanted.slot, epoch, int(voucher.lane), voucher.lane_value, parts
        )
    if isinstance(wanted, WantStartClose):
        return ABI.functions["force_start_close"].encode_call(wanted.slot, epoch, int(wanted.side))
    return ABI.functions["force_finalize"].encode_call(wanted.slot, epoch)
