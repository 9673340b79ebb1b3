"""What an L1 node does not do, and transactions that come to nothing.

What the contracts refuse has an error for each reason (errors.py).
"""

from __future__ import annotations

from dataclasses import dataclass


class L1Error(Exception):
    """Base of all errors of the L1 bindings."""


@dataclass
class RpcError(L1Error):
    """The node at `url` did not answer, or answered something that is no valid result."""

    url: str
    method: str
    problem: str

    def __str__(self) -> str:
        return f"L1 node {self.url}: {self.method}: {self.problem}"


@dataclass
class RpcRefused(RpcError):
    """The node answered with a JSON-RPC error object that is no revert."""

    code: int


@dataclass
class NoContract(L1Error):
    """There is no Wattlane contract at this address (or none of this version)."""

    url: str
    address: str

    def __str__(self) -> str:
        return f"L1 node {self.url}: there is no Wattlane contract at {self.address}"


@dataclass
class WrongCode(L1Error):
    """What is deployed at an address is not the contract that is committed here."""

    address: str
    name: str
    difference: str

    def __str__(self) -> str:
        return f"{self.address} does not hold this version's {self.name} code: {self.difference}"


@dataclass
class NotFinalYet(L1Error):
    """The chain at `url` has no block that the finality policy calls final."""

    url: str

    def __str__(self) -> str:
        return f"L1 node {self.url} has no final block yet"


@dataclass
class ReceiptTimeout(L1Error):
    """A transaction was sent, but is in no block so far; it may still get into one."""

    transaction_hash: str
    waited_s: float

    def __str__(self) -> str:
        return f"transaction {self.transaction_hash} is in no block after {self.waited_s:.0f} s"


@dataclass
class TransactionFailed(L1Error):
    """A transaction is in a block, but failed there without a reason that can be found out."""

    transaction_hash: str

    def __str__(self) -> str:
        return f"transaction {self.transaction_hash} failed on L1"


@dataclass
class InsufficientFunds(L1Error):
    """The sender has not enough ether for the transaction."""

    sender: str
    problem: str

    def __str__(self) -> str:
        return f"{self.sender} cannot pay for the transaction: {self.problem}"


@dataclass
class UndecodableBatch(L1Error):
    """A BatchAccepted event whose transaction is no direct call of submit_batch, or whose blob
    holds no batch."""

    number: int
    transaction_hash: str

    def __str__(self) -> str:
        return f"batch {self.number}: transaction {self.transaction_hash} is no submit_batch call"


@dataclass
class FeesAboveLimit(L1Error):
    """L1, or a transaction that is to be replaced, asks more than we may offer. Wei a gas.

    `what`: gas, tip or blob gas.
    """

    what: str
    needed_wei: int
    most_wei: int

    def __str__(self) -> str:
        needed, most = self.needed_wei / 10**9, self.most_wei / 10**9
        return (
            f"L1 asks {needed:.2f} gwei for {self.what}, the settings allow {most:.2f}: waiting "
            "for it to become cheaper"
        )
