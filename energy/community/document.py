"""A community's canonical form: one byte string, whose hash is its name everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from energy.canonical import Value, decode, digest, encode
from energy.community.community import Carbon, Community, Voting
from energy.community.consistency import MOST_MEMBERS
from energy.community.members import (
    DEFAULT_REGISTER_WH,
    DEFAULT_STEP_WH,
    Connection,
    Feeder,
    Member,
    MeterKey,
)
from energy.community.profiles import ProfileName
from energy.community.rules import Fee, Rules, Tariff
from energy.errors import BadDocument
from energy.fields import Fields
from energy.records import record_of, record_value

TYPE = "community"
MOST_BYTES = 1 << 23
"""A community of MOST_MEMBERS homes is about half of it."""
_WHAT = "community"
_MOST_LIST = 1_000
_KEY_BYTES = 32
_DOMAIN_BYTES = 16
_USUAL: dict[str, Value] = {
    "handed_over": b"",
    "register_wh": DEFAULT_REGISTER_WH,
    "step_wh": DEFAULT_STEP_WH,
}
"""What a meter's key leaves out of the canonical bytes where it is this: there is one form."""


def encode_community(community: Community) -> bytes:
    """The canonical bytes, with everything that the community states."""
    return encode(community_value(community))


def decode_community(encoded: bytes) -> Community:
    """The community of these bytes. Raises BadDocument, BadCommunity."""
    return community_of(decode(encoded, _WHAT, MOST_BYTES))


def community_digest(community: Community) -> bytes:
    """Its name: SHA-256 of the canonical bytes, 32 bytes."""
    return digest(encode_community(community))


def community_value(community: Community) -> dict[str, Value]:
    """The community as a map, to stand in another document."""
    carbon = [] if community.carbon is None else [record_value(community.carbon)]
    return {
        "type": TYPE,
        "name": community.name,
        "domain": community.domain.to_bytes(_DOMAIN_BYTES, "big"),
        "account": community.account,
        "key_hash": community.key_hash.to_bytes(_KEY_BYTES, "big"),
        "zone": community.zone,
        "area": community.area,
        "profile": community.profile.value,
        "voting": record_value(community.voting),
        "carbon": carbon,
        "feeders": [record_value(one) for one in community.feeders],
        "members": [_member_value(one) for one in community.members],
        "tariffs": [_tariff_value(one) for one in community.tariffs],
        "rules": [record_value(one) for one in community.rules],
    }


def community_of(given: Value) -> Community:
    """The community of a map. Raises BadDocument, BadCommunity."""
    fields = Fields(given, _WHAT)
    fields.of_type(TYPE)
    carbon = fields.items("carbon", 1)
    community = Community(
        name=fields.text("name"),
        domain=int.from_bytes(fields.octets("domain", _DOMAIN_BYTES), "big"),
        account=fields.whole("account"),
        key_hash=int.from_bytes(fields.octets("key_hash", _KEY_BYTES), "big"),
        zone=fields.text("zone"),
        area=fields.text("area"),
        profile=fields.one_of("profile", ProfileName),
        voting=record_of(Voting, fields.take("voting"), "voting"),
        carbon=record_of(Carbon, carbon[0], "carbon") if carbon else None,
        feeders=tuple(
            record_of(Feeder, one, "feeder") for one in fields.items("feeders", _MOST_LIST)
        ),
        members=tuple(_member_of(one) for one in fields.items("members", MOST_MEMBERS)),
        tariffs=tuple(_tariff_of(one) for one in fields.items("tariffs", _MOST_LIST)),
        rules=tuple(record_of(Rules, one, "rules") for one in fields.items("rules", _MOST_LIST)),
    )
    fields.end()
    return community


def _member_value(member: Member) -> Value:
    return {
        "account": member.account,
        "name": member.name,
        "key_hash": member.key_hash.to_bytes(_KEY_BYTES, "big"),
        "connection": record_value(member.connection),
        "meters": [_meter_key_value(one) for one in member.meters],
        "feeder": member.feeder,
        "is_green": member.is_green,
        "battery_wh": member.battery_wh,
        "weight": member.weight,
    }


def _member_of(given: Value) -> Member:
    fields = Fields(given, "member")
    member = Member(
        account=fields.whole("account"),
        name=fields.text("name"),
        key_hash=int.from_bytes(fields.octets("key_hash", _KEY_BYTES), "big"),
        connection=record_of(Connection, fields.take("connection"), "connection"),
        meters=tuple(_meter_key_of(one) for one in fields.items("meters", _MOST_LIST)),
        feeder=fields.text("feeder"),
        is_green=fields.flag("is_green"),
        battery_wh=fields.whole("battery_wh"),
        weight=fields.whole("weight"),
    )
    fields.end()
    return member


def _meter_key_value(key: MeterKey) -> Value:
    return {
        name: value
        for name, value in record_value(key).items()
        if name not in _USUAL or value != _USUAL[name]
    }


def _meter_key_of(given: Value) -> MeterKey:
    what = "meter's key"
    if not isinstance(given, Mapping):
        return record_of(MeterKey, given, what)
    for name, usual in _USUAL.items():
        if name in given and given[name] == usual:
            raise BadDocument(what, f"its {name} is {usual!r}, and then is left out")
    return record_of(MeterKey, {**_USUAL, **given}, what)


def _tariff_value(tariff: Tariff) -> Value:
    return {
        "valid_from_ms": tariff.valid_from_ms,
        "retail_utok_per_kwh": tariff.retail_utok_per_kwh,
        "feed_in_utok_per_kwh": tariff.feed_in_utok_per_kwh,
        "fees": [record_value(fee) for fee in tariff.fees],
    }


def _tariff_of(given: Value) -> Tariff:
    fields = Fields(given, "tariff")
    tariff = Tariff(
        fields.whole("valid_from_ms"),
        fields.whole("retail_utok_per_kwh"),
        fields.whole("feed_in_utok_per_kwh"),
        tuple(record_of(Fee, one, "fee") for one in fields.items("fees", _MOST_LIST)),
    )
    fields.end()
    return tariff
