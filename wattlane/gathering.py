"""Finding what an L1 address holds: in the state rebuilt from L1, or in its node's witnesses.

L1's own data come first. Where they cannot be had any more (blobs are dropped after 18 days, some
nodes prune old logs), the witnesses on the home's own disk do, if they are of the contract's root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channels.books import Books
from contracts.addresses import address_number
from contracts.blob_sources import BlobUnavailable
from contracts.errors import RpcError, RpcRefused, UndecodableBatch
from contracts.reader import RollupReader
from contracts.rebuilding import Rebuilt, RecordIncomplete
from protocol.queue import QueueOp
from protocol.vouchers import Voucher
from wattlane.errors import WattlaneError
from wattlane.holdings import (
    Holdings,
    WitnessesOfAnotherRoot,
    held_in_state,
    held_in_witnesses,
    vouchers_of,
)

UNAVAILABLE = (RecordIncomplete, UndecodableBatch, BlobUnavailable, RpcRefused)
"""What says that L1's data cannot be had, and not that they are wrong."""


@dataclass
class NoWayOut(WattlaneError):
    """Neither L1's data nor witnesses of the contract's root are there."""

    rebuilding: str
    witnesses: str

    def __str__(self) -> str:
        return f"the state cannot be rebuilt ({self.rebuilding}), and {self.witnesses}"


@dataclass
class BooksOfAnotherRollup(WattlaneError):
    """The home's folder is about another rollup."""

    books: int
    domain: int

    def __str__(self) -> str:
        return (
            f"the home's books are of the rollup with domain {self.books:#x}, "
            f"this contract's is {self.domain:#x}"
        )


@dataclass(frozen=True, slots=True)
class Gatherer:
    """`books`: the home's, None where it has none. `say` is told what is used, and why."""

    reader: RollupReader
    owner: str
    books: Books | None
    follow: Callable[[], Rebuilt]
    only_witnesses: bool
    say: Callable[[str], None]

    def __call__(self) -> Holdings:
        """What the owner holds. Raises BooksOfAnotherRollup, NoWayOut, WitnessesOfAnotherRoot, and
        as `rebuild` where L1's data are not missing but wrong."""
        domain = self.reader.settings().domain
        if self.books is not None and self.books.owner.domain != domain:
            raise BooksOfAnotherRollup(self.books.owner.domain, domain)
        if self.only_witnesses:
            return self._from_witnesses(domain)
        try:
            rebuilt = self.follow()
        except UNAVAILABLE as error:
            self.say(f"L1's data cannot be had ({error}): using the witnesses kept")
            try:
                return self._from_witnesses(domain)
            except WitnessesOfAnotherRoot as other:
                raise NoWayOut(str(error), str(other)) from error
        owner = address_number(self.owner)
        return held_in_state(rebuilt.state, owner, domain, self._vouchers(), rebuilt.waiting)

    def _vouchers(self) -> list[Voucher]:
        return vouchers_of(self.books) if self.books else []

    def _from_witnesses(self, domain: int) -> Holdings:
        sets = self.books.witnesses if self.books else ()
        return held_in_witnesses(
            sets,
            self.reader.state_root(),
            address_number(self.owner),
            domain,
            self._vouchers(),
            self._waiting(),
        )

    def _waiting(self) -> tuple[QueueOp, ...]:
        """The ops that no batch has consumed, from their events alone."""
        first = self.reader.progress().processed + 1
        last = self.reader.enqueued()
        try:
            found = self.reader.queue_ops_by_number(first, last)
        except RpcError as error:
            self.say(f"deposits that wait cannot be found: {error}")
            return ()
        if len(found) < last - first + 1:
            self.say(f"of {last - first + 1} ops that wait L1 shows only {len(found)}")
        return found
