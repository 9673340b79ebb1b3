"""What cannot be traded: beyond connections and feeders, or beyond what the law of the place lets.

Before a clearing each home's bids are cut to its connection, and bids that the law rules out are
left out. After it, trades between areas go, and trades between feeders are cut to what these carry:
which feeder a buyer's energy comes from is known only then. Cutting never adds energy, a buyer or a
price, so everybody's limit still holds. Whatever was cut is listed with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from energy.clearing.trades import Bid, Clearing, Trade
from energy.community.community import Community
from energy.community.members import energy_at
from energy.community.rules import SharingRule, Side
from energy.errors import UnknownMember
from energy.intervals import Interval
from energy.sharing import in_order, largest_remainder

Reasons = tuple[tuple[bytes, str], ...]


@dataclass(frozen=True, slots=True)
class Limited:
    """Bids within the limits, in the order in which they came. `left_out`: (order, reason) of each
    that is cut or gone."""

    bids: tuple[Bid, ...]
    left_out: Reasons


def within_limits(bids: Sequence[Bid], interval: Interval, community: Community) -> Limited:
    """The bids that may be cleared for an interval.

    Of several bids of a home on one side, those with the lower place fill its connection first.
    """
    left: dict[tuple[int, Side], int] = {}
    kept: dict[int, Bid] = {}
    reasons: list[tuple[bytes, str]] = []
    for position in sorted(range(len(bids)), key=lambda one: bids[one].place):
        bid = bids[position]
        why_not = _ruled_out(bid, interval, community)
        if why_not:
            reasons.append((bid.order, why_not))
            continue
        connection = community.member(bid.home).connection
        sells = bid.side is Side.SELL
        power_w = connection.export_w if sells else connection.import_w
        key = (bid.home, bid.side)
        room_wh = left.get(key, energy_at(power_w, interval))
        energy_wh = min(bid.energy_wh, room_wh)
        left[key] = room_wh - energy_wh
        if energy_wh < bid.energy_wh:
            verb = "give" if sells else "take"
            reasons.append(
                (
                    bid.order,
                    f"{energy_wh} of {bid.energy_wh} Wh: the home's connection can {verb} "
                    f"{power_w} W, {energy_at(power_w, interval)} Wh in this interval",
                )
            )
            bid = replace(bid, energy_wh=energy_wh)
        if energy_wh:
            kept[position] = bid
    return Limited(tuple(kept[position] for position in sorted(kept)), tuple(reasons))


def trades_within_limits(clearing: Clearing, community: Community) -> Clearing:
    """The clearing with no trade across areas where the law forbids it, and none beyond feeders.

    What a feeder can carry is shared among the trades over it by the rules' way of sharing: in
    proportion to their energy, or to the first in the clearing's order first.
    """
    if not community.feeders:
        return clearing
    trades = list(clearing.trades)
    energies = [trade.energy_wh for trade in trades]
    reasons: list[tuple[bytes, str]] = []
    if community.law.within_area:
        for place, trade in enumerate(trades):
            sold_in, bought_in = (_area(community, one) for one in (trade.seller, trade.buyer))
            if sold_in != bought_in:
                energies[place] = 0
                reasons += _both(trade, f"{sold_in!r} and {bought_in!r} are two balancing areas")
    rules = community.rules_at(clearing.interval.start_ms)
    share = largest_remainder if rules.sharing is not SharingRule.FIRST_IN_FIRST_OUT else in_order
    crossing = _crossing(trades, community)
    for feeder in community.feeders:
        for goes_out, power_w in ((True, feeder.most_out_w), (False, feeder.most_in_w)):
            places = crossing[feeder.name, goes_out]
            wanted = [energies[place] for place in places]
            room_wh = energy_at(power_w, clearing.interval)
            if sum(wanted) <= room_wh:
                continue
            way = "out of" if goes_out else "into"
            why = f"{power_w} W, {room_wh} Wh in this interval, is all that trades may bring {way} "
            for place, energy_wh in zip(places, share(room_wh, wanted), strict=True):
                if energy_wh < energies[place]:
                    energies[place] = energy_wh
                    said = f"{energy_wh} of {trades[place].energy_wh} Wh: {why}{feeder.name!r}"
                    reasons += _both(trades[place], said)
    if not reasons:
        return clearing
    kept = tuple(
        replace(trade, energy_wh=energy_wh)
        for trade, energy_wh in zip(trades, energies, strict=True)
        if energy_wh
    )
    price = clearing.price_utok_per_kwh if kept else 0
    left_out = clearing.left_out + tuple(dict.fromkeys(reasons))
    return replace(clearing, trades=kept, left_out=left_out, price_utok_per_kwh=price)


def _ruled_out(bid: Bid, interval: Interval, community: Community) -> str:
    """Why the law or the community's file keeps a bid out; "" where nothing does."""
    law = community.law
    try:
        member = community.member(bid.home)
    except UnknownMember as error:
        return str(error)
    if interval.start_ms < law.starts_ms:
        since = datetime.fromtimestamp(law.starts_ms // 1000, community.zone_info)
        return f"{law.title}: not before {since.date().isoformat()}"
    if bid.side is Side.SELL and law.renewable_only and not member.is_green:
        return f"{law.title}: {member.name} has no renewable source to sell from"
    return ""


def _crossing(trades: Sequence[Trade], community: Community) -> dict[tuple[str, bool], list[int]]:
    """By feeder, and whether they leave it: places of the trades that cross its end."""
    crossing: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for place, trade in enumerate(trades):
        sold_on = community.member(trade.seller).feeder
        bought_on = community.member(trade.buyer).feeder
        if sold_on != bought_on:
            crossing[sold_on, True].append(place)
            crossing[bought_on, False].append(place)
    return crossing


def _area(community: Community, account: int) -> str:
    return community.area_of(community.member(account))


def _both(trade: Trade, reason: str) -> list[tuple[bytes, str]]:
    return [(trade.sell_order, reason), (trade.buy_order, reason)]
