"""What a mesh and a hub ask of a given street, from its readings: `wattlane market topology`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from energy.canonical import digest
from energy.community.rules import Fee, FeeKind, Rules, Side, Tariff, Topology
from energy.intervals import DAY_S, Interval
from energy.settlement.dues import dues
from energy.settlement.flows import FlowKind, Metered, Settlement
from energy.topology import Channel, Costs, channel_of, costs
from energy.trial import carried_wh, trial
from protocol.codec import Json
from prover.progress import Progress
from wattlane.demo.settings import from_file, parse_homes
from wattlane.errors import BadChoice
from wattlane.money import show_energy, show_tokens
from wattlane.readings import CLEAN_HOMES, HOURS_OF_DAY, Reading, common_times, home_hours

HOUR_MS = 3_600_000
COMMUNITY = 0
"""The community's account; homes are numbered from 1."""
_FIRST_HOUR_MS = int(datetime(2016, 8, 1, tzinfo=UTC).timestamp()) * 1000
_AT_ONCE = 200
_NO_DIGEST = digest(b"")


@dataclass(frozen=True, slots=True)
class Street:
    """What every meter shows in each interval, the homes' names by account, and a title."""

    intervals: tuple[tuple[Metered, ...], ...]
    names: dict[int, str]
    title: str

    @property
    def length_ms(self) -> int:
        """Of an interval."""
        return self.intervals[0][0].interval.length_ms


@dataclass(frozen=True, slots=True)
class Choices:
    """Prices in utok per kWh; `channels` that are open; `reading_s` 0: paid once an interval."""

    feed_in: int
    retail: int
    fee: int
    channels: frozenset[Channel]
    top_up_days: int
    reading_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Both topologies. `fewer`: (channels, Wh) of meshes of the busiest channels alone, and how
    much of all trade they carry; `strangers`: how many channels a mesh has whose homes do not
    prefer those that they have."""

    street: Street
    choices: Choices
    traded_wh: int
    mesh: Costs
    hub: Costs
    fewer: tuple[tuple[int, int], ...]
    strangers: int


def built_in_street(homes: str | None, days: int) -> Street:
    """Built-in homes (a number, or a list; all if None), hour by hour from the data's first day.

    Raises BadChoice.
    """
    numbers = sorted(parse_homes(homes)) if homes else list(CLEAN_HOMES)
    hours = [home_hours(number)[1 : days * HOURS_OF_DAY + 1] for number in numbers]
    intervals = []
    for place, row in enumerate(zip(*hours, strict=True)):
        start_ms = _FIRST_HOUR_MS + place * HOUR_MS
        interval = Interval(start_ms, start_ms + HOUR_MS)
        intervals.append(
            tuple(
                _metered(home, interval, max(-hour.net_wh, 0), max(hour.net_wh, 0))
                for home, hour in enumerate(row, 1)
            )
        )
    names = {home: f"h{number:02}" for home, number in enumerate(numbers, 1)}
    return Street(tuple(intervals), names, f"{len(numbers)} homes, {days} days from 1 August 2016")


def street_of_file(path: Path, homes: str | None, minutes: int) -> Street:
    """A file's meters, between the readings that stand at whole intervals of so many minutes.

    Raises BadReadings, BadChoice.
    """
    meters, title = from_file(path, homes)
    length_ms = minutes * 60_000
    times = [one for one in common_times(meters) if _time_ms(one) % length_ms == 0]
    if len(times) < 2:
        raise BadChoice(
            f"{path} has no two readings of all meters at whole {minutes} minutes: "
            "choose another --interval"
        )
    at = [{reading.time: reading for reading in meter.readings} for meter in meters]
    intervals = []
    for start, end in pairwise(times):
        interval = Interval(_time_ms(start), _time_ms(end))
        intervals.append(
            tuple(
                _between(home, interval, readings[start], readings[end])
                for home, readings in enumerate(at, 1)
            )
        )
    names = {home: meter.name for home, meter in enumerate(meters, 1)}
    return Street(tuple(intervals), names, title)


def open_channels(given: Sequence[str], street: Street) -> frozenset[Channel]:
    """Channels written A-B by the homes' names, `community` for its account. Raises BadChoice."""
    accounts = {name: home for home, name in street.names.items()} | {"community": COMMUNITY}
    found = set()
    for one in given:
        ends = one.split(":")
        unknown = [end for end in ends if end not in accounts]
        if len(ends) != 2 or unknown or ends[0] == ends[1]:
            known = ", ".join(accounts)
            raise BadChoice(f"channel {one[:40]!r}: give it like A:B, each one of {known}")
        found.add(channel_of(accounts[ends[0]], accounts[ends[1]]))
    return frozenset(found)


def plan(street: Street, choices: Choices, progress: Progress) -> Plan:
    """What a mesh and a hub would have cost the street. Raises BadChoice for impossible prices."""
    if choices.retail - choices.fee < choices.feed_in:
        raise BadChoice("with --retail less --fee below --feed-in neighbours gain nothing by trade")
    fees = (Fee(FeeKind.COMMUNITY, choices.fee, Side.BUY),) if choices.fee else ()
    tariff = Tariff(0, choices.retail, choices.feed_in, fees)
    settled = _settled(street, tariff, choices, progress, reuses=True)
    strangers = _settled(street, tariff, choices, progress, reuses=False)
    mesh, hub = (
        costs(
            topology,
            [dues([one], topology, COMMUNITY) for one in settled],
            COMMUNITY,
            choices.channels,
            top_up_intervals=max(1, choices.top_up_days * DAY_S * 1000 // street.length_ms),
            readings=max(1, street.length_ms // (choices.reading_s * 1000 or street.length_ms)),
        )
        for topology in (Topology.MESH, Topology.HUB)
    )
    traded_wh = sum(
        flow.energy_wh for one in settled for flow in one.flows if flow.kind is FlowKind.TRADE
    )
    pairs = {
        channel_of(flow.payer, flow.payee)
        for one in strangers
        for flow in one.flows
        if isinstance(flow.payer, int) and isinstance(flow.payee, int)
    }
    fewer = _fewer(settled, mesh, len(street.names), progress)
    return Plan(street, choices, traded_wh, mesh, hub, fewer, len(pairs))


def lines(found: Plan) -> list[str]:
    """The plan as it is shown."""
    mesh, hub, names = found.mesh, found.hub, found.street.names
    reading_s = found.choices.reading_s
    paid = f"at every reading, each {reading_s} s" if reading_s else "once an interval"
    minutes = found.street.length_ms // 60_000
    rows = [
        ("", "mesh", "hub"),
        ("channels", str(len(mesh.needs)), str(len(hub.needs))),
        ("  of them to open", str(mesh.to_open), str(hub.to_open)),
        ("tokens put in by all homes", *(_homes_lock(one) for one in (mesh, hub))),
        ("  the most by one home", *(_most_locked(one, names) for one in (mesh, hub))),
        ("tokens put in by the community", *(_locked(one, COMMUNITY) for one in (mesh, hub))),
        ("owed at the worst moment", "", ""),
        ("  to a home by one other", *(_owed(one, names, True) for one in (mesh, hub))),
        ("  to a home by all together", *(_owed(one, names, False) for one in (mesh, hub))),
        ("  to the community by all", *(_tokens(one.community_ntok) for one in (mesh, hub))),
    ]
    return [
        f"street       {found.street.title}",
        f"traded       {show_energy(found.traded_wh)} kWh in {len(found.street.intervals):,} "
        f"intervals of {minutes} minutes",
        f"paid         {paid}; deposits last {found.choices.top_up_days} days",
        "",
        *(f"{name:<32}{first:>20}{second:>20}".rstrip() for name, first, second in rows),
        "",
        f"Without a preference for channels that are open a mesh would have {found.strangers}.",
        *(
            f"Its {count} busiest channels alone could carry {show_energy(energy_wh)} kWh of the "
            f"{show_energy(found.traded_wh)}."
            for count, energy_wh in found.fewer
        ),
        "",
        "In a mesh a home that stops paying costs each of its sellers what it owes it just then.",
        "In a hub all depend on the community: it puts in what sellers earn, and buyers owe it.",
        "What is in a channel is safe either way: L1 pays it out.",
    ]


def to_json(found: Plan) -> Json:
    """The plan for programs; ntok and Wh are decimal strings."""
    return {
        "street": found.street.title,
        "homes": {str(home): name for home, name in found.street.names.items()},
        "intervals": len(found.street.intervals),
        "traded_wh": str(found.traded_wh),
        "mesh": _costs_json(found.mesh),
        "hub": _costs_json(found.hub),
        "mesh_channels_without_preference": found.strangers,
        "fewer_channels": [
            {"channels": count, "traded_wh": str(energy_wh)} for count, energy_wh in found.fewer
        ],
    }


def _costs_json(one: Costs) -> Json:
    locked = one.locked_ntok()
    return {
        "channels": len(one.needs),
        "to_open": one.to_open,
        "paid_ntok": str(one.paid_ntok),
        "needs": [
            {
                "channel": list(need.channel),
                "deposits_ntok": [str(deposit) for deposit in need.deposits_ntok],
                "carried_ntok": str(need.carried_ntok),
                "is_open": need.is_open,
            }
            for need in one.needs
        ],
        "locked_ntok": {str(account): str(ntok) for account, ntok in sorted(locked.items())},
        "owed_to_a_home_by_one_ntok": str(one.to_one.amount_ntok),
        "owed_to_a_home_by_all_ntok": str(one.to_all.amount_ntok),
        "owed_to_the_community_ntok": str(one.community_ntok),
    }


def _settled(
    street: Street, tariff: Tariff, choices: Choices, progress: Progress, *, reuses: bool
) -> list[Settlement]:
    stage = "trade over open channels" if reuses else "trade with whoever comes first"
    found = []
    total = len(street.intervals)
    for one in trial(street.intervals, Rules(1, 0), tariff, choices.channels, reuses=reuses):
        found.append(one)
        if len(found) % _AT_ONCE == 0 or len(found) == total:
            progress(stage, len(found), total)
    return found


def _fewer(
    settled: Sequence[Settlement], mesh: Costs, homes: int, progress: Progress
) -> tuple[tuple[int, int], ...]:
    """Meshes of once, twice and three times as many channels as homes, where those are fewer."""
    counts = [count for count in (homes, 2 * homes, 3 * homes) if count < len(mesh.needs)]
    carried = dict.fromkeys(counts, 0)
    busiest = {count: mesh.busiest(count) for count in counts}
    for place, one in enumerate(settled, 1):
        for count in counts:
            carried[count] += carried_wh(one, busiest[count])
        if place % _AT_ONCE == 0 or place == len(settled):
            progress("trade over fewer channels", place, len(settled))
    return tuple(carried.items())


def _between(home: int, interval: Interval, start: Reading, end: Reading) -> Metered:
    imported, exported = end.import_wh - start.import_wh, end.export_wh - start.export_wh
    return _metered(home, interval, imported, exported)


def _metered(home: int, interval: Interval, import_wh: int, export_wh: int) -> Metered:
    return Metered(home, interval, import_wh, export_wh, _NO_DIGEST, _NO_DIGEST)


def _time_ms(time: datetime) -> int:
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()) * 1000


def _tokens(amount_ntok: int) -> str:
    return show_tokens(amount_ntok, 6)


def _locked(one: Costs, account: int) -> str:
    return _tokens(one.locked_ntok().get(account, 0))


def _homes_lock(one: Costs) -> str:
    locked = one.locked_ntok()
    return _tokens(sum(ntok for account, ntok in locked.items() if account != COMMUNITY))


def _most_locked(one: Costs, names: dict[int, str]) -> str:
    locked = {home: ntok for home, ntok in one.locked_ntok().items() if home != COMMUNITY}
    if not locked:
        return _tokens(0)
    home = max(locked, key=lambda home: locked[home])
    return f"{_tokens(locked[home])} ({names[home]})"


def _owed(one: Costs, names: dict[int, str], by_one: bool) -> str:
    worst = one.to_one if by_one else one.to_all
    name = f" ({names[worst.creditor]})" if worst.creditor in names else ""
    return _tokens(worst.amount_ntok) + name
