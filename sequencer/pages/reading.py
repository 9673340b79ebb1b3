"""What the pages read: one moment of the ledger each, turned into view models.

Everything a visitor typed has been made a number or a checked text before it comes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from protocol.accounts import Account
from protocol.channels import Channel
from protocol.codec import Json
from protocol.state import State
from protocol.units import INDEX_BITS, check_range
from sequencer.errors import NotFound
from sequencer.pages import batches as batch_pages
from sequencer.pages.batches import BatchLine, BatchList, BatchPage, Row
from sequencer.pages.holders import AccountView, ChannelView, account_view, channel_view
from sequencer.pages.marks import Mark, Rung, ladder
from sequencer.pages.overview import Census, EventLine, Overview, event_line, overview
from sequencer.pages.telling import Told, tell, tell_op
from sequencer.storage import batches, events, mempool, queue
from sequencer.storage.schema import BatchStatus
from sequencer.views import Views

NEWEST_BATCHES, NEWEST_EVENTS, HOMES_A_PAGE, CHANNELS_A_HOME = 8, 12, 50, 200


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """A transaction. `receipt` None: it was refused. `error`: why, in the API's words.

    `slot`: where its channel is or was; `is_there`: something is in that slot now.
    """

    id: str
    mark: Mark
    ladder: tuple[Rung, ...]
    told: Told
    batch: int | None
    position: int | None
    slot: int | None
    is_there: bool
    accepted_at: float
    receipt: Json | None
    error: Json | None


@dataclass(frozen=True, slots=True)
class HomeList:
    """Homes in the order of their numbers; `next`: from which number on there are more."""

    homes: tuple[AccountView, ...]
    first: int
    next: int | None


class PageReader:
    """Reads for one page at a time. Thread-safe."""

    def __init__(self, views: Views, explorer_url: str | None = None) -> None:
        """`explorer_url`: where people look at L1's transactions, if anywhere."""
        self._views, self._ledger, self._explorer_url = views, views.ledger, explorer_url
        self._census: tuple[int, Census] | None = None

    def overview(self, health: Json) -> Overview:
        """The first page."""
        return overview(
            self._views.state(), health, self._count(), self.newest(), self.newest_events()
        )

    def newest(self) -> tuple[BatchLine, ...]:
        """The newest batches with the open one, newest first."""
        return self.batches(None).lines[:NEWEST_BATCHES]

    def newest_events(self) -> tuple[EventLine, ...]:
        """What happened last, newest first."""
        with self._ledger.database.read() as connection:
            found = events.newest(connection, NEWEST_EVENTS)
        return tuple(event_line(one.id, one.kind, one.subject, one.at) for one in found)

    def batches(self, below: int | None) -> BatchList:
        """A page of batches with numbers under `below` (None: the newest, with the open one)."""
        with self._ledger.lock:
            sealed = self._ledger.book.sealed_number
        newest = sealed + 1
        top = newest + 1 if below is None else min(below, newest + 1)
        given = self._views.batches(max(top - 1 - batch_pages.PAGE, 0))
        found = [one for one in given if int(one["number"]) < top]
        if top > newest:
            found.append(self._views.batch(newest))
        return batch_pages.list_of(found, newest, top)

    def batch(self, number: int) -> BatchPage:
        """One batch, sealed or open. Raises NotFound."""
        given = self._views.batch(number)
        with self._ledger.lock:
            newest = self._ledger.book.sealed_number + 1
            pending = list(self._ledger.book.soft.pending[: self._ledger.most_transactions])
        first, count = int(given.get("first_op", 0)), int(given.get("op_count", 0))
        with self._ledger.database.read() as connection:
            if given["status"] == "open":
                rows = [_row(one.id, tell(one.transaction.body)) for one in pending]
            else:
                found = mempool.of_batch(connection, number)
                rows = [_row(one.id, tell(one.transaction.body)) for one in found]
            seen = queue.between(connection, first, first + count - 1) if count else []
        ops = [Row(None, f"op {one.op.number}", tell_op(one.op)) for one in seen]
        return batch_pages.page_of(given, rows, ops, newest, self._explorer_url)

    def transaction(self, id_: str) -> TransactionPage:
        """One transaction. Raises NotFound."""
        given = self._views.transaction(id_)
        with self._ledger.database.read() as connection:
            row = mempool.find(connection, id_)
        if row is None:
            raise NotFound(f"transaction {id_[:64]}")
        slot = None if given["slot"] is None else int(given["slot"])
        return TransactionPage(
            id=row.id,
            mark=Mark(given["status"]),
            ladder=ladder(given["status"]),
            told=tell(row.transaction.body),
            batch=row.batch,
            position=row.position,
            slot=slot,
            is_there=slot is not None and self._is_used(slot),
            accepted_at=row.accepted_at,
            receipt=given["receipt"],
            error=given["error"],
        )

    def home(self, index: int) -> AccountView:
        """One home with its channels. Raises NotFound, OutOfRange."""
        check_range("account index", index, INDEX_BITS)
        with self._ledger.lock:
            states = self._states()
            leaves = {level: one.find_account(index) for level, one in states.items()}
            slots = [
                slot
                for slot, one in sorted(states["soft"].channels.items())
                if index in (one.a_index, one.b_index)
            ][:CHANNELS_A_HOME]
            channels = [_channel(states, slot) for slot in slots]
        found = account_view(index, leaves, tuple(one for one in channels if one is not None))
        if found is None:
            raise NotFound(f"home {index}")
        return found

    def homes(self, first: int) -> HomeList:
        """Homes with numbers from `first` on, a page of them, without their channels."""
        with self._ledger.lock:
            states = self._states()
            numbers = (one for one in sorted(states["soft"].accounts) if one >= first)
            page = list(islice(numbers, HOMES_A_PAGE + 1))
            found = [_account(states, index) for index in page[:HOMES_A_PAGE]]
        rest = page[HOMES_A_PAGE] if len(page) > HOMES_A_PAGE else None
        return HomeList(tuple(one for one in found if one is not None), first, rest)

    def channel(self, slot: int) -> ChannelView:
        """The channel in a slot. Raises NotFound, OutOfRange."""
        check_range("channel slot", slot, INDEX_BITS)
        with self._ledger.lock:
            found = _channel(self._states(), slot)
        if found is None:
            raise NotFound(f"a channel in slot {slot}")
        return found

    def soft_channels(self) -> dict[int, Channel]:
        """Every channel of the soft state, by its id."""
        with self._ledger.lock:
            found = self._ledger.book.soft.state.channels
        return {one.id: one for one in found.values()}

    def homes_of(self, l1_address: int) -> list[int]:
        """The accounts that an L1 address owns."""
        return [int(one["index"]) for one in self._views.accounts(None, l1_address)]

    def slot_of(self, channel_id: int) -> int | None:
        """The slot of an open channel by its id."""
        found = self._views.channels(None, channel_id)
        return int(found[0]["slot"]) if found else None

    def batch_named(self, l1_tx_or_root: str) -> int | None:
        """The batch with this L1 transaction or new root (0x...)."""
        with self._ledger.database.read() as connection:
            return batches.named(connection, l1_tx_or_root)

    def _states(self) -> dict[str, State]:
        """The states of the three levels; under the ledger's lock."""
        book = self._ledger.book
        proved = [one for one in book.chain if one.status is not BatchStatus.SEALED]
        newest = proved[-1].sealed.state if proved else book.final_state
        return {"soft": book.soft.state, "proved": newest, "final": book.final_state}

    def _is_used(self, slot: int) -> bool:
        with self._ledger.lock:
            return _channel(self._states(), slot) is not None

    def _count(self) -> Census:
        with self._ledger.lock:
            state = self._ledger.book.soft.state
            if self._census is not None and self._census[0] == state.root:
                return self._census[1]
            accounts, root, channels = state.accounts, state.root, len(state.channels)
        settled_wh = sum(one.sold_wh for one in accounts.values())
        self._census = root, Census(len(accounts), channels, settled_wh)
        return self._census[1]


def _row(id_: str, told: Told) -> Row:
    return Row(f"/transactions/{id_}", id_, told)


def _account(states: dict[str, State], index: int) -> AccountView | None:
    leaves: dict[str, Account | None] = {
        level: one.find_account(index) for level, one in states.items()
    }
    return account_view(index, leaves, ())


def _channel(states: dict[str, State], slot: int) -> ChannelView | None:
    return channel_view(slot, {level: one.find_channel(slot) for level, one in states.items()})
