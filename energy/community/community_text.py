"""A community written as its file: what is read from the text is the same community again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum

from energy.community.community import Community
from energy.community.members import DEFAULT_REGISTER_WH, DEFAULT_STEP_WH, Member
from energy.community.rules import Rules, Tariff

MS_PER_DAY = 86_400_000
MS_PER_MINUTE = 60_000
NOTE = "# Written from a market's journal; dates are in UTC. Powers in W, prices in utok per kWh."


def community_text(community: Community) -> str:
    """TOML that `read_community` reads as this very community.

    Delays of votes have to be whole days, and times whole seconds, as all in files are.
    """
    return "\n".join(_lines(community)) + "\n"


def _lines(community: Community) -> Iterator[str]:
    voting = community.voting
    yield NOTE
    yield f"name = {_text(community.name)}"
    yield f'domain = "{community.domain:#x}"'
    yield f"account = {community.account}"
    yield f'key_hash = "{community.key_hash:#066x}"'
    yield f"zone = {_text(community.zone)}"
    yield f"area = {_text(community.area)}"
    yield f"profile = {_text(community.profile.value)}"
    yield "\n[voting]"
    yield f"count = {_text(voting.counting.value)}"
    yield f"quorum_percent = {voting.quorum_percent}"
    yield f"majority_percent = {voting.majority_percent}"
    yield f"open_days = {voting.open_ms // MS_PER_DAY}"
    yield f"delay_days = {voting.delay_ms // MS_PER_DAY}"
    if community.carbon is not None:
        yield "\n[carbon]"
        yield f"grams_per_kwh = {community.carbon.grams_per_kwh}"
        yield f"source = {_text(community.carbon.source)}"
    for feeder in community.feeders:
        yield "\n[[feeders]]"
        yield f"name = {_text(feeder.name)}"
        yield f"most_in_w = {feeder.most_in_w}"
        yield f"most_out_w = {feeder.most_out_w}"
        yield f"area = {_text(feeder.area)}"
    for member in community.members:
        yield from _member_lines(member)
    for tariff in community.tariffs:
        yield from _tariff_lines(tariff)
    for rules in community.rules:
        yield from _rules_lines(rules)


def _member_lines(member: Member) -> Iterator[str]:
    yield "\n[[members]]"
    yield f"name = {_text(member.name)}"
    yield f"account = {member.account}"
    yield f'key_hash = "{member.key_hash:#066x}"'
    connection = member.connection
    yield f"connection = {{ import_w = {connection.import_w}, export_w = {connection.export_w} }}"
    yield f"feeder = {_text(member.feeder)}"
    yield f"green = {_flag(member.is_green)}"
    yield f"battery_wh = {member.battery_wh}"
    yield f"weight = {member.weight}"
    for key in member.meters:
        yield "[[members.meters]]"
        yield f"did = {_text(key.did)}"
        yield f"key_id = {_text(key.key_id)}"
        yield f"valid_from = {_moment(key.valid_from_ms)}"
        if key.valid_until_ms:
            yield f"valid_until = {_moment(key.valid_until_ms)}"
        if key.revoked_ms:
            yield f"revoked = {_moment(key.revoked_ms)}"
        if key.handed_over:
            yield f'handed_over = "0x{key.handed_over.hex()}"'
        if key.register_wh != DEFAULT_REGISTER_WH:
            yield f"register_wh = {key.register_wh}"
        if key.step_wh != DEFAULT_STEP_WH:
            yield f"step_wh = {key.step_wh}"


def _tariff_lines(tariff: Tariff) -> Iterator[str]:
    yield "\n[[tariffs]]"
    yield f"valid_from = {_moment(tariff.valid_from_ms)}"
    yield f"retail_utok_per_kwh = {tariff.retail_utok_per_kwh}"
    yield f"feed_in_utok_per_kwh = {tariff.feed_in_utok_per_kwh}"
    yield "fees = ["
    for fee in tariff.fees:
        kind, payer = _text(fee.kind.value), _text(fee.paid_by.value)
        price = fee.utok_per_kwh
        yield f"    {{ kind = {kind}, utok_per_kwh = {price}, paid_by = {payer} }},"
    yield "]"


def _rules_lines(rules: Rules) -> Iterator[str]:
    yield "\n[[rules]]"
    yield f"valid_from = {_moment(rules.valid_from_ms)}"
    yield f"interval_minutes = {rules.interval_ms // MS_PER_MINUTE}"
    for field in fields(rules):
        given = getattr(rules, field.name)
        if isinstance(given, Enum):
            yield f"{field.name} = {_text(given.value)}"
        elif not field.name.endswith("_ms"):
            yield f"{field.name} = {given}"


def _text(text: str) -> str:
    """A TOML basic string: JSON's escapes are all TOML's, once DEL is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _flag(flag: bool) -> str:
    return "true" if flag else "false"


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
