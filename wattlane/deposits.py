"""Money from L1 into the rollup and back: the account is found on L1, nobody else is asked.

An account belongs to a wallet if its NEW_ACCOUNT names both the wallet's key hash and its L1
address: anyone may open an account under somebody's key hash, but not with that owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.addresses import address_number
from contracts.client import RollupClient
from contracts.reader import RollupReader
from protocol.queue import NewAccount
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


@dataclass(frozen=True, slots=True)
class Deposited:
    """A deposit that L1 has in its queue: the op's number, and the account that it credits."""

    account_index: int
    op_number: int
    opened: bool


def find_account(reader: RollupReader, key_hash: int, l1_address: str) -> int | None:
    """The lowest account index that L1 gave to this key and owner, or None. Raises RpcError."""
    owner = address_number(l1_address)
    for op in reader.queue_ops():
        if isinstance(op, NewAccount) and op.key_hash == key_hash and op.owner == owner:
            return op.index
    return None


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
        index, receipt = client.new_account(key_hash, owner, amount_ntok)
        opened = True
    else:
        receipt = client.deposit(index, owner, amount_ntok)
        opened = False
    return Deposited(index, client.enqueued_in(receipt)[0].number, opened)
