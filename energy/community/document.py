"""A community's canonical form: one byte string, whose hash is its name everywhere."""

from __future__ import annotations

from energy.canonical import Value, decode, digest, encode
from energy.community.community import Carbon, Community, Counting, Voting
from energy.community.consistency import MOST_MEMBERS
from energy.community.members import Connection, Feeder, Member, MeterKey
from energy.community.profiles import ProfileName
from energy.community.rules import (
    ClearingRule,
    Fee,
    FeeKind,
    PaymentMode,
    Rules,
    SharingRule,
    Side,
    Tariff,
    Timing,
    Topology,
)
from energy.fields import Fields

TYPE = "community"
MOST_BYTES = 1 << 23
"""A community of MOST_MEMBERS homes is about half of it."""
_WHAT = "community"
_MOST_LIST = 1_000
_KEY_BYTES = 32
_DOMAIN_BYTES = 16


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
    carbon: list[Value] = []
    if community.carbon is not None:
        carbon = [
            {"grams_per_kwh": community.carbon.grams_per_kwh, "source": community.carbon.source}
        ]
    return {
        "type": TYPE,
        "name": community.name,
        "domain": community.domain.to_bytes(_DOMAIN_BYTES, "big"),
        "account": community.account,
        "key_hash": community.key_hash.to_bytes(_KEY_BYTES, "big"),
        "zone": community.zone,
        "area": community.area,
        "profile": community.profile.value,
        "voting": voting_value(community.voting),
        "carbon": carbon,
        "feeders": [_feeder_value(one) for one in community.feeders],
        "members": [_member_value(one) for one in community.members],
        "tariffs": [_tariff_value(one) for one in community.tariffs],
        "rules": [rules_value(one) for one in community.rules],
    }


def community_of(given: Value) -> Community:
    """The community of a map. Raises BadDocument, BadCommunity."""
    fields = Fields(given, _WHAT)
    fields.of_type(TYPE)
    community = Community(
        name=fields.text("name"),
        domain=int.from_bytes(fields.octets("domain", _DOMAIN_BYTES), "big"),
        account=fields.whole("account"),
        key_hash=int.from_bytes(fields.octets("key_hash", _KEY_BYTES), "big"),
        zone=fields.text("zone"),
        area=fields.text("area"),
        profile=fields.one_of("profile", ProfileName),
        voting=voting_of(fields.inner("voting")),
        carbon=_carbon_of(fields),
        feeders=tuple(_feeder_of(one) for one in fields.items("feeders", _MOST_LIST)),
        members=tuple(_member_of(one) for one in fields.items("members", MOST_MEMBERS)),
        tariffs=tuple(_tariff_of(one) for one in fields.items("tariffs", _MOST_LIST)),
        rules=tuple(rules_of(Fields(one, "rules")) for one in fields.items("rules", _MOST_LIST)),
    )
    fields.end()
    return community


def rules_value(rules: Rules) -> dict[str, Value]:
    """A version of the rules as a map."""
    return {
        "version": rules.version,
        "valid_from_ms": rules.valid_from_ms,
        "clearing": rules.clearing.value,
        "timing": rules.timing.value,
        "sharing": rules.sharing.value,
        "mode": rules.mode.value,
        "topology": rules.topology.value,
        "interval_ms": rules.interval_ms,
        "short_utok_per_kwh": rules.short_utok_per_kwh,
        "adjust_days": rules.adjust_days,
    }


def rules_of(fields: Fields) -> Rules:
    """The version of the rules in a map. Raises BadDocument."""
    rules = Rules(
        version=fields.whole("version", 1),
        valid_from_ms=fields.whole("valid_from_ms"),
        clearing=fields.one_of("clearing", ClearingRule),
        timing=fields.one_of("timing", Timing),
        sharing=fields.one_of("sharing", SharingRule),
        mode=fields.one_of("mode", PaymentMode),
        topology=fields.one_of("topology", Topology),
        interval_ms=fields.whole("interval_ms"),
        short_utok_per_kwh=fields.whole("short_utok_per_kwh"),
        adjust_days=fields.whole("adjust_days"),
    )
    fields.end()
    return rules


def voting_value(voting: Voting) -> dict[str, Value]:
    """How votes are held, as a map."""
    return {
        "counting": voting.counting.value,
        "quorum_percent": voting.quorum_percent,
        "majority_percent": voting.majority_percent,
        "open_ms": voting.open_ms,
        "delay_ms": voting.delay_ms,
    }


def voting_of(fields: Fields) -> Voting:
    """How votes are held, of a map. Raises BadDocument."""
    voting = Voting(
        counting=fields.one_of("counting", Counting),
        quorum_percent=fields.whole("quorum_percent"),
        majority_percent=fields.whole("majority_percent"),
        open_ms=fields.whole("open_ms"),
        delay_ms=fields.whole("delay_ms"),
    )
    fields.end()
    return voting


def _carbon_of(fields: Fields) -> Carbon | None:
    found = fields.items("carbon", 1)
    if not found:
        return None
    inner = Fields(found[0], "carbon")
    carbon = Carbon(inner.whole("grams_per_kwh"), inner.text("source"))
    inner.end()
    return carbon


def _feeder_value(feeder: Feeder) -> Value:
    return {
        "name": feeder.name,
        "most_in_w": feeder.most_in_w,
        "most_out_w": feeder.most_out_w,
        "area": feeder.area,
    }


def _feeder_of(given: Value) -> Feeder:
    fields = Fields(given, "feeder")
    feeder = Feeder(
        fields.text("name"),
        fields.whole("most_in_w"),
        fields.whole("most_out_w"),
        fields.text("area"),
    )
    fields.end()
    return feeder


def _member_value(member: Member) -> Value:
    return {
        "account": member.account,
        "name": member.name,
        "key_hash": member.key_hash.to_bytes(_KEY_BYTES, "big"),
        "import_w": member.connection.import_w,
        "export_w": member.connection.export_w,
        "meters": [_meter_value(one) for one in member.meters],
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
        connection=Connection(fields.whole("import_w"), fields.whole("export_w")),
        meters=tuple(_meter_of(one) for one in fields.items("meters", _MOST_LIST)),
        feeder=fields.text("feeder"),
        is_green=fields.flag("is_green"),
        battery_wh=fields.whole("battery_wh"),
        weight=fields.whole("weight"),
    )
    fields.end()
    return member


def _meter_value(key: MeterKey) -> Value:
    return {
        "did": key.did,
        "key_id": key.key_id,
        "valid_from_ms": key.valid_from_ms,
        "valid_until_ms": key.valid_until_ms,
        "revoked_ms": key.revoked_ms,
    }


def _meter_of(given: Value) -> MeterKey:
    fields = Fields(given, "meter's key")
    key = MeterKey(
        fields.text("did"),
        fields.text("key_id"),
        fields.whole("valid_from_ms"),
        fields.whole("valid_until_ms"),
        fields.whole("revoked_ms"),
    )
    fields.end()
    return key


def _tariff_value(tariff: Tariff) -> Value:
    return {
        "valid_from_ms": tariff.valid_from_ms,
        "retail_utok_per_kwh": tariff.retail_utok_per_kwh,
        "feed_in_utok_per_kwh": tariff.feed_in_utok_per_kwh,
        "fees": [
            {
                "kind": fee.kind.value,
                "utok_per_kwh": fee.utok_per_kwh,
                "paid_by": fee.paid_by.value,
            }
            for fee in tariff.fees
        ],
    }


def _tariff_of(given: Value) -> Tariff:
    fields = Fields(given, "tariff")
    tariff = Tariff(
        fields.whole("valid_from_ms"),
        fields.whole("retail_utok_per_kwh"),
        fields.whole("feed_in_utok_per_kwh"),
        tuple(_fee_of(one) for one in fields.items("fees", _MOST_LIST)),
    )
    fields.end()
    return tariff


def _fee_of(given: Value) -> Fee:
    fields = Fields(given, "fee")
    fee = Fee(
        fields.one_of("kind", FeeKind),
        fields.whole("utok_per_kwh"),
        fields.one_of("paid_by", Side),
    )
    fields.end()
    return fee
