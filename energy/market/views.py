"""What a market shows of what its journal says, as its API's answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar

from pydantic import BaseModel

from energy.clearing.trades import Clearing
from energy.community.document import encode_community
from energy.errors import BadRequest, NothingInForce, NotThere
from energy.intervals import Interval, day_intervals, interval_at
from energy.market.entries import Entry
from energy.market.market import Market
from energy.market.models import (
    AccountRow,
    Book,
    ClearingRow,
    CommunityRow,
    DueRow,
    Dues,
    EntryRow,
    FlowRow,
    IntervalRow,
    LeftOut,
    MemberRow,
    MeteredRow,
    OrderRow,
    OrderState,
    PriceRow,
    SettlementRow,
    Stage,
    Status,
    TradeRow,
)
from energy.market.periods import Round, Running
from energy.orders.book import Ending, Placed
from energy.settlement.dues import NOTHING
from energy.settlement.flows import FlowKind, Settlement
from energy.settlement.revise import flows_of, stage_at

_R = TypeVar("_R", bound=BaseModel)


def entry_row(entry: Entry) -> EntryRow:
    """An entry as it stands in the journal."""
    return _row(EntryRow, entry)


def community_row(market: Market) -> CommunityRow:
    """The community as it is now. Raises NoCommunityYet."""
    community, version = market.community, market.history.latest
    return CommunityRow(
        seq=market.community_seq,
        digest=version.digest,
        name=community.name,
        profile=community.profile.value,
        document=encode_community(community),
        members=[
            _row(MemberRow, one, import_w=one.connection.import_w, export_w=one.connection.export_w)
            for one in community.members
        ],
    )


def book(market: Market, at_ms: int) -> Book:
    """The orders that stand in the interval at a time. Raises NoCommunityYet, NothingInForce."""
    community = market.community
    interval = interval_at(at_ms, community.rules_at(at_ms).interval_ms)
    standing = market.book.standing(interval, community.zone_info)
    return Book(at_ms=at_ms, orders=[_order_row(market, one, at_ms) for one in standing])


def orders(market: Market, account: int, now_ms: int) -> list[OrderRow]:
    """All that an account ever ordered, the newest first. Raises UnknownMember."""
    market.history.member(account, market.time_ms)
    found = market.book.of_account(account)
    return [_order_row(market, one, now_ms) for one in reversed(found)]


def account_row(market: Market, account: int) -> AccountRow:
    """Where an account stands. Raises UnknownMember."""
    community, meters = market.community, {}
    if account != community.account:
        for key in market.history.member(account, market.time_ms).meters:
            newest = market.measuring.newest(key.did)
            if newest is not None:
                meters[key.did] = newest.sequence
    return AccountRow(
        account=account,
        name=_name(market, account),
        next_order=market.book.next_number(account),
        next_funds=market.purses.newest_number(account) + 1,
        meters=meters,
    )


def prices(market: Market, day: date, now_ms: int) -> list[PriceRow]:
    """The intervals of a local day for which there is a tariff. Raises NotThere, BadInterval."""
    community = market.community
    zone = community.zone_info
    try:
        noon_ms = day_intervals(day, zone)[48].start_ms
        length_ms = community.rules_at(noon_ms).interval_ms
    except NothingInForce:
        raise NotThere(f"rule in force on {day}") from None
    return [
        _price_row(market, interval, now_ms)
        for interval in day_intervals(day, zone, length_ms)
        if community.tariffs[0].valid_from_ms <= interval.start_ms
    ]


def interval_row(market: Market, start_ms: int, now_ms: int) -> IntervalRow:
    """An interval that was cleared, or the next one. Raises NotThere, NoCommunityYet."""
    found = market.periods.rounds.get(start_ms)
    if found is not None:
        settlements = [
            _settlement_row(one, name, seq)
            for one, name, seq in zip(found.chain, found.names, found.seqs, strict=True)
        ]
        clearing = clearing_row(found.clearing, found.seq, found.name)
        return _interval_row(market, found.interval, now_ms, clearing, settlements)
    interval = market.periods.next_interval()
    if start_ms != interval.start_ms:
        raise NotThere(f"interval from {start_ms} ms that is cleared")
    return _interval_row(market, interval, now_ms)


def running_row(market: Market, running: Running | None, now_ms: int) -> IntervalRow:
    """The interval under way. Raises NotThere where nothing is metered in it."""
    if running is None:
        raise NotThere("interval under way that is metered yet")
    clearing = clearing_row(running.clearing, None, None)
    return _interval_row(market, running.interval, now_ms, clearing)


def dues(market: Market, running: Running | None, account: int) -> Dues:
    """What an account owes and is owed, also by the interval under way. Raises NoCommunityYet."""
    settled = market.periods.owed
    now = running.owed if running else settled
    return Dues(
        seq=market.seq,
        time_ms=market.time_ms,
        dues=[
            DueRow(
                payer=pair[0],
                payee=pair[1],
                energy_wh=settled.get(pair, NOTHING).energy_wh,
                amount_ntok=settled.get(pair, NOTHING).amount_ntok,
                running_energy_wh=due.energy_wh,
                running_amount_ntok=due.amount_ntok,
            )
            for pair, due in sorted(now.items())
            if account in pair
        ],
    )


def clearing_row(clearing: Clearing, seq: int | None, name: bytes | None) -> ClearingRow:
    """A clearing, and the entry that it is, if it is one."""
    return ClearingRow(
        seq=seq,
        digest=name,
        rules_version=clearing.rules_version,
        price_utok_per_kwh=clearing.price_utok_per_kwh,
        trades=[_row(TradeRow, one) for one in clearing.trades],
        left_out=[LeftOut(order=order, reason=reason) for order, reason in clearing.left_out],
    )


def _interval_row(
    market: Market,
    interval: Interval,
    now_ms: int,
    clearing: ClearingRow | None = None,
    settlements: Sequence[SettlementRow] = (),
) -> IntervalRow:
    return IntervalRow(
        start_ms=interval.start_ms,
        end_ms=interval.end_ms,
        status=_status(market, interval, now_ms),
        clearing=clearing,
        settlements=list(settlements),
    )


def _settlement_row(settlement: Settlement, name: bytes, seq: int) -> SettlementRow:
    return _row(
        SettlementRow,
        settlement,
        seq=seq,
        digest=name,
        stage=settlement.stage.value,
        metered=[_row(MeteredRow, one) for one in settlement.metered],
        flows=[_row(FlowRow, one, kind=one.kind.value) for one in settlement.flows],
    )


def _order_row(market: Market, placed: Placed, at_ms: int) -> OrderRow:
    order = placed.order
    return _row(
        OrderRow,
        order,
        digest=placed.name,
        name=_name(market, order.account),
        side=order.side.value,
        place=placed.place,
        taken_ms=placed.taken_ms,
        ended_ms=placed.ended_ms,
        state=_state(placed, at_ms),
    )


def _state(placed: Placed, at_ms: int) -> OrderState:
    if placed.ended_ms is None or placed.ending is None or at_ms < placed.ended_ms:
        return "standing" if at_ms < placed.order.until_ms else Ending.OVER.value
    return placed.ending.value


def _name(market: Market, account: int) -> str:
    known = market.community.names.get(account)
    return known or market.history.names.get(account, str(account))


def _price_row(market: Market, interval: Interval, now_ms: int) -> PriceRow:
    tariff = market.community.tariff_at(interval.start_ms)
    found = market.periods.rounds.get(interval.start_ms)
    traded = list(_traded(found)) if found else []
    energy_wh = sum(wh for wh, _ in traded)
    money_ntok = sum(wh * price for wh, price in traded)
    return PriceRow(
        start_ms=interval.start_ms,
        end_ms=interval.end_ms,
        status=_status(market, interval, now_ms),
        price_utok_per_kwh=money_ntok // energy_wh if energy_wh else None,
        lowest_utok_per_kwh=min((price for _, price in traded), default=None),
        highest_utok_per_kwh=max((price for _, price in traded), default=None),
        traded_wh=energy_wh,
        retail_utok_per_kwh=tariff.retail_utok_per_kwh,
        feed_in_utok_per_kwh=tariff.feed_in_utok_per_kwh,
    )


def _traded(found: Round) -> Iterable[tuple[int, int]]:
    """(Wh, price) of what was delivered, or before the settlement of what was cleared."""
    if found.chain:
        for flow in flows_of(found.chain):
            if flow.kind is FlowKind.TRADE:
                yield flow.energy_wh, flow.price_utok_per_kwh
    else:
        for trade in found.clearing.trades:
            yield trade.energy_wh, trade.price_utok_per_kwh


def _status(market: Market, interval: Interval, now_ms: int) -> Status:
    found = market.periods.rounds.get(interval.start_ms)
    if found is not None and found.chain:
        stage: Stage = stage_at(found.chain, found.rules, now_ms).value
        return stage
    if now_ms < interval.start_ms:
        return "to come"
    if now_ms < interval.end_ms:
        return "running"
    if interval.start_ms < market.periods.next_interval().start_ms and found is None:
        return "not traded"
    return "waiting"


def _row(kind: type[_R], of: object, /, **beside: object) -> _R:
    """A row that has its fields from `of`, by their names, but for those beside."""
    names = kind.model_fields.keys() - beside.keys()
    return kind.model_validate({name: getattr(of, name) for name in names} | beside)


def day_of(given: str) -> date:
    """A day as YYYY-MM-DD. Raises BadRequest."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadRequest(f"day = {given[:20]!r} is no date such as 2026-07-01") from None
