"""The demo's community as its treasurer would write it down: one TOML file, read by all.

Each home's connection is wide enough for what its meter shows; the whole street is on one feeder
that may carry all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from energy.community.members import MS_PER_HOUR
from energy.community.rules import Rules, Tariff
from wattlane.demo.timeline import Stand, Timeline

LEAST_W = 10_000
"""A connection's width, where the meter shows no more."""
NAME = "Demo street"


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """A home's account, the hash of its key, and its meter's name and key."""

    account: int
    key_hash: int
    meter: str
    meter_key: str


def community_text(
    timeline: Timeline,
    members: Mapping[str, MemberKeys],
    rules: Rules,
    tariff: Tariff,
    *,
    domain: int,
    account: int,
    key_hash: int,
) -> str:
    """The file. `members`: by home; `account`, `key_hash`: the community's own."""
    since = _time(timeline.times_ms[0])
    lines = [
        "# A street that trades by itself. Prices are in utok per kWh, powers in W.",
        f"name = {_text(NAME)}",
        f"domain = {_text(hex(domain))}",
        f"account = {account}",
        f"key_hash = {_text(hex(key_hash))}",
        f"zone = {_text(timeline.zone.key)}",
        "",
        "[[tariffs]]",
        f"valid_from = {since}",
        f"retail_utok_per_kwh = {tariff.retail_utok_per_kwh}",
        f"feed_in_utok_per_kwh = {tariff.feed_in_utok_per_kwh}",
        "",
        "[[rules]]",
        f"version = {rules.version}",
        f"valid_from = {since}",
        f"clearing = {_text(rules.clearing.value)}",
        f"timing = {_text(rules.timing.value)}",
        f"sharing = {_text(rules.sharing.value)}",
        f"mode = {_text(rules.mode.value)}",
        f"topology = {_text(rules.topology.value)}",
        f"interval_minutes = {rules.interval_ms // 60_000}",
    ]
    for home, keys in members.items():
        stands = timeline.stands[home]
        width_w = max(LEAST_W, _most_w(stands))
        lines += [
            "",
            "[[members]]",
            f"name = {_text(home)}",
            f"account = {keys.account}",
            f"key_hash = {_text(hex(keys.key_hash))}",
            f"connection = {{ import_w = {width_w}, export_w = {width_w} }}",
            "green = true",
            "[[members.meters]]",
            f"did = {_text(keys.meter)}",
            f"key_id = {_text(keys.meter_key)}",
            f"valid_from = {since}",
        ]
    return "\n".join(lines) + "\n"


def _text(given: str) -> str:
    """A string of TOML: JSON's escapes are among TOML's, and no character needs others."""
    return json.dumps(given, ensure_ascii=False)


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _most_w(stands: Sequence[Stand]) -> int:
    """Twice the highest mean power between two readings, W."""
    most = 0
    for before, after in pairwise(stands):
        flowed_wh = max(after.import_wh - before.import_wh, after.export_wh - before.export_wh)
        most = max(most, -(-flowed_wh * MS_PER_HOUR // (after.time_ms - before.time_ms)))
    return 2 * most
