"""The built-in street's year as a replay: made, put into words, and into a file."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from energy.community.rules import ClearingRule, Rules, Side, Tariff
from energy.replay.battery import Battery, BatteryYear, at_home, for_the_street
from energy.replay.limits import Limit, Limits, no_limits, spread_limits
from energy.replay.replaying import KeptBack, Progress, Replayed, replay
from energy.replay.street import HomeYear, Street, Totals, totals, without_panels
from wattlane.errors import BadChoice
from wattlane.money import show_energy, show_tokens
from wattlane.readings import CLEAN_HOMES, HOURS_OF_DAY, home_hours

STREET_START_MS = 1_470_034_800_000
"""2016-07-31 23:00 at UTC-8: the data's hours are in Pacific standard time all year round."""
FIRST_HOUR_OF_DAY = 23
PARTS_OF_DAY = (("0-6", range(6)), ("6-10", range(6, 10)), ("10-16", range(10, 16)))
EVENING = "16-24"
LIMITS_HEADER = ["home", "sell_utok_per_kwh", "buy_utok_per_kwh"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is replayed. `changed`: the home that gets the battery, and whose panels go."""

    tariff: Tariff
    clearing: ClearingRule
    limits: Limits
    battery: Battery
    changed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A year: without limits, with them, and what a battery or missing panels change.

    `without`: what neighbours could trade if that home had no panels, by home.
    """

    street: Totals
    free: Replayed
    limited: Replayed
    shared_battery: BatteryYear
    own_battery: BatteryYear
    own_battery_street: Totals
    without: dict[int, Totals]


def built_in_year() -> Street:
    """All hours of the clean homes."""
    homes = []
    for home in CLEAN_HOMES:
        hours = home_hours(home)
        load = tuple(hour.load_wh for hour in hours)
        homes.append(HomeYear(home, load, tuple(hour.pv_wh for hour in hours)))
    return Street(tuple(homes), STREET_START_MS, FIRST_HOUR_OF_DAY)


def answer(street: Street, question: Question, progress: Progress) -> Answer:
    """Replay the year twice, and work out the changes. Raises BadBids, BadReplay."""
    homes = [home.home for home in street.homes]
    tariff, rules = question.tariff, Rules(1, 0, clearing=question.clearing)
    pro_rata = Rules(1, 0)
    hours = street.hours
    free = replay(
        street,
        no_limits(homes, tariff),
        pro_rata,
        tariff,
        lambda done, _: progress(done, 2 * hours),
    )
    limited = replay(
        street,
        question.limits,
        rules,
        tariff,
        lambda done, _: progress(hours + done, 2 * hours),
    )
    with_battery, own_battery = at_home(street, question.changed, question.battery)
    return Answer(
        totals(street),
        free,
        limited,
        for_the_street(street, question.battery),
        own_battery,
        totals(with_battery),
        {home: totals(without_panels(street, home)) for home in homes},
    )


def read_limits(path: Path | None, tariff: Tariff) -> Limits:
    """Each home's limits from a CSV file, or the built-in spread. Raises BadChoice."""
    if path is None:
        return spread_limits(CLEAN_HOMES, tariff)
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadChoice(f"cannot read {path}: {error}") from error
    if not rows or rows[0] != LIMITS_HEADER:
        raise BadChoice(f"{path}: the header must be {','.join(LIMITS_HEADER)}")
    limits: dict[int, Limit] = {}
    for line, row in enumerate(rows[1:], 2):
        if len(row) != 3 or not all(cell.isascii() and cell.isdigit() for cell in row):
            raise BadChoice(f"{path}, line {line}: three whole numbers are needed")
        home, sell, buy = map(int, row)
        if home in limits or home not in CLEAN_HOMES:
            raise BadChoice(f"{path}, line {line}: home {home} is unknown or named twice")
        limits[home] = Limit(sell, buy)
    missing = [home for home in CLEAN_HOMES if home not in limits]
    if missing:
        raise BadChoice(f"{path}: home {missing[0]} has no line")
    return limits


def lines(question: Question, found: Answer) -> Iterator[str]:
    """The report for a terminal."""
    yield from _street_lines(found)
    yield ""
    yield from _limit_lines(question, found)
    yield ""
    yield from _change_lines(question, found)


def _street_lines(found: Answer) -> Iterator[str]:
    street, free = found.street, found.free
    own_wh = street.pv_wh - street.surplus_wh
    yield "the street, a year"
    yield f"  used                      {show_energy(street.load_wh):>12} kWh"
    yield f"  made by its panels        {show_energy(street.pv_wh):>12} kWh"
    yield f"  used where it was made    {show_energy(own_wh):>12} kWh"
    yield f"  left over                 {show_energy(street.surplus_wh):>12} kWh"
    yield f"  lacking                   {show_energy(street.deficit_wh):>12} kWh"
    yield ""
    yield "traded between neighbours, without price limits, pro rata"
    yield (
        f"  traded                    {show_energy(free.traded_wh):>12} kWh = {free.traded_wh:,} Wh"
    )
    yield (
        f"  which is                  {_share(free.traded_wh, street.load_wh)} of what is used, "
        f"{_share(free.traded_wh, street.surplus_wh)} of what is left over"
    )
    is_all = "all that is possible" if free.traded_wh == street.matched_wh else "NOT all: a fault"
    yield f"  every hour's smaller side {show_energy(street.matched_wh):>12} kWh: {is_all}"
    yield (
        f"  in {free.hours_with_trade:,} hours of the year; in all others every home has too "
        "much, or every home too little"
    )
    yield f"  gained against the grid   {_gain(free)} tokens, by all homes together"


def _limit_lines(question: Question, found: Answer) -> Iterator[str]:
    limited = found.limited
    yield f"with price limits, {question.clearing.value}"
    yield f"  traded                    {show_energy(limited.traded_wh):>12} kWh"
    yield f"  kept back by limits       {show_energy(limited.missing_wh):>12} kWh"
    whole = limited.traded_wh + limited.missing_wh
    follows = "as above" if whole == found.free.traded_wh else "NOT as above: a fault"
    yield f"  together                  {show_energy(whole):>12} kWh, {follows}"
    yield f"  gained against the grid   {_gain(limited)} tokens, by all homes together"
    yield ""
    yield "whose limit kept how many Wh back, by hours of the day"
    parts = [*(name for name, _ in PARTS_OF_DAY), EVENING]
    head = "".join(f"{part:>10}" for part in parts)
    yield f"  home  limit, utok a kWh      hours{head}{'all':>11}"
    by_line: dict[tuple[int, Side, int], list[KeptBack]] = defaultdict(list)
    for line in limited.kept_back:
        by_line[line.home, line.side, line.limit_utok_per_kwh].append(line)
    for (home, side, limit), of_home in by_line.items():
        by_part: dict[str, int] = defaultdict(int)
        for line in of_home:
            by_part[_part(line.hour_of_day)] += line.kept_wh
        cells = "".join(f"{by_part[part]:>10,}" for part in parts)
        names = f"sells from {limit:>7,}" if side is Side.SELL else f"buys up to {limit:>7,}"
        hours = sum(line.hours for line in of_home)
        yield f"  {home:>4}  {names:<20} {hours:>7,}{cells}{sum(by_part.values()):>11,}"
    yield f"  {'all':>4}  {'':<20} {'':>7}{'':>40}{limited.missing_wh:>11,}"


def _change_lines(question: Question, found: Answer) -> Iterator[str]:
    battery, street, home = question.battery, found.street, question.changed
    yield (
        f"one battery of {show_energy(battery.size_wh)} kWh, {battery.power_w:,} W, which gives "
        f"{battery.efficiency_permille / 10:g} % of what it draws"
    )
    shared, own, own_street = found.shared_battery, found.own_battery, found.own_battery_street
    reached = street.matched_wh + shared.given_wh
    yield (
        f"  for all, from what nobody takes: {show_energy(shared.given_wh)} kWh more reach "
        f"neighbours, {show_energy(reached)} kWh = {_share(reached, street.load_wh)} of use"
    )
    yield (
        f"  at home {home}, for itself first: {show_energy(own.given_wh)} kWh less from the grid "
        f"or neighbours, and {_change(own_street.matched_wh - street.matched_wh)} traded"
    )
    yield ""
    yield "one home without panels"
    yield "  home    traded, kWh    against the street as it is"
    for one, changed in found.without.items():
        more = _change(changed.matched_wh - street.matched_wh)
        yield f"  {one:>4}   {show_energy(changed.matched_wh):>12}    {more}"
    yield ""
    yield (
        "Where every home has panels, neighbours trade "
        f"{_share(street.matched_wh, street.load_wh)} of what they use: they have too much in the "
        "same hours, and too little in the same hours."
    )
    best = max(found.without.values(), key=lambda one: one.matched_wh).matched_wh
    yield (
        f"A single home without panels makes that up to {_share(best, street.load_wh)}; a battery "
        "for all carries noon into the evening."
    )


def document(question: Question, found: Answer) -> dict[str, object]:
    """The whole answer as JSON-like values, every line of what was kept back included."""
    free, limited = found.free, found.limited
    return {
        "tariff": {
            "feed_in_utok_per_kwh": question.tariff.feed_in_utok_per_kwh,
            "retail_utok_per_kwh": question.tariff.retail_utok_per_kwh,
        },
        "street": asdict(found.street),
        "without_limits": _trade(free),
        "with_limits": {
            "clearing": question.clearing.value,
            "limits": {home: asdict(limit) for home, limit in question.limits.items()},
            **_trade(limited),
            "missing_wh": limited.missing_wh,
            "kept_back": [{**asdict(line), "side": line.side.value} for line in limited.kept_back],
        },
        "battery": {
            **asdict(question.battery),
            "for_all": asdict(found.shared_battery),
            "at_home": {
                "home": question.changed,
                **asdict(found.own_battery),
                "matched_wh": found.own_battery_street.matched_wh,
            },
        },
        "without_panels": {home: one.matched_wh for home, one in found.without.items()},
    }


def _trade(replayed: Replayed) -> dict[str, object]:
    return {
        "traded_wh": replayed.traded_wh,
        "hours_with_trade": replayed.hours_with_trade,
        "sold_wh": dict(replayed.sold_wh),
        "bought_wh": dict(replayed.bought_wh),
        "gained_ntok": dict(replayed.gained_ntok),
    }


def _part(hour_of_day: int) -> str:
    assert 0 <= hour_of_day < HOURS_OF_DAY
    return next((name for name, hours in PARTS_OF_DAY if hour_of_day in hours), EVENING)


def _share(part: int, whole: int) -> str:
    """Percent with one place, rounded down."""
    permille = 1000 * part // whole if whole else 0
    return f"{permille // 10}.{permille % 10} %"


def _change(wh: int) -> str:
    sign = "-" if wh < 0 else "+"
    return f"{sign}{show_energy(abs(wh))} kWh"


def _gain(replayed: Replayed) -> str:
    return show_tokens(sum(replayed.gained_ntok.values()), 2)
