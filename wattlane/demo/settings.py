"""What a demo is asked to do, checked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from protocol.units import AMOUNT_BITS, MIN_WINDOW_S, check_range
from wattlane.errors import BadChoice
from wattlane.readings import (
    DEFAULT_DAY,
    HOURS_OF_DAY,
    PREFERRED_HOMES,
    STREET_ZONE,
    Meter,
    built_in_street,
)
from wattlane.readings_file import read_street

UTC = ZoneInfo("UTC")
AUTO, ANVIL, EMBEDDED = "auto", "anvil", "embedded"
CALLDATA = "calldata"
DEFAULT_HOMES = 4
DEFAULT_FEED_IN_UTOK_PER_KWH = 80_000
DEFAULT_RETAIL_UTOK_PER_KWH = 320_000


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """A demo. Prices in utok per kWh; `keep`: where everything is left behind, or None.

    `prover`: the Dask scheduler whose workers prove, or None for this machine. `data_mode`: where
    the batches' data go, "calldata" or "blob". `page`: show it in a browser, also afterwards, which
    is opened where `opens_page`. `zone`: where the street's days begin, and of its readings' times
    without an offset.
    """

    street: tuple[Meter, ...]
    title: str
    feed_in_utok_per_kwh: int
    retail_utok_per_kwh: int
    report: Path
    l1: str = AUTO
    keep: Path | None = None
    prover: str | None = None
    data_mode: str = CALLDATA
    window_s: int = MIN_WINDOW_S
    page: bool = False
    opens_page: bool = False
    zone: ZoneInfo = STREET_ZONE


def check_l1(choice: str) -> None:
    """Raises BadChoice unless it is a kind of chain or a URL."""
    if choice not in (AUTO, ANVIL, EMBEDDED) and not choice.startswith(("http://", "https://")):
        raise BadChoice(f"--l1 {choice[:40]!r}: choose {ANVIL}, {EMBEDDED}, or an http(s) URL")


def check_prices(feed_in_utok_per_kwh: int, retail_utok_per_kwh: int) -> None:
    """Raises BadChoice unless 0 < feed-in <= retail, both in 64 bits."""
    if not 0 < feed_in_utok_per_kwh <= retail_utok_per_kwh:
        raise BadChoice(
            f"feed-in {feed_in_utok_per_kwh} and retail {retail_utok_per_kwh}: neighbours gain "
            "only where 0 < feed-in <= retail"
        )
    check_range("retail price in utok per kWh", retail_utok_per_kwh, AMOUNT_BITS // 2)


def built_in(homes: str, day: str, hours: str) -> tuple[tuple[Meter, ...], str]:
    """The built-in street's meters and a title.

    homes: how many, or a list of numbers with commas. day: ISO date. hours: FROM-TO of the day.
    Raises BadChoice.
    """
    numbers = parse_homes(homes)
    on, span = parse_day(day), parse_hours(hours)
    street = built_in_street(numbers, on, span)
    named = ", ".join(str(number) for number in sorted(numbers))
    return street, f"{on:%A} {on.day} {on:%B %Y}, hours {span[0]} to {span[1]}, homes {named}"


def from_file(path: Path, homes: str | None) -> tuple[tuple[Meter, ...], str]:
    """The meters of a file (the first N, or those named with commas) and a title.

    Raises BadReadings, BadChoice.
    """
    street = read_street(path)
    if homes is not None:
        street = _chosen(street, homes)
    return street, f"{path.name}, {len(street)} meters"


def parse_homes(given: str) -> tuple[int, ...]:
    """Home numbers from a count such as 6 or a list such as 2,8,9,17. Raises BadChoice."""
    parts = given.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise BadChoice(f"homes {given[:40]!r}: give a number of homes, or a list such as 2,8,9")
    if len(parts) > 1:
        return tuple(int(part) for part in parts)
    count = int(given)
    if not 2 <= count <= len(PREFERRED_HOMES):
        raise BadChoice(f"{count} homes: choose 2 to {len(PREFERRED_HOMES)}")
    return PREFERRED_HOMES[:count]


def parse_day(given: str) -> date:
    """An ISO date. Raises BadChoice."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadChoice(f"day {given[:40]!r} is no date such as {DEFAULT_DAY}") from None


def parse_hours(given: str) -> tuple[int, int]:
    """FROM-TO, whole hours of the day. Raises BadChoice; built_in_street checks the range."""
    first, dash, last = given.partition("-")
    if not dash or not all(p.isascii() and p.isdigit() and len(p) < 3 for p in (first, last)):
        raise BadChoice(f"hours {given[:40]!r}: give them like 6-20, within 0-{HOURS_OF_DAY}")
    return int(first), int(last)


def _chosen(street: Sequence[Meter], homes: str) -> tuple[Meter, ...]:
    by_name = {meter.name: meter for meter in street}
    names = [name.strip() for name in homes.split(",")]
    if len(names) == 1 and names[0].isascii() and names[0].isdigit() and names[0] not in by_name:
        count = int(names[0])
        if not 2 <= count <= len(street):
            raise BadChoice(f"{count} homes: the file has {len(street)} meters, choose 2 or more")
        return tuple(street[:count])
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise BadChoice(f"the file has no meter {unknown[0][:40]!r}")
    if len(set(names)) < 2 or len(set(names)) != len(names):
        raise BadChoice("name two or more meters, each once")
    return tuple(meter for meter in street if meter.name in set(names))
