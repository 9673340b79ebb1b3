"""All that a market's journal says, computed from its entries one after the other alone.

Whoever folds the same entries gets the same book, clearings and settlements. An entry that does not
follow from those before it is refused by the market that writes, and named by whoever reads: a
clearing or a settlement that is not exactly what the other entries give is such an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from energy.canonical import decode, digest
from energy.clearing.trades import Clearing
from energy.community.community import Community
from energy.community.history import TAKEN, History, advanced, founded
from energy.community.members import Member
from energy.errors import (
    AlreadyFounded,
    AnotherRollup,
    DoesNotFollow,
    FromTheFuture,
    NoCommunityYet,
    OutOfTurn,
    UnknownKind,
)
from energy.fields import Fields
from energy.market.correcting import Given
from energy.market.day_roots import DayRoots
from energy.market.entries import Entry
from energy.market.funds import decode_funds
from energy.market.measuring import Measuring
from energy.market.periods import Periods, Running
from energy.market.purses import Purses
from energy.market.seen import Chain
from energy.meters import corrections
from energy.meters.commitments import DAY_TYPE as DAY_ROOT
from energy.meters.commitments import decode_day
from energy.meters.corrections import decode_correction
from energy.meters.reading import TYPE as READING
from energy.meters.reading import decode_reading
from energy.orders.book import Book
from energy.orders.order import decode_cancel, decode_order
from energy.settlement.documents import (
    decode_clearing,
    decode_settlement,
    encode_clearing,
    encode_settlement,
)
from energy.signed import Signed, check_signed, decode_signed

MOST_AHEAD_MS = 60_000
"""How far a document's time may lie ahead of the market's clock."""
MOST_DOCUMENT_BYTES = 1 << 28
MADE_HERE = frozenset({"clearing", "settlement"})
"""Kinds of documents that a market makes and takes from nobody."""

Apply = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that may be the next entry. `apply`: counts it, once it is one."""

    kind: str
    document: bytes
    apply: Apply


class Market:
    """The fold of a journal. `domain`: the rollup that it must be about, None for any."""

    def __init__(self, domain: int | None = None) -> None:
        self._domain = domain
        self._history: History | None = None
        self.community_seq = 0
        self.book = Book()
        self.measuring = Measuring()
        self.day_roots = DayRoots()
        self.purses = Purses()
        self.chain = Chain()
        self._periods: Periods | None = None
        self._running: tuple[int, Running | None] = (-1, None)
        self.seq = 0
        self.time_ms = 0

    @property
    def community(self) -> Community:
        """The community as it is now. Raises NoCommunityYet."""
        return self.periods.community

    @property
    def periods(self) -> Periods:
        """Its intervals. Raises NoCommunityYet."""
        if self._periods is None:
            raise NoCommunityYet
        return self._periods

    @property
    def history(self) -> History:
        """The community over time, with its ballots. Raises NoCommunityYet."""
        if self._history is None:
            raise NoCommunityYet
        return self._history

    def running(self) -> Running | None:
        """The interval under way, computed once for each entry. Raises NoCommunityYet."""
        if self._running[0] != self.seq:
            self._running = self.seq, self.periods.running()
        return self._running[1]

    def go_on(self, now_ms: int) -> None:
        """Let votes be counted and rules take effect by a time. Times never fall."""
        if self._history is not None and self._periods is not None:
            self._history = advanced(self._history, now_ms)
            self._periods.history = self._history

    def due(self, now_ms: int) -> bytes | None:
        """The next document that the journal lacks, to be made here; None for none."""
        self.go_on(now_ms)
        return self._periods.due(now_ms) if self._periods else None

    def add(self, entry: Entry) -> str:
        """Count the next entry; its kind. Raises EnergyError leaves: the market is as before."""
        prepared = self.prepare(entry.document, entry.time_ms)
        prepared.apply(entry)
        return prepared.kind

    def prepare(self, document: bytes, now_ms: int) -> Prepared:
        """Check a document that is to be the next entry. Raises EnergyError leaves."""
        self.go_on(now_ms)
        kind = kind_of(document)
        if kind == "signed":
            kind, take = self._signed(decode_signed(document), now_ms)
        elif kind == READING:
            take = self._reading(document, now_ms)
        elif kind == corrections.TYPE:
            take = self._correction(Given(decode_correction(document)), now_ms)
        elif kind == DAY_ROOT:
            take = self._day_root(document)
        elif kind == "clearing":
            take = self._clearing(document, now_ms)
        elif kind == "settlement":
            take = self._settlement(document, now_ms)
        else:
            raise UnknownKind(kind)

        def apply(entry: Entry) -> None:
            if self._periods is not None:
                self._periods.heard(entry.time_ms)
            take(entry)
            self.chain.take(entry)
            self.seq, self.time_ms = entry.seq, entry.time_ms

        return Prepared(kind, document, apply)

    # --- what accounts sign ---------------------------------------------------------------------

    def _signed(self, signed: Signed, now_ms: int) -> tuple[str, Apply]:
        kind = kind_of(signed.document)
        if kind in TAKEN:
            return kind, self._take_change(signed, kind, now_ms)
        match kind:
            case "community":
                return kind, self._take_founding(signed, now_ms)
            case "order":
                return kind, self._take_order(signed, now_ms)
            case "cancel":
                return kind, self._take_cancel(signed, now_ms)
            case "funds":
                return kind, self._take_funds(signed, now_ms)
            case corrections.TYPE:
                return kind, self._countersigned(signed, now_ms)
        raise UnknownKind(kind)

    def _take_founding(self, signed: Signed, now_ms: int) -> Apply:
        if self._history is not None:
            raise AlreadyFounded
        history = founded(signed, now_ms)
        community = history.latest.community
        if self._domain not in (None, community.domain):
            raise AnotherRollup(self._domain or 0, community.domain)

        def apply(entry: Entry) -> None:
            parts = self.book, self.measuring, self.purses
            self._history = history
            self._periods = Periods(history, entry.time_ms, *parts)
            self.community_seq = entry.seq

        return apply

    def _take_change(self, signed: Signed, kind: str, now_ms: int) -> Apply:
        history = TAKEN[kind](self.history, signed, now_ms)

        def apply(entry: Entry) -> None:
            self._history = history
            self.periods.history = history
            self.community_seq = entry.seq

        return apply

    def _take_order(self, signed: Signed, now_ms: int) -> Apply:
        order = decode_order(signed.document)
        self._check_member(signed, order.account)
        self.book.check(order, now_ms)
        return lambda entry: _discard(self.book.take(order, signed.digest, entry.time_ms))

    def _take_cancel(self, signed: Signed, now_ms: int) -> Apply:
        cancel = decode_cancel(signed.document)
        self._check_member(signed, cancel.account)
        self.book.check_cancel(cancel, now_ms)
        return lambda entry: self.book.cancel(cancel, entry.time_ms)

    def _take_funds(self, signed: Signed, now_ms: int) -> Apply:
        funds = decode_funds(signed.document)
        community = self.community
        if funds.account == community.account:
            check_signed(signed, community.domain, funds.account, community.key_hash)
        else:
            member = self.history.member(funds.account, now_ms)  # also one that has left still pays
            check_signed(signed, community.domain, member.account, member.key_hash)
        newest = self.purses.newest_number(funds.account)
        if funds.number != newest + 1:
            raise OutOfTurn("statement of funds", funds.number, newest)
        if funds.time_ms > now_ms + MOST_AHEAD_MS:
            raise FromTheFuture(funds.time_ms, now_ms)
        self.chain.check(funds)
        return lambda _entry: self.purses.take(funds)

    def _check_member(self, signed: Signed, account: int) -> None:
        community = self.community
        member = community.member(account)
        check_signed(signed, community.domain, account, member.key_hash)

    # --- what meters sign -----------------------------------------------------------------------

    def _reading(self, document: bytes, now_ms: int) -> Apply:
        reading = decode_reading(document)
        members: Sequence[Member] = self.community.members
        if not self.measuring.lists(reading.meter, members):
            members = self.periods.members_with(reading.meter, reading.end_ms)
        self.measuring.check(reading, members, now_ms)
        before = self.measuring.newest(reading.meter)
        since_ms = reading.start_ms if before is None else before.end_ms

        def apply(_entry: Entry) -> None:
            self.measuring.take(reading)
            self.periods.take_reading(since_ms, reading.end_ms)

        return apply

    def _countersigned(self, signed: Signed, now_ms: int) -> Apply:
        """A correction that the community's account has signed beside the meter."""
        community = self.community
        check_signed(signed, community.domain, community.account, community.key_hash)
        correction = decode_correction(signed.document)
        return self._correction(Given(correction, is_countersigned=True), now_ms)

    def _correction(self, given: Given, now_ms: int) -> Apply:
        starts_ms = self.periods.touched(given, now_ms)
        return lambda _entry: self.periods.take_correction(given.correction, starts_ms)

    def _day_root(self, document: bytes) -> Apply:
        day = decode_day(document)
        self.day_roots.check(day, self.history.members_with(day.meter, day.start_ms))
        return lambda _entry: self.day_roots.take(day)

    # --- what the market itself makes -----------------------------------------------------------

    def _clearing(self, document: bytes, now_ms: int) -> Apply:
        clearing, periods = decode_clearing(document), self.periods
        interval, start_ms = periods.next_interval(), clearing.interval.start_ms
        if clearing.interval != interval:
            reason = f"the next interval is from {interval.start_ms} to {interval.end_ms} ms"
            raise DoesNotFollow("the clearing", start_ms, reason)
        if not periods.may_clear(now_ms):
            raise DoesNotFollow("the clearing", start_ms, "it was not due yet")
        own = periods.clearing(interval)
        if document != encode_clearing(own):
            raise DoesNotFollow("the clearing", start_ms, _difference(clearing, own))
        return lambda entry: periods.take_clearing(clearing, digest(document), entry.seq)

    def _settlement(self, document: bytes, now_ms: int) -> Apply:
        given, periods = decode_settlement(document), self.periods
        start_ms = given.interval.start_ms
        found = periods.rounds.get(start_ms)
        if found is None or found.name != given.clearing:
            raise DoesNotFollow("the settlement", start_ms, "it settles no clearing of the journal")
        if len(found.chain) != given.revision:
            reason = f"its revision is {given.revision}, the next one is {len(found.chain)}"
            raise DoesNotFollow("the settlement", start_ms, reason)
        own = periods.settlement(found, now_ms)
        if own is None:
            raise DoesNotFollow("the settlement", start_ms, "nothing was to be settled then")
        if document != encode_settlement(own):
            raise DoesNotFollow("the settlement", start_ms, "its flows or meters are others")
        name = digest(document)
        return lambda entry: periods.take_settlement(found, given, name, entry.seq)


def fold(entries: Iterable[Entry], domain: int | None = None) -> Market:
    """The market of a whole journal. Raises EnergyError leaves."""
    market = Market(domain)
    for entry in entries:
        market.add(entry)
    return market


@lru_cache(maxsize=4)
def kind_of(document: bytes) -> str:
    """What a document calls itself; of the last few it is known. Raises BadDocument."""
    fields = Fields(decode(document, "document", MOST_DOCUMENT_BYTES), "document")
    return fields.text("type")


def shown_kind(document: bytes) -> str:
    """What a document is about, also under a signature. Raises BadDocument."""
    kind = kind_of(document)
    return kind_of(decode_signed(document).document) if kind == "signed" else kind


def _discard(_given: object) -> None:
    """Leaves a lambda nothing to return."""


def _difference(given: Clearing, own: Clearing) -> str:
    if given.rules_version != own.rules_version:
        return f"it names version {given.rules_version} of the rules, {own.rules_version} is right"
    if given.trades != own.trades:
        return f"its trades are {given.traded_wh} Wh, the orders and meters give {own.traded_wh} Wh"
    if given.price_utok_per_kwh != own.price_utok_per_kwh:
        return f"its price is {given.price_utok_per_kwh}, {own.price_utok_per_kwh} is right"
    return "it leaves out orders for other reasons"
