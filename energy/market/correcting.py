"""Corrections of readings: which settled intervals they touch, and who has to sign them.

A meter's key is its household's. With it alone a home corrects what is its own matter: more than it
was shown to have used or given, or what only the grid has sold or bought. Where less would count of
what a neighbour has traded with it, the community's own account signs the correction too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from energy.clearing.trades import Clearing
from energy.community.members import Member
from energy.community.rules import Rules, Side
from energy.errors import (
    CorrectionOutOfTurn,
    CorrectionsOver,
    NeedsCountersignature,
    UnknownMeter,
)
from energy.intervals import Interval
from energy.meters.corrections import Correction, Corrections, check_correction, check_effect
from energy.meters.meter import Meter, meters_of
from energy.meters.metering import DEFAULT_SLACK_MS
from energy.settlement.flows import Metered, Settlement
from energy.settlement.revise import corrected_until_ms


class Settled(Protocol):
    """What is looked at of an interval; periods.Round is one."""

    @property
    def interval(self) -> Interval:
        """The interval."""

    @property
    def rules(self) -> Rules:
        """The rules in force in it."""

    @property
    def clearing(self) -> Clearing:
        """Its clearing."""

    @property
    def chain(self) -> Sequence[Settlement]:
        """Its settlements, the first one first."""


@dataclass(frozen=True, slots=True)
class Given:
    """A correction as it is handed in. `is_countersigned`: by the community's account, checked."""

    correction: Correction
    is_countersigned: bool = False


def touched(
    given: Given,
    known: Corrections,
    members: Iterable[Member],
    rounds: Iterable[Settled],
    settled_until_ms: int,
    now_ms: int,
) -> list[int]:
    """The starts of the settled intervals that a correction changes, if it may be taken.

    `rounds`: the newest first. `settled_until_ms`: where the first interval begins that is not
    settled. Only a reading by which something was settled is corrected, and only once the interval
    that begins with it is settled, too: what it will count of a trade is known then. Raises
    UnknownMeter, ReadingRefused by its leaves, CorrectionsOver.
    """
    correction, reading = given.correction, given.correction.reading
    member, meter = _whose(reading.meter, members)
    check_correction(correction, known.last_number(reading), meter, now_ms)
    place, names, found = (reading.meter, reading.sequence), known.names(reading), []
    then = known.with_one_more(correction)
    for one in rounds:
        if one.interval.end_ms < reading.end_ms:
            break
        if one.interval.start_ms > reading.end_ms + DEFAULT_SLACK_MS:
            continue  # too late to begin with it
        for metered in one.chain[-1].metered if one.chain else ():
            if metered.home == member.account and not names.isdisjoint(
                (metered.first, metered.last)
            ):
                until_ms = corrected_until_ms(one.interval, one.rules)
                if now_ms > until_ms:
                    raise CorrectionsOver(until_ms, now_ms)
                check_effect(metered, correction, known, meter)
                if not given.is_countersigned:
                    both = known.applied(metered), then.applied(metered)
                    _check_own_matter(place, member.account, one.clearing, *both)
                found.append(one.interval.start_ms)
    if not found:
        raise CorrectionOutOfTurn(*place, "nothing has been settled by it yet")
    if settled_until_ms <= reading.end_ms + DEFAULT_SLACK_MS:
        reason = "the interval that begins with it is not settled yet; hand it in again then"
        raise CorrectionOutOfTurn(*place, reason)
    return found


def _whose(did: str, members: Iterable[Member]) -> tuple[Member, Meter]:
    for member in members:
        meter = meters_of(member).get(did)
        if meter is not None:
            return member, meter
    raise UnknownMeter(did)


def _check_own_matter(
    place: tuple[str, int],
    home: int,
    clearing: Clearing,
    before: Metered | None,
    after: Metered | None,
) -> None:
    """Raises NeedsCountersignature where less than before counts of what the home has traded.

    Of each side at most that counts which was traded; an interval whose ends contradict each other
    (None) counts nothing. Ref: energy/settlement/deliveries.py.
    """
    for side in Side:
        was_wh, stands_wh = (_counted_wh(home, side, clearing, one) for one in (before, after))
        if stands_wh < was_wh:
            start_ms = clearing.interval.start_ms
            raise NeedsCountersignature(*place, start_ms, side.value, was_wh, stands_wh)


def _counted_wh(home: int, side: Side, clearing: Clearing, metered: Metered | None) -> int:
    if metered is None:
        return 0
    if side is Side.BUY:
        traded_wh = sum(one.energy_wh for one in clearing.trades if one.buyer == home)
        return min(traded_wh, metered.import_wh)
    traded_wh = sum(one.energy_wh for one in clearing.trades if one.seller == home)
    return min(traded_wh, metered.export_wh)
