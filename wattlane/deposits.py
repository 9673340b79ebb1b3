"""Money from L1 into the rollup and back: the account is found on L1, nobody else is asked.

An account belongs to a wallet if the queue gives it both the wallet's key hash and its L1 address:
anyone may open an account under somebody's key hash, but not with that owner.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

from contracts.addresses import address_number
from contracts.client import RollupClient
from contracts.reader import RollupReader
from contracts.waiting import first_block_at
from protocol.queue import Deposit, KeyChange, NewAccount
from wattlane.errors import WattlaneError
from wattlane.money import show_tokens


@dataclass
class TooFewTokens(WattlaneError):
    """The wallet's L1 account does not hold what is to be deposited."""

    l1_address: str
    held_ntok: int
    needed_ntok: int

    def __str__(self) -> str:
        held, needed = show_tokens(self.held_ntok), show_tokens(self.needed_ntok)
        return f"{self.l1_address} holds {held} tokens on L1, {needed} are to be deposited"


@dataclass
class DepositDropped(WattlaneError):
    """A reorganisation of L1 took the deposit's block away; its transaction did not come back."""

    op_number: int

    def __str__(self) -> str:
        return (
            f"L1 took queue op {self.op_number} back: the deposit did not happen and its tokens "
            "are in the wallet's L1 account again; deposit once more"
        )


@dataclass(frozen=True, slots=True)
class Deposited:
    """A deposit that L1 has in its queue: the op, and whether it opens the account it credits."""

    op: NewAccount | Deposit
    opened: bool

    @property
    def account_index(self) -> int:
        """The account that it credits."""
        return self.op.index

    @property
    def op_number(self) -> int:
        """Its place in the queue."""
        return self.op.number


class Standing(Enum):
    """Where a deposit is: a reorganisation can take back what is not final yet."""

    DROPPED = "dropped"
    IN_A_BLOCK = "in a block"
    FINAL = "final"


def own_accounts(reader: RollupReader, l1_address: str) -> dict[int, int]:
    """Every account of an L1 address, with the key that it has after all ops in the queue.

    Raises RpcError.
    """
    owner = address_number(l1_address)
    found: dict[int, int] = {}
    for op in reader.queue_ops():
        opened = isinstance(op, NewAccount) and op.owner == owner
        changed = isinstance(op, KeyChange) and op.sender == owner and op.index in found
        if isinstance(op, NewAccount | KeyChange) and (opened or changed):
            found[op.index] = op.key_hash
    return found


def find_account(reader: RollupReader, key_hash: int, l1_address: str) -> int | None:
    """The lowest account of this key and owner, or None. Raises RpcError."""
    found = own_accounts(reader, l1_address)
    return min((index for index, key in found.items() if key == key_hash), default=None)


def deposit(client: RollupClient, key_hash: int, amount_ntok: int) -> Deposited:
    """Approve and deposit from the client's L1 account; opens the wallet's account if need be.

    Raises TooFewTokens, and what RollupClient.new_account and deposit raise.
    """
    owner, settings = client.account.address, client.settings()
    held_ntok = settings.ntok(client.token().balance_of(owner))
    if held_ntok < amount_ntok:
        raise TooFewTokens(owner, held_ntok, amount_ntok)
    index = find_account(client, key_hash, owner)
    client.approve(amount_ntok)
    if index is None:
        _, receipt = client.new_account(key_hash, owner, amount_ntok)
    else:
        receipt = client.deposit(index, owner, amount_ntok)
    (op,) = client.enqueued_in(receipt)
    assert isinstance(op, NewAccount | Deposit), "nothing else was asked for"
    return Deposited(op, index is None)


def standing(reader: RollupReader, deposited: Deposited) -> Standing:
    """Where a deposit is now: the very op counts, not just one of its number. Raises RpcError."""
    number = deposited.op_number
    if reader.enqueued() < number:
        return Standing.DROPPED
    final = reader.final_block()
    since = first_block_at(reader.rpc, deposited.op.enqueue_time)
    if reader.queue_ops_by_number(number, number, since) != (deposited.op,):
        return Standing.DROPPED
    is_final = reader.enqueued(final.number) >= number
    return Standing.FINAL if is_final else Standing.IN_A_BLOCK


def wait_final(reader: RollupReader, deposited: Deposited, pause_s: float = 2.0) -> None:
    """Wait until L1 cannot take the deposit back any more. Raises DepositDropped, RpcError.

    A transaction whose block was replaced usually comes back in another one, as another op.
    """
    while (found := standing(reader, deposited)) is not Standing.FINAL:
        if found is Standing.DROPPED:
            raise DepositDropped(deposited.op_number)
        time.sleep(pause_s)
