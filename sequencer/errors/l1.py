"""L1 or its RPC does not do what was asked."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class L1Error(SequencerError):
    """Base: L1 or its RPC did not do what was asked."""


@dataclass
class BatchRefused(L1Error):
    """The contract would refuse, or refused, a batch; `code` is the contract's own name for it."""

    number: int
    code: str

    def __str__(self) -> str:
        return f"L1 refuses batch {self.number}: {self.code}"


@dataclass
class ForeignBatch(L1Error):
    """L1 accepted a batch that this database did not make."""

    number: int
    l1_root: int

    def __str__(self) -> str:
        return (
            f"L1 holds batch {self.number} with root {self.l1_root:#x}, which this database did "
            "not make; is another sequencer running with the same key?"
        )


@dataclass
class ChainChanged(L1Error):
    """A block that was final is no longer there."""

    block: int

    def __str__(self) -> str:
        return (
            f"L1 block {self.block}, which was final, has changed; is this RPC on another chain, "
            "or was a development chain started afresh?"
        )


@dataclass
class QueueGap(L1Error):
    """The RPC left out a queue op."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"expected queue op {self.expected}, the RPC gave {self.given}"


@dataclass
class NonceBlocked(L1Error):
    """A transaction that this sequencer did not sign waits before a batch's, and gets nowhere."""

    account: str
    nonce: int
    waited_s: float

    def __str__(self) -> str:
        return (
            f"a transaction of {self.account} with nonce {self.nonce}, which this sequencer did "
            f"not sign, has kept a batch waiting for {self.waited_s:.0f} s; is the operator's key "
            "used elsewhere? Replace that transaction by one that offers more"
        )
