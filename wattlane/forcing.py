"""What a home asks of L1 for its account, past any sequencer: another key, or all its money out.

Nobody but L1 is asked: which account is the wallet's, and which key it will have, is read from the
queue's ops. Ref: docs/protocol.md section 4, KEY_CHANGE and FORCED_EXIT.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.client import RollupClient
from contracts.reader import RollupReader
from wattlane.deposits import own_accounts
from wattlane.errors import WattlaneError


@dataclass
class NoAccountOnL1(WattlaneError):
    """L1's queue opened no account for this L1 address."""

    l1_address: str

    def __str__(self) -> str:
        return f"{self.l1_address} owns no account of this rollup; deposit first"


@dataclass
class SeveralAccounts(WattlaneError):
    """The L1 address owns more than one account: say which one is meant."""

    indices: tuple[int, ...]

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.indices))
        return f"this L1 address owns accounts {shown}: name one with --account"


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account of an L1 address, and the key that it has after all that is in the queue."""

    index: int
    key_hash: int


@dataclass(frozen=True, slots=True)
class Asked:
    """An op that L1 has in its queue now."""

    op_number: int
    transaction_hash: str


def own_account(reader: RollupReader, l1_address: str, index: int | None) -> OwnAccount:
    """The account of an L1 address; `index` where it has several.

    Raises NoAccountOnL1, SeveralAccounts, RpcError.
    """
    found = own_accounts(reader, l1_address)
    if index is not None:
        found = {one: key_hash for one, key_hash in found.items() if one == index}
    if not found:
        raise NoAccountOnL1(l1_address)
    if len(found) > 1:
        raise SeveralAccounts(tuple(sorted(found)))
    ((one, key_hash),) = found.items()
    return OwnAccount(one, key_hash)


def force_exit(client: RollupClient, index: int) -> Asked:
    """Ask for the account's whole balance. Raises as RollupClient.force_exit."""
    receipt = client.force_exit(index)
    (op,) = client.enqueued_in(receipt)
    return Asked(op.number, "0x" + receipt.transaction_hash.hex())


def change_key(client: RollupClient, index: int, key_hash: int) -> Asked:
    """Ask for another key. Raises as RollupClient.change_key."""
    receipt = client.change_key(index, key_hash)
    (op,) = client.enqueued_in(receipt)
    return Asked(op.number, "0x" + receipt.transaction_hash.hex())
