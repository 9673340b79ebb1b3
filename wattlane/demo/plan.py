"""What a day of the market asks for: channels, deposits and who can disappear without loss.

A household would size its deposits from what it expects to buy; the demo takes the rehearsed day as
that expectation. Each side's need is the peak of what it has paid more than it was paid, and on top
what the market wants to see before a home may buy: the money for all that it lacks in an interval,
at its own limit. Who pays first opens the channel; OPEN brings half of its need, or what its first
payments may take, and a TOP_UP the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from energy.community.rules import Rules, Tariff
from energy.settlement.dues import Pair
from energy.settlement.flows import FlowKind
from wattlane.demo.rehearsal import Gone, Rehearsal, rehearse
from wattlane.demo.timeline import Timeline
from wattlane.demo.wishes import Wish
from wattlane.errors import BadChoice

FEWEST_FOR_A_DISAPPEARANCE = 3
SMALL_NTOK = 5 * 10**7
"""A need of up to 0.05 tokens is brought at once."""
GRACE_INTERVALS = 2
"""So many intervals are cleared late, once a meter is silent, and need a reading after them."""


@dataclass(frozen=True, slots=True)
class PlannedChannel:
    """A channel between two homes: the opener is the one that pays first.

    `first_deposit_ntok`: what OPEN brings of the opener's need.
    """

    opener: str
    peer: str
    opener_need_ntok: int
    peer_need_ntok: int
    first_deposit_ntok: int

    @property
    def pair(self) -> frozenset[str]:
        """Both homes."""
        return frozenset((self.opener, self.peer))


@dataclass(frozen=True, slots=True)
class Totals:
    """One home's day in Wh. Grid: what neighbours neither took nor gave."""

    bought_wh: int
    sold_wh: int
    from_grid_wh: int
    to_grid_wh: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A day of the street, as it is expected. `gone`: the home that will disappear, and when.

    `needs_ntok`: for each pair that pays, what its payer must have put into their channel by each
    interval.
    """

    timeline: Timeline
    wishes: tuple[Wish, ...]
    rules: Rules
    tariff: Tariff
    rehearsal: Rehearsal
    channels: tuple[PlannedChannel, ...]
    totals: Mapping[str, Totals]
    gone: Gone | None
    needs_ntok: Mapping[Pair, Sequence[int]] = field(repr=False)

    @property
    def homes(self) -> tuple[str, ...]:
        """The homes, in the street's order."""
        return self.rehearsal.homes

    @property
    def vanishing(self) -> str | None:
        """The home that will disappear."""
        return self.gone.home if self.gone else None

    def pair(self, payer: str, payee: str) -> Pair:
        """Two homes as the rehearsal numbers them."""
        return self.rehearsal.account(payer), self.rehearsal.account(payee)

    @property
    def matched_wh(self) -> int:
        """All energy that neighbours trade."""
        return self.rehearsal.traded_wh

    def need_ntok(self, home: str) -> int:
        """What the home puts into channels over the day."""
        opened = sum(one.opener_need_ntok for one in self.channels if one.opener == home)
        return opened + sum(one.peer_need_ntok for one in self.channels if one.peer == home)


def plan_day(
    timeline: Timeline,
    wishes: Sequence[Wish],
    rules: Rules,
    tariff: Tariff,
    *,
    can_disappear: bool = True,
) -> Plan:
    """The plan of a day. Raises BadChoice where nobody can trade."""
    rehearsal = rehearse(timeline, wishes, rules, tariff)
    if not rehearsal.traded_wh:
        raise BadChoice(
            "these homes have nothing to trade then; choose another day, hours or homes"
        )
    gone = _gone(rehearsal) if can_disappear else None
    if gone is not None:
        rehearsal = rehearse(timeline, wishes, rules, tariff, gone)
    needs = _needs(timeline, wishes, rehearsal)
    return Plan(
        timeline,
        tuple(wishes),
        rules,
        tariff,
        rehearsal,
        _channels(rehearsal, needs),
        {home: _totals(rehearsal, home) for home in rehearsal.homes},
        gone,
        needs,
    )


def top_up_place(plan: Plan, share: int) -> int:
    """The interval before which homes top up: some opener has promised this part of what OPEN
    brought, or what OPEN brought is about to be too little.
    """
    first = {plan.pair(one.opener, one.peer): one.first_deposit_ntok for one in plan.channels}
    for place in range(top_up_needed(plan)):
        for pair, deposit_ntok in first.items():
            promised_ntok = plan.rehearsal.promised_ntok.get(pair, ())
            if promised_ntok and promised_ntok[place] * share >= deposit_ntok:
                return place
    return top_up_needed(plan)


def top_up_needed(plan: Plan) -> int:
    """The interval before which what OPEN brought is too little for what some home may buy."""
    first = {plan.pair(one.opener, one.peer): one.first_deposit_ntok for one in plan.channels}
    for place in range(len(plan.timeline.intervals)):
        for pair, needs_ntok in plan.needs_ntok.items():
            if needs_ntok[place] > first.get(pair, 0):
                return place
    return len(plan.timeline.intervals)


def _needs(
    timeline: Timeline, wishes: Sequence[Wish], rehearsal: Rehearsal
) -> Mapping[Pair, Sequence[int]]:
    """For each pair that pays, what its payer must have put into their channel by each interval.

    0 where the two do not trade. Else what it has promised more than it had got an interval before
    (what it states of its channels may be as old), and all that it lacks then, at its own limit.
    """
    limits = {rehearsal.account(wish.home): wish.buys_up_to for wish in wishes}
    nothing = (0,) * (len(timeline.intervals) + 1)
    needs: dict[Pair, list[int]] = {}
    for pair, promised in rehearsal.promised_ntok.items():
        payer, payee = pair
        got = rehearsal.promised_ntok.get((payee, payer), nothing)
        needs[pair] = []
        for place, settlement in enumerate(rehearsal.settled):
            in_it = promised[place + 1] - promised[place]
            lacking_wh = sum(
                max(one.import_wh - one.export_wh, 0)
                for one in settlement.metered
                if one.home == payer
            )
            most = max(in_it, lacking_wh * limits[payer])
            before = promised[place] - got[max(place - 1, 0)]
            needs[pair].append(max(before, 0) + most if in_it else 0)
    return needs


def _channels(
    rehearsal: Rehearsal, needs_ntok: Mapping[Pair, Sequence[int]]
) -> tuple[PlannedChannel, ...]:
    channels = []
    for place, one in enumerate(rehearsal.homes):
        for other in rehearsal.homes[place + 1 :]:
            ways = [(one, other), (other, one)]
            needs = {
                way: needs_ntok.get((rehearsal.account(way[0]), rehearsal.account(way[1])), ())
                for way in ways
            }
            paying = [way for way in ways if any(needs[way])]
            if not paying:
                continue
            opener, peer = min(paying, key=lambda way: _first(needs[way]))
            mine, theirs = needs[opener, peer], needs[peer, opener]
            first_ntok = max((max(mine) + 1) // 2, mine[_first(mine)], min(max(mine), SMALL_NTOK))
            channels.append(
                PlannedChannel(opener, peer, max(mine), max(theirs, default=0), first_ntok)
            )
    return tuple(channels)


def _first(needs_ntok: Sequence[int]) -> int:
    """The place of the first need that is not 0."""
    return next(place for place, need in enumerate(needs_ntok) if need)


def _totals(rehearsal: Rehearsal, home: str) -> Totals:
    account = rehearsal.account(home)
    found: dict[tuple[FlowKind, bool], int] = defaultdict(int)
    for settlement in rehearsal.settled:
        for flow in settlement.flows:
            if account in (flow.payer, flow.payee):
                found[flow.kind, flow.payer == account] += flow.energy_wh
    return Totals(
        found[FlowKind.TRADE, True],
        found[FlowKind.TRADE, False],
        found[FlowKind.GRID_PURCHASE, True],
        found[FlowKind.GRID_FEED_IN, False],
    )


def _gone(rehearsal: Rehearsal) -> Gone | None:
    """The home whose process will be killed, after its last trade: the one that bought most among
    those that sold least.

    A home that only buys loses nothing by it: its neighbours hold its vouchers and claim them. The
    market waits a while for its meter; where too little of the day is left for that, the home stays
    until the day is over.
    """
    intervals = len(rehearsal.settled)
    totals = {home: _totals(rehearsal, home) for home in rehearsal.homes}
    buyers = [home for home in rehearsal.homes if totals[home].bought_wh]
    if len(rehearsal.homes) < FEWEST_FOR_A_DISAPPEARANCE or not buyers:
        return None
    home = min(buyers, key=lambda one: (totals[one].sold_wh, -totals[one].bought_wh, one))
    place = rehearsal.last_trade_of(home) + 1
    return Gone(home, place if place + GRACE_INTERVALS < intervals else intervals)
