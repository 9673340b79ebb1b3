"""Planned days of the built-in street, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from energy.community.rules import Rules, Tariff
from wattlane.demo.plan import Plan, plan_day
from wattlane.demo.timeline import Timeline, timeline
from wattlane.demo.wishes import wishes
from wattlane.readings import DEFAULT_DAY, PREFERRED_HOMES, STREET_ZONE, built_in_street

FEED_IN, RETAIL = 80_000, 320_000
RULES, TARIFF = Rules(1, 0), Tariff(0, RETAIL, FEED_IN)


def hours_of(homes: Sequence[int], hours: tuple[int, int] = (0, 24)) -> Timeline:
    """Readings of some hours of the default day."""
    return timeline(built_in_street(homes, DEFAULT_DAY, hours), STREET_ZONE)


@cache
def planned(count: int, hours: tuple[int, int] = (0, 24), can_disappear: bool = True) -> Plan:
    """The plan of the first so many homes that a demo takes."""
    line = hours_of(PREFERRED_HOMES[:count], hours)
    wanted = wishes(tuple(line.stands), FEED_IN, RETAIL)
    return plan_day(line, wanted, RULES, TARIFF, can_disappear=can_disappear)
