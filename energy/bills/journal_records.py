"""What a bill takes from a copy of the market's journal, every entry of it computed again.

Clearings and settlements are read as they stand there. Beside them the journal is folded: the first
entry that does not follow from those before it is kept with the reason, and from it on nothing that
was settled is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from energy.bills.bill import Head
from energy.bills.lines import Settled
from energy.bills.reckoning import PaidChannel
from energy.canonical import digest
from energy.clearing.trades import Clearing
from energy.community.community import Community
from energy.community.history import History
from energy.errors import EntryDoesNotFollow, JournalEndsBefore
from energy.market.entries import Entry
from energy.market.funds import decode_funds
from energy.market.market import Market, kind_of
from energy.market.reading_on import followed
from energy.orders.order import Order, decode_order
from energy.settlement.documents import decode_clearing, decode_settlement
from energy.signed import decode_signed
from protocol.channels import Lane, lane_paid_ntok

Progress = Callable[[int], None]
"""Told how many entries are read."""
_TELL_EVERY = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """Entry `place` of the journal does not follow."""

    place: int
    why: str


@dataclass(frozen=True, slots=True)
class JournalRecords:
    """A journal up to `head`. `orders`: by digest. `fault`: the first entry that does not follow.

    `history`: the community over time, up to the last entry that follows. `starts`: what lanes
    carried (ntok) when the market began to count them, by channel and payer: their first statements
    of funds.
    """

    history: History
    head: Head
    settled: tuple[Settled, ...]
    clearings: Mapping[bytes, Clearing]
    orders: Mapping[bytes, Order]
    starts: Mapping[tuple[int, int], int]
    fault: Fault | None

    @property
    def community(self) -> Community:
        """The community as it is at the end."""
        return self.history.latest.community


def read_records(
    entries: Iterable[Entry],
    domain: int | None = None,
    up_to: int | None = None,
    progress: Progress | None = None,
) -> JournalRecords:
    """Compute a journal. `entries`: in order, their chain and signatures checked as they come.

    `domain`: the rollup that it must be about. `up_to`: the last entry to look at, None for all.
    Raises AnotherRollup, JournalEndsBefore, NoCommunityYet, and what the entries raise.
    """
    market, fault, last = Market(domain), None, None
    settled: list[Settled] = []
    clearings: dict[bytes, Clearing] = {}
    orders: dict[bytes, Order] = {}
    starts: dict[tuple[int, int], int] = {}
    for entry in entries:
        if fault is None:
            try:
                followed(entry, market.add)
            except EntryDoesNotFollow as error:
                fault = Fault(entry.seq, error.reason)
        try:
            followed(entry, partial(_collect, settled, clearings, orders, starts))
        except EntryDoesNotFollow as error:
            fault = fault or Fault(entry.seq, error.reason)
        last = entry
        if progress and entry.seq % _TELL_EVERY == 0:
            progress(entry.seq)
        if entry.seq == up_to:
            break
    if last is None or (up_to is not None and last.seq < up_to):
        raise JournalEndsBefore(last.seq if last else 0, up_to or 1)
    head = Head(last.seq, last.chain)
    found = tuple(settled), clearings, orders, starts
    return JournalRecords(market.history, head, *found, fault)


def _collect(
    settled: list[Settled],
    clearings: dict[bytes, Clearing],
    orders: dict[bytes, Order],
    starts: dict[tuple[int, int], int],
    entry: Entry,
) -> None:
    document, kind = entry.document, kind_of(entry.document)
    if kind == "settlement":
        found = decode_settlement(document)
        settled.append(Settled(entry.seq, entry.time_ms, digest(document), found))
    elif kind == "clearing":
        clearings[digest(document)] = decode_clearing(document)
    elif kind == "signed":
        signed = decode_signed(document)
        kind = kind_of(signed.document)
        if kind == "order":
            orders[signed.digest] = decode_order(signed.document)
        elif kind == "funds":
            funds = decode_funds(signed.document)
            for line in funds.channels:
                starts.setdefault((line.channel_id, funds.account), line.paid_ntok)


def started(channel: PaidChannel, starts: Mapping[tuple[int, int], int]) -> PaidChannel:
    """A channel with what its lanes carried when the market began to count them.

    A lane that nobody has ever stated to the market pays for nothing of it.
    """
    payers = channel.channel_id & 0xFFFFFFFF, channel.channel_id >> 32 & 0xFFFFFFFF
    ab_ntok, ba_ntok = (
        starts.get((channel.channel_id, payer), lane_paid_ntok(channel.lane_value(lane)))
        for payer, lane in zip(payers, Lane, strict=True)
    )
    return replace(channel, start_ab_ntok=ab_ntok, start_ba_ntok=ba_ntok)
