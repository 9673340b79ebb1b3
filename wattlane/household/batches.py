"""What L1's final batches have of a home's channels, for its bill: read once for each new batch.

A page does not wait for it: what takes longer goes on in the background, and the page says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channels.books import read_books
from channels.errors import ChannelsError
from channels.store import stored_contract
from contracts.blob_places import blob_sources
from contracts.errors import L1Error
from contracts.finality import FINALIZED, Finality
from contracts.reader import RollupReader
from energy.bills.verify import Looked
from protocol.errors import ProtocolError
from wattlane.bill_on_l1 import looked, read_l1

if TYPE_CHECKING:
    from wattlane.household.outlook import Household

WAIT_S = 4.0
NO_CONTRACT = "its node has not stored yet which contract on L1 the rollup is"
STILL_READING = "it is still being read; load this page again in a while"


@dataclass(frozen=True, slots=True)
class Seen:
    """What L1 has, None for nothing yet; `why` it is not all that L1 may have by now."""

    looked: Looked | None
    why: str = ""


def reader_of(home: Household) -> RollupReader | None:
    """L1 as a home's page asks it, None where the contract is not known. Raises StoreCorrupt."""
    contract = home.contract or stored_contract(home.folder)
    if contract is None:
        return None
    finality = FINALIZED if home.confirmations is None else Finality(home.confirmations)
    blobs = blob_sources(home.l1_url, sequencer=home.sequencer_url)
    return RollupReader(home.l1_url, contract, finality=finality, blobs=blobs)


class Batches:
    """The final batches' side of one home's bills. `wait_s`: how long a page waits for it."""

    def __init__(
        self,
        home: Household,
        reader: Callable[[Household], RollupReader | None] = reader_of,
        wait_s: float = WAIT_S,
    ) -> None:
        self._home, self._reader, self._wait_s = home, reader, wait_s
        self._block = b""
        self._looked: Looked | None = None
        self._reading: asyncio.Task[str] | None = None

    async def seen(self) -> Seen:
        """What L1 has by now; however many ask, it is read once."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            why = await asyncio.wait_for(asyncio.shield(self._reading), self._wait_s)
        except TimeoutError:
            why = STILL_READING
        return Seen(self._looked, why)

    def _read(self) -> str:
        """Look again where the final block is another one and has more batches; what kept it."""
        try:
            reader = self._reader(self._home)
            if reader is None:
                return NO_CONTRACT
            block = reader.final_block()
            if block.block_hash == self._block:
                return ""
            known = self._looked
            if known is None or known.batches != reader.progress(block.number).batches:
                account = read_books(self._home.folder).owner.account_index
                self._looked = looked(read_l1(reader), account, None, lambda *_: None)
            self._block = block.block_hash
        except (L1Error, ProtocolError, ChannelsError, OSError, ValueError) as error:
            return str(error) or type(error).__name__
        return ""
