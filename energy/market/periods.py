"""Intervals one after the other: when each is due, its clearing, its settlements, what is owed.

They come from the first that begins with, or after, the first entry. An interval is due once it has
ended (AHEAD: once its orders have closed) and every home that takes part has shown its registers at
its end: at first all that have a meter, then those that were not silent all through the interval
before. Who takes part and is silent is waited for GRACE_MS, counted from when the market heard
anything at all after a long pause. Pure: every time is an argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from energy.canonical import digest
from energy.clearing.supply_demand import fees_of
from energy.clearing.trades import Clearing
from energy.community.community import Community
from energy.community.history import History
from energy.community.members import Member
from energy.community.rules import Rules, Side, Tariff, Timing
from energy.intervals import Interval, days_before, interval_at, local_day
from energy.market.correcting import Given, touched
from energy.market.liabilities import open_trades, promised
from energy.market.measuring import Measuring
from energy.market.purses import Purses
from energy.market.rounds import Means, clear_round
from energy.meters.corrections import Correction, Corrections
from energy.orders.book import Book
from energy.settlement.documents import encode_clearing, encode_settlement
from energy.settlement.dues import NOTHING, Due, Pair, dues
from energy.settlement.flows import Flow, FlowKind, Metered, Settlement
from energy.settlement.revise import corrected_until_ms, finish, revise
from energy.settlement.settle import settle

GRACE_MS = 300_000
"""How long an interval waits for homes that have not shown their registers at its end."""
GATE_MS = 300_000
"""AHEAD: how long before an interval its orders close."""
_DAYS_BACK = 7


@dataclass(slots=True)
class Round:
    """An interval that was cleared, and its settlements so far: the first one, then adjustments.

    `community`, `rules`, `tariff`: as they were then. `name`, `names`: digests of the documents;
    `seq`, `seqs`: their entries. `owed`: dues of its settlements together.
    """

    interval: Interval
    community: Community
    rules: Rules
    tariff: Tariff
    clearing: Clearing
    name: bytes
    seq: int
    chain: list[Settlement] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    owed: dict[Pair, Due] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Running:
    """The interval under way, cleared and settled over the readings up to `until_ms`."""

    interval: Interval
    until_ms: int
    clearing: Clearing
    settlement: Settlement
    owed: dict[Pair, Due]


class Periods:
    """All intervals of a community's market. `heard` is to be told of every entry's time.

    `history`: the community over time, to be kept up to date. Who takes part in an interval, and by
    which meter, is as it stood when the interval began: a home that leaves during it, or before it
    is settled, is still paid for it.
    """

    def __init__(
        self,
        history: History,
        start_ms: int,
        book: Book,
        measuring: Measuring,
        purses: Purses,
    ) -> None:
        self.history = history
        self.rounds: dict[int, Round] = {}
        self.owed: dict[Pair, Due] = {}
        self._book, self._measuring, self._purses = book, measuring, purses
        self._first_ms = self._next_ms = _first_start_ms(self.community, start_ms)
        self._heard_ms = self._resumed_ms = start_ms
        self._unsettled: list[int] = []
        self._open: set[int] = set()
        self._unfinished: list[int] = []
        self._late: set[int] = set()
        self._corrections = Corrections()
        self._spent: defaultdict[tuple[date, int], int] = defaultdict(int)

    @property
    def community(self) -> Community:
        """The community as it is now."""
        return self.history.latest.community

    # --- what is next ---------------------------------------------------------------------------

    def next_interval(self) -> Interval:
        """The interval that is to be cleared next."""
        start_ms = self._next_ms
        length_ms = self.community.rules_at(start_ms).interval_ms
        return Interval(start_ms, interval_at(start_ms, length_ms).end_ms)

    def rules_at(self, interval: Interval) -> Rules:
        """The rules in force in an interval. Raises NothingInForce."""
        return self.community.rules_at(interval.start_ms)

    def may_clear(self, now_ms: int) -> bool:
        """Whether the next interval's clearing is due."""
        interval = self.next_interval()
        if self.rules_at(interval).timing is Timing.AHEAD:
            return now_ms >= interval.start_ms - GATE_MS
        return self._is_shown(interval, now_ms)

    def due(self, now_ms: int) -> bytes | None:
        """The next document that the journal lacks: a clearing or a settlement; None for none."""
        for start_ms in sorted(self._late):  # first of all, while its readings are not forgotten
            if settlement := self.settlement(self.rounds[start_ms], now_ms):
                return encode_settlement(settlement)
            self._late.discard(start_ms)
        for start_ms in self._unsettled:
            if settlement := self.settlement(self.rounds[start_ms], now_ms):
                return encode_settlement(settlement)
        if self.may_clear(now_ms):
            return encode_clearing(self.clearing(self.next_interval()))
        while self._unfinished:
            found = self.rounds[self._unfinished[0]]
            if now_ms <= corrected_until_ms(found.interval, found.rules):
                break
            if settlement := self.settlement(found, now_ms):
                return encode_settlement(settlement)
            self._unfinished.pop(0)
        return None

    # --- what they come to ----------------------------------------------------------------------

    def clearing(self, interval: Interval, shown: dict[int, Metered] | None = None) -> Clearing:
        """An interval's clearing. `shown`: by the meters, if not by those at both its ends."""
        community, rules = self.history.at(interval.start_ms), self.rules_at(interval)
        is_ahead = rules.timing is Timing.AHEAD
        if shown is None:
            shown = self._expected(interval) if is_ahead else self._shown(interval)
        standing = self._book.standing(interval, community.zone_info)
        if is_ahead:
            gate_ms = interval.start_ms - GATE_MS
            standing = [one for one in standing if one.taken_ms <= gate_ms]
        day = local_day(interval.start_ms, community.zone_info)
        spent = {one.account: self._spent.get((day, one.account), 0) for one in community.members}
        means = Means(self._purses, self._with_promised(day, spent), spent)
        return clear_round(standing, interval, shown, community, rules, means)

    def _with_promised(self, day: date, spent_ntok: dict[int, int]) -> dict[Pair, Due]:
        """What is owed if all that was cleared and is not settled yet comes to the worst; what it
        costs on `day` is added to `spent_ntok`, so that no balance or budget counts twice. A trade
        that lacks a reading of one side counts until it has it, or is final."""
        owed = dict(self.owed)
        for start_ms in self._open:
            found = self.rounds[start_ms]
            trades = open_trades(found.clearing, found.chain, found.rules)
            fees = fees_of(Side.BUY, found.tariff)
            is_today = local_day(start_ms, found.community.zone_info) == day
            hub = found.community.account
            _add(owed, promised(trades, found.tariff, found.rules, hub), {})
            for trade in trades if is_today else ():
                if trade.buyer in spent_ntok:
                    price = trade.price_utok_per_kwh + fees
                    spent_ntok[trade.buyer] += trade.energy_wh * price
        return owed

    def settlement(self, found: Round, now_ms: int) -> Settlement | None:
        """The settlement that is to follow a round's last one, None where none is."""
        interval, shown = found.interval, self._shown(found.interval)
        if not found.chain:
            if not self._is_shown(interval, now_ms):
                return None
            return settle(found.clearing, shown.values(), found.rules, found.tariff, found.name)
        if now_ms > corrected_until_ms(interval, found.rules):
            return finish(found.chain, found.clearing, found.rules, found.tariff, now_ms)
        before = map(self._corrections.applied, found.chain[-1].metered)
        known = {one.home: one for one in before if one is not None} | shown
        metered = known.values()
        return revise(found.chain, found.clearing, metered, found.rules, found.tariff, now_ms)

    def running(self) -> Running | None:
        """The interval that is under way by its readings, cleared as if it ended now.

        None where nothing is metered in it, or it is cleared ahead and so needs no guess.
        """
        interval = self.next_interval()
        rules, community = self.rules_at(interval), self.history.at(interval.start_ms)
        if rules.timing is Timing.AHEAD:
            return None
        until_ms, shown = self._measuring.so_far(community.members, interval)
        if not shown:
            return None
        clearing = self.clearing(interval, shown)
        tariff, name = community.tariff_at(interval.start_ms), digest(encode_clearing(clearing))
        settlement = settle(clearing, shown.values(), rules, tariff, name)
        owed = dict(self.owed)
        _add(owed, dues([settlement], rules.topology, community.account), {})
        return Running(interval, until_ms, clearing, settlement, owed)

    # --- what was journaled ---------------------------------------------------------------------

    def heard(self, time_ms: int) -> None:
        """An entry of this time."""
        if time_ms - self._heard_ms > self._pause_ms():
            self._resumed_ms = time_ms
        self._heard_ms = time_ms

    def take_clearing(self, clearing: Clearing, name: bytes, seq: int) -> None:
        """The next interval was cleared."""
        interval, start_ms = clearing.interval, clearing.interval.start_ms
        community = self.history.at(start_ms)
        rules, tariff = self.rules_at(interval), community.tariff_at(start_ms)
        self.rounds[start_ms] = Round(interval, community, rules, tariff, clearing, name, seq)
        self._next_ms = interval.end_ms
        self._unsettled.append(start_ms)
        self._open.add(start_ms)
        self._open = {one for one in self._open if self._is_open(one, start_ms)}

    def take_settlement(self, found: Round, given: Settlement, name: bytes, seq: int) -> None:
        """A round was settled, or what was settled was adjusted."""
        found.chain.append(given)
        found.names.append(name)
        found.seqs.append(seq)
        now = dues(found.chain, found.rules.topology, found.community.account)
        _add(self.owed, now, found.owed)
        found.owed = now
        start_ms = found.interval.start_ms
        self._late.discard(start_ms)
        if self._is_open(start_ms):
            self._open.add(start_ms)
        else:
            self._open.discard(start_ms)
        day = local_day(start_ms, found.community.zone_info)
        for flow in given.flows:
            if flow.trade >= 0 and flow.subject is not FlowKind.DEVIATION:
                buyer = found.clearing.trades[flow.trade].buyer
                self._spent[day, buyer] += _spent_ntok(buyer, flow)
        if given.revision:
            return
        self._unsettled.remove(start_ms)
        self._unfinished.append(start_ms)
        needed_ms = min([self._next_ms, *self._unsettled]) - 2 * found.interval.length_ms
        self._measuring.forget_before(needed_ms, self._start_of)

    def _start_of(self, time_ms: int) -> int:
        """Where the interval that holds a time begins; all before the first one is one to it."""
        if time_ms < self._first_ms:
            return time_ms
        return interval_at(time_ms, self.community.rules_at(time_ms).interval_ms).start_ms

    def take_reading(self, since_ms: int, end_ms: int) -> None:
        """A meter has shown its registers from one time to another: settled rounds may change."""
        for found in reversed(self.rounds.values()):
            if found.interval.end_ms <= since_ms:
                return
            if found.chain and found.interval.start_ms <= end_ms:
                self._late.add(found.interval.start_ms)

    def touched(self, given: Given, now_ms: int) -> list[int]:
        """The starts of the settled intervals that a correction changes, if it may be taken.

        Raises as `correcting.touched`.
        """
        rounds = reversed(self.rounds.values())
        until_ms, reading = min([self._next_ms, *self._unsettled]), given.correction.reading
        members = self.members_with(reading.meter, reading.end_ms)
        return touched(given, self._corrections, members, rounds, until_ms, now_ms)

    def members_with(self, meter: str, end_ms: int) -> Sequence[Member]:
        """By whom a meter's reading of a time is judged: as they are now, or where its home has
        left or the meter was taken out since, as they last were with it. It counts up to the end of
        the interval in which it went."""
        rules = self.community.rules
        length_ms = self.community.rules_at(max(end_ms - 1, rules[0].valid_from_ms)).interval_ms
        return self.history.members_with(meter, interval_at(end_ms - 1, length_ms).start_ms)

    def take_correction(self, correction: Correction, starts_ms: Iterable[int]) -> None:
        """A meter has corrected a reading: these settled rounds may change."""
        self._corrections.take(correction)
        self._late.update(starts_ms)

    def _is_open(self, start_ms: int, now_ms: int = 0) -> bool:
        found = self.rounds[start_ms]
        return bool(open_trades(found.clearing, found.chain, found.rules, now_ms))

    # --- the meters' side -----------------------------------------------------------------------

    def _shown(self, interval: Interval) -> dict[int, Metered]:
        found = {}
        for member in self.history.at(interval.start_ms).members:
            shown = self._measuring.metered(member, interval)
            corrected = shown and self._corrections.applied(shown)
            if corrected is not None:
                found[member.account] = corrected
        return found

    def _expected(self, interval: Interval) -> dict[int, Metered]:
        """What each home showed at the same local time of the last day that has it, at most a week
        ago; nothing where there is none."""
        community, shown = self.history.at(interval.start_ms), dict[int, Metered]()
        for days in range(_DAYS_BACK, 0, -1):
            start_ms = days_before(interval.start_ms, days, community.zone_info)
            found = None if start_ms is None else self.rounds.get(start_ms)
            if found is not None and found.chain:
                shown |= {one.home: one for one in found.chain[-1].metered}
        expected = {}
        for home in (member.account for member in community.members):
            earlier = shown.get(home)
            imported, exported = (earlier.import_wh, earlier.export_wh) if earlier else (0, 0)
            blank = Metered(home, interval, imported, exported, b"", b"", is_measured=False)
            expected[home] = blank
        return expected

    def _is_shown(self, interval: Interval, now_ms: int) -> bool:
        if now_ms < interval.end_ms:
            return False
        if self._all_have_shown(interval):
            return True
        is_paused = now_ms - self._heard_ms > self._pause_ms()
        resumed_ms = now_ms if is_paused else self._resumed_ms
        return now_ms >= max(interval.end_ms, resumed_ms) + GRACE_MS

    def _all_have_shown(self, interval: Interval) -> bool:
        """Whether somebody takes part, and nobody who does has still to show an interval's end."""
        since_ms, reaches = interval.start_ms - interval.length_ms, self._measuring.reaches
        anybody = False
        for member in self.history.at(interval.start_ms).members:
            if reaches(member, interval.end_ms):
                anybody = True
            elif member.meters and (not self.rounds or reaches(member, since_ms)):
                return False
        return anybody

    def _pause_ms(self) -> int:
        """Without any entry for longer than this, market or street were off."""
        return 2 * self.next_interval().length_ms + GRACE_MS


def _add(owed: dict[Pair, Due], now: dict[Pair, Due], before: dict[Pair, Due]) -> None:
    for pair in before.keys() | now.keys():
        more = now.get(pair, NOTHING) - before.get(pair, NOTHING)
        owed[pair] = owed.get(pair, NOTHING) + more


def _spent_ntok(buyer: int, flow: Flow) -> int:
    """What a trade's buyer has spent by a flow, for the trade itself or a fee that it pays; less
    than nothing where an adjustment takes back."""
    return flow.amount_ntok * ((flow.payer == buyer) - (flow.payee == buyer))


def _first_start_ms(community: Community, time_ms: int) -> int:
    first_ms = max(time_ms, community.rules[0].valid_from_ms, community.tariffs[0].valid_from_ms)
    length_ms = community.rules_at(first_ms).interval_ms
    return -(-first_ms // length_ms) * length_ms
