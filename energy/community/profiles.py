"""What the law of a place lets neighbours do, as conditions that every clearing is held against.

A profile is an aid to keep within the law, not legal advice: it states what can be computed, names
where that comes from, and leaves contracts, notices and taxes to the community.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from energy.intervals import QUARTER_MS

JUNE_2026_MS = 1_780_264_800_000
"""1 June 2026, 00:00 in Berlin."""


class ProfileName(Enum):
    """The profiles that a community's file can name."""

    OPEN = "open"
    GERMANY = "germany-42c"
    RETAILER_ONLY = "retailer-only"


@dataclass(frozen=True, slots=True)
class Profile:
    """Conditions of the law.

    `homes_sell_to_homes`: whether a home may sell to another; where not, each sells to the hub and
    buys from it, and the hub is the retailer's account. `renewable_only`: only homes whose energy
    is green sell. `within_area`: only homes of one balancing area deal with each other.
    `interval_ms`: the interval that meters have to record, 0 for any. `starts_ms`: no trade before.
    `sources`: where this comes from.
    """

    title: str
    homes_sell_to_homes: bool = True
    renewable_only: bool = False
    within_area: bool = False
    interval_ms: int = 0
    starts_ms: int = 0
    sources: tuple[str, ...] = ()


PROFILES = {
    ProfileName.OPEN: Profile("no conditions of law are checked"),
    ProfileName.GERMANY: Profile(
        "Germany: joint use of renewable electricity through the public grid",
        renewable_only=True,
        within_area=True,
        interval_ms=QUARTER_MS,
        starts_ms=JUNE_2026_MS,
        sources=(
            "Energiewirtschaftsgesetz, section 42c, "
            "https://www.gesetze-im-internet.de/enwg_2005/__42c.html",
            "Directive (EU) 2024/1711, article 15a of Directive (EU) 2019/944, "
            "http://data.europa.eu/eli/dir/2024/1711/oj",
        ),
    ),
    ProfileName.RETAILER_ONLY: Profile(
        "a place where only the utility sells electricity, as in Florida",
        homes_sell_to_homes=False,
        sources=(
            "PW Ventures, Inc. v. Nichols, 533 So. 2d 281 (Supreme Court of Florida, 1988)",
            "Florida Statutes, section 366.02, "
            "https://www.flsenate.gov/Laws/Statutes/2010/Chapter366/All",
        ),
    ),
}
