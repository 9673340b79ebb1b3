"""Corrections of readings: which settled intervals they touch, and whether these stay possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from energy.community.members import Member
from energy.community.rules import Rules
from energy.errors import CorrectionOutOfTurn, CorrectionsOver, UnknownMeter
from energy.intervals import Interval
from energy.meters.corrections import Correction, Corrections, check_correction, check_effect
from energy.meters.meter import meters_of
from energy.meters.metering import DEFAULT_SLACK_MS
from energy.settlement.flows import Settlement
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
    def chain(self) -> Sequence[Settlement]:
        """Its settlements, the first one first."""


def touched(
    correction: Correction,
    known: Corrections,
    members: Iterable[Member],
    rounds: Iterable[Settled],
    now_ms: int,
) -> list[int]:
    """The starts of the settled intervals that a correction changes, if it may be taken.

    `rounds`: the newest first. Only a reading by which something was settled is corrected. Raises
    UnknownMeter, ReadingRefused by its leaves, CorrectionsOver.
    """
    reading = correction.reading
    for member in members:
        meter = meters_of(member).get(reading.meter)
        if meter is not None:
            break
    else:
        raise UnknownMeter(reading.meter)
    check_correction(correction, known.last_number(reading), meter, now_ms)
    names, found = known.names(reading), []
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
                found.append(one.interval.start_ms)
    if not found:
        place = reading.meter, reading.sequence
        raise CorrectionOutOfTurn(*place, "nothing has been settled by it yet")
    return found
