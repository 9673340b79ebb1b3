"""A community's file: TOML as people write it, read as strictly as a signature would.

Dates stand for their first moment in the community's zone; times need an offset. Powers are in W,
prices in utok per kWh, all whole numbers. Nothing that is unknown, missing or of another type is
let through.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from energy.community.community import Carbon, Community, Counting, Voting
from energy.community.members import (
    DEFAULT_REGISTER_WH,
    DEFAULT_STEP_WH,
    Connection,
    Feeder,
    Member,
    MeterKey,
)
from energy.community.profiles import ProfileName
from energy.community.rules import Fee, FeeKind, Rules, Side, Tariff
from energy.errors import BadCommunity, BadCommunityFile

MOST_BYTES = 1 << 24
MS_PER_DAY = 86_400_000
MS_PER_MINUTE = 60_000


def _whole(given: object) -> object:
    """An integer, also as text: decimal, or hexadecimal after 0x, as TOML's end at 64 bits."""
    if isinstance(given, str) and given.isascii():
        digits, base = (given[2:], 16) if given.startswith("0x") else (given, 10)
        try:
            return int(digits, base)
        except ValueError:
            raise ValueError("no whole number, nor hexadecimal after 0x") from None
    return given


Long = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
When = date | datetime


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Connection(_Part):
    import_w: int
    export_w: int


class _Meter(_Part):
    did: str
    key_id: str = ""
    valid_from: When
    valid_until: When | None = None
    revoked: When | None = None
    handed_over: str = ""
    register_wh: int = DEFAULT_REGISTER_WH
    step_wh: int = DEFAULT_STEP_WH


class _Member(_Part):
    name: str
    account: int
    key_hash: Long
    connection: _Connection
    feeder: str = ""
    green: bool = False
    battery_wh: int = 0
    weight: int = 1
    meters: list[_Meter] = Field(default_factory=list)


class _Feeder(_Part):
    name: str
    most_in_w: int
    most_out_w: int
    area: str = ""


class _Fee(_Part):
    kind: Literal["grid fee", "community fee", "tax"]
    utok_per_kwh: int
    paid_by: Literal["buy", "sell"]


class _Tariff(_Part):
    valid_from: When
    retail_utok_per_kwh: int
    feed_in_utok_per_kwh: int
    fees: list[_Fee] = Field(default_factory=list)


class _Voting(_Part):
    count: Literal["home", "weight"] = "home"
    quorum_percent: int = 50
    majority_percent: int = 50
    open_days: int = 7
    delay_days: int = 14


class _Carbon(_Part):
    grams_per_kwh: int
    source: str


class _File(_Part):
    name: str
    domain: Long
    account: int
    key_hash: Long
    zone: str
    area: str = ""
    profile: str = ProfileName.OPEN.value
    voting: _Voting = _Voting()
    carbon: _Carbon | None = None
    feeders: list[_Feeder] = Field(default_factory=list)
    members: list[_Member]
    tariffs: list[_Tariff]
    rules: list[dict[str, Any]]


def load_community(path: Path | str) -> Community:
    """The community of a file. Raises BadCommunityFile, also for one that contradicts itself."""
    shown = str(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise BadCommunityFile(shown, error.strerror or "it cannot be read") from error
    if len(raw) > MOST_BYTES:
        raise BadCommunityFile(shown, f"larger than {MOST_BYTES} bytes")
    try:
        return read_community(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadCommunityFile(shown, "it is no text in UTF-8") from error
    except BadCommunityFile as error:
        raise BadCommunityFile(shown, error.reason) from error
    except BadCommunity as error:
        raise BadCommunityFile(shown, f"{error.where}: {error.reason}") from error


def read_community(text: str) -> Community:
    """The community that a text describes. Raises BadCommunityFile, BadCommunity."""
    try:
        given = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadCommunityFile("", f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadCommunityFile("", _first_fault(error)) from error
    zone = _zone(given.zone)
    return Community(
        name=given.name,
        domain=given.domain,
        account=given.account,
        key_hash=given.key_hash,
        zone=given.zone,
        area=given.area,
        profile=_profile(given.profile),
        voting=_voting(given.voting),
        carbon=None if given.carbon is None else Carbon(**given.carbon.model_dump()),
        feeders=tuple(Feeder(**one.model_dump()) for one in given.feeders),
        members=tuple(_member(one, zone) for one in given.members),
        tariffs=tuple(_tariff(one, zone) for one in given.tariffs),
        rules=tuple(
            rules_of_table(one, zone, f"rules.{place}") for place, one in enumerate(given.rules, 1)
        ),
    )


def rules_of_table(given: dict[str, Any], zone: ZoneInfo, where: str = "rules") -> Rules:
    """A version of the rules as a file writes it; `version` may be left out, and is 1 then.

    Raises BadCommunityFile.
    """
    rules = dict(given)
    taken: dict[str, Any] = {"version": 1}
    for name, kind in get_type_hints(Rules).items():
        if name in rules and not name.endswith("_ms"):
            read = _number if kind is int else partial(_choice, kind)
            taken[name] = read(f"{where}.{name}", rules.pop(name))
    if "interval_minutes" in rules:
        minutes = _number(f"{where}.interval_minutes", rules.pop("interval_minutes"))
        taken["interval_ms"] = minutes * MS_PER_MINUTE
    valid_from = rules.pop("valid_from", None)
    if not isinstance(valid_from, date):  # a datetime is one, too
        raise BadCommunityFile("", f"{where}.valid_from: a date, or a time with its offset")
    if rules:
        raise BadCommunityFile("", f"{where}: unknown fields {', '.join(sorted(rules)[:5])}")
    return Rules(valid_from_ms=_ms(valid_from, zone), **taken)


def _choice(choices: Any, where: str, given: object) -> Any:
    known = {one.value: one for one in choices}
    if not isinstance(given, str) or given not in known:
        raise BadCommunityFile("", f"{where} is {given!r}, none of: {', '.join(known)}")
    return known[given]


def _number(where: str, given: object) -> int:
    if type(given) is not int or given < 0:
        raise BadCommunityFile("", f"{where} is {given!r}, no whole number from 0")
    return given


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCommunity("zone", f"{name!r} is no zone such as Europe/Berlin") from None


def _profile(name: str) -> ProfileName:
    found: ProfileName = _choice(ProfileName, "profile", name)
    return found


def _voting(given: _Voting) -> Voting:
    return Voting(
        Counting(given.count),
        given.quorum_percent,
        given.majority_percent,
        given.open_days * MS_PER_DAY,
        given.delay_days * MS_PER_DAY,
    )


def _member(given: _Member, zone: ZoneInfo) -> Member:
    return Member(
        account=given.account,
        name=given.name,
        key_hash=given.key_hash,
        connection=Connection(**given.connection.model_dump()),
        meters=tuple(_meter(one, zone) for one in given.meters),
        feeder=given.feeder,
        is_green=given.green,
        battery_wh=given.battery_wh,
        weight=given.weight,
    )


def _meter(given: _Meter, zone: ZoneInfo) -> MeterKey:
    return MeterKey(
        given.did,
        given.key_id or given.did.removeprefix("did:key:"),
        _ms(given.valid_from, zone),
        _ms(given.valid_until, zone),
        _ms(given.revoked, zone),
        _octets("handed_over", given.handed_over),
        given.register_wh,
        given.step_wh,
    )


def _octets(name: str, given: str) -> bytes:
    """Bytes in hexadecimal, after 0x or not."""
    try:
        return bytes.fromhex(given.removeprefix("0x"))
    except ValueError:
        raise BadCommunityFile("", f"{name} is {given[:40]!r}, no hexadecimal") from None


def _tariff(given: _Tariff, zone: ZoneInfo) -> Tariff:
    fees = tuple(Fee(FeeKind(one.kind), one.utok_per_kwh, Side(one.paid_by)) for one in given.fees)
    return Tariff(
        _ms(given.valid_from, zone), given.retail_utok_per_kwh, given.feed_in_utok_per_kwh, fees
    )


def _ms(given: When | None, zone: ZoneInfo) -> int:
    """Unix ms of a date's first moment in the zone, or of a time; 0 for none."""
    if given is None:
        return 0
    moment = given
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), zone)
    elif moment.tzinfo is None:
        raise BadCommunityFile("", f"{moment}: a time needs its offset, such as +02:00 or Z")
    return int(moment.timestamp()) * 1000


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(
        str(part + 1) if isinstance(part, int) else str(part)
        for part in first["loc"]
        if part not in ("date", "datetime")
    )
    return f"{where}: {first['msg']}"
