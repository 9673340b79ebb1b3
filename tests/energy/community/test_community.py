"""A community is looked up by time and account, has one byte string, and does not contradict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from energy.canonical import decode, encode
from energy.community.community import Carbon, Community, Voting
from energy.community.community_file import read_community
from energy.community.community_text import community_text
from energy.community.document import (
    community_digest,
    community_of,
    community_value,
    decode_community,
    encode_community,
)
from energy.community.members import Connection, Feeder, MeterKey
from energy.community.profiles import ProfileName
from energy.community.rules import Fee, FeeKind, Rules, Side, Tariff, Topology
from energy.errors import BadCommunity, BadDocument, NothingInForce, UnknownMember
from energy.intervals import Interval
from energy.meters.handing_over import handing_over
from energy.meters.meter import meters_of
from energy.meters.signing import MeterSigner
from tests.energy.community.streets import (
    DAY_MS,
    DID,
    KEY_ID,
    OTHER_DID,
    START_MS,
    member,
    street,
)

LATER_MS = START_MS + 30 * DAY_MS


def test_a_community_has_one_byte_string_and_comes_back_from_it() -> None:
    community = street()
    encoded = encode_community(community)
    assert decode_community(encoded) == community
    assert encode_community(decode_community(encoded)) == encoded
    assert len(community_digest(community)) == 32
    assert decode_community(encode_community(street(carbon=None))).carbon is None


def test_every_change_changes_its_hash() -> None:
    community = street()
    others = [
        street(name="Rainy Street"),
        street(domain=1),
        street(voting=Voting(quorum_percent=60)),
        street(members=community.members[:2]),
        street(rules=(Rules(1, START_MS, short_utok_per_kwh=1),)),
        street(carbon=Carbon(364, "a source")),
    ]
    names = {community_digest(one) for one in [community, *others]}
    assert len(names) == len(others) + 1


def test_what_is_in_force_is_looked_up_by_time() -> None:
    community = street(
        rules=(Rules(1, START_MS), Rules(2, LATER_MS, topology=Topology.HUB)),
        tariffs=(Tariff(START_MS, 350_000, 80_000), Tariff(LATER_MS, 300_000, 70_000)),
    )
    assert community.rules_at(START_MS).version == 1
    assert community.rules_at(LATER_MS - 1).version == 1
    assert community.rules_at(LATER_MS).version == 2
    assert community.tariff_at(LATER_MS - 1).retail_utok_per_kwh == 350_000
    assert community.tariff_at(LATER_MS).retail_utok_per_kwh == 300_000
    with pytest.raises(NothingInForce, match="no rules in force"):
        community.rules_at(START_MS - 1)
    with pytest.raises(NothingInForce, match="no tariff in force"):
        community.tariff_at(START_MS - 1)


def test_members_are_found_by_their_accounts() -> None:
    community = street()
    assert community.member(2).name == "no. 2"
    assert community.names == {0: "Sunny Street", 1: "no. 1", 2: "no. 2", 3: "no. 3"}
    with pytest.raises(UnknownMember, match="account 7 is no member"):
        community.member(7)
    by_feeder = street(feeders=(Feeder("north", 1, 1, "area 2"), Feeder("south", 1, 1)))
    assert by_feeder.area_of(by_feeder.member(1)) == "area 2"
    assert by_feeder.area_of(by_feeder.member(2)) == "area 1"


def test_a_meters_key_counts_within_its_time_and_until_it_is_revoked() -> None:
    key = MeterKey(DID, KEY_ID, START_MS, valid_until_ms=LATER_MS, revoked_ms=START_MS + DAY_MS)
    home = member(1, meters=(key,))
    assert home.meter_key_at(DID, KEY_ID, START_MS) == key
    assert home.meter_key_at(DID, KEY_ID, START_MS - 1) is None
    assert home.meter_key_at(DID, KEY_ID, START_MS + DAY_MS - 1) == key
    assert home.meter_key_at(DID, KEY_ID, START_MS + DAY_MS) is None
    assert home.meter_key_at(DID, "2", START_MS) is None
    unrevoked = replace(key, revoked_ms=0)
    assert unrevoked.is_valid_at(LATER_MS - 1)
    assert not unrevoked.is_valid_at(LATER_MS)


def test_a_connections_limit_is_rounded_down() -> None:
    quarter = Interval(0, 900_000)
    connection = Connection(import_w=9_999, export_w=3)
    assert connection.most_import_wh(quarter) == 2_499
    assert connection.most_export_wh(quarter) == 0


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"name": " "}, "name", "no text of one line"),
        ({"name": "a\x1b[2Jb"}, "name", "no text of one line"),
        ({"domain": 1 << 128}, "domain", "128 bits"),
        ({"zone": "Mars/Olympus"}, "zone", "no zone such as"),
        ({"zone": "../etc"}, "zone", "no zone such as"),
        ({"members": ()}, "members", "none"),
        ({"members": (member(1), member(1, name="other"))}, "members", "account 1 is there twice"),
        ({"members": (member(1), member(2, name="no. 1"))}, "members", "no. 1 is there twice"),
        ({"members": (member(0),)}, "member 'no. 0'", "the community's own"),
        ({"members": (member(1, feeder="west"),)}, "member 'no. 1'", "no feeder 'west'"),
        ({"members": (member(1, connection=Connection(-1, 0)),)}, "member 'no. 1'", "import_w"),
        (
            {"members": (member(1, meters=(MeterKey("x", KEY_ID, 0),)),)},
            "member 'no. 1'",
            "did:key",
        ),
        ({"members": (member(1, meters=(MeterKey(DID, "1", 0),)),)}, "member 'no. 1'", "z6Mk"),
        (
            {
                "members": (
                    member(1, meters=(MeterKey(DID, KEY_ID, 0),)),
                    member(2, meters=(MeterKey(DID, OTHER_DID[8:], 0),)),
                )
            },
            "members' meters",
            "is there twice",
        ),
        (
            {"members": (member(1, meters=(MeterKey(DID, OTHER_DID[8:], 0),)),)},
            "member 'no. 1'",
            "is not the key of meter",
        ),
        (
            {"members": (member(1, meters=(MeterKey(DID, KEY_ID, 5, 5),)),)},
            "member 'no. 1'",
            "ends before it begins",
        ),
        ({"feeders": (Feeder("north", 1, 1), Feeder("north", 2, 2))}, "feeders", "twice"),
        ({"tariffs": ()}, "tariffs", "none"),
        ({"tariffs": (Tariff(5, 2, 1), Tariff(5, 2, 1))}, "tariffs", "begin later"),
        ({"tariffs": (Tariff(5, 1, 2),)}, "tariff 1", "nobody would trade"),
        (
            {"tariffs": (Tariff(5, 2, 1, (Fee(FeeKind.TAX, -1, Side.BUY),)),)},
            "tariff 1",
            "the tax",
        ),
        ({"rules": ()}, "rules", "no version"),
        ({"rules": (Rules(2, 5),)}, "rules", "numbered 1, 2, 3"),
        ({"rules": (Rules(1, 5), Rules(2, 4))}, "rules", "begin later"),
        ({"rules": (Rules(1, 5, interval_ms=600_000),)}, "rules, version 1", "quarters"),
        ({"rules": (Rules(1, 5, interval_ms=2_700_000),)}, "rules, version 1", "fill an hour"),
        ({"rules": (Rules(1, 5, adjust_days=61),)}, "rules, version 1", "adjust_days"),
        ({"voting": Voting(majority_percent=49)}, "voting", "majority_percent"),
        ({"voting": Voting(quorum_percent=101)}, "voting", "quorum_percent"),
        ({"carbon": Carbon(300, "")}, "carbon's source, without which it tells nothing", "''"),
        ({"tariffs": (Tariff(1 << 60, 2, 1),)}, "tariffs", "valid_from"),
        ({"profile": ProfileName.RETAILER_ONLY}, "rules, version 1", "only the retailer may sell"),
        (
            {"profile": ProfileName.GERMANY, "rules": (Rules(1, 5, interval_ms=3_600_000),)},
            "rules, version 1",
            "asks for intervals of 15 minutes, not 60",
        ),
    ],
)
def test_a_contradiction_is_named(changes: dict[str, object], where: str, reason: str) -> None:
    with pytest.raises(BadCommunity, match=reason) as caught:
        street(**changes)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("type", "order", "its type is 'order'"),
        ("zone", 5, "zone is no text"),
        ("account", "5", "account is no integer"),
        ("profile", "mars", "none of: open, germany-42c, retailer-only"),
        ("members", {}, "members is no list"),
        ("key_hash", b"short", "no bytes of length 32"),
        ("extra", 1, "unknown fields: extra"),
    ],
)
def test_a_field_of_another_kind_is_no_community(name: str, given: object, reason: str) -> None:
    value = decode(encode(community_value(street())), "community")
    assert isinstance(value, dict)
    with pytest.raises(BadDocument, match=reason):
        decode_community(encode({**value, name: given}))  # type: ignore[dict-item]
    del value["voting"]
    with pytest.raises(BadDocument, match="it has no field voting"):
        decode_community(encode(value))


FIRST, SECOND, THIRD, STRANGER = (
    MeterSigner(bytes(31) + bytes([number])) for number in (1, 2, 3, 4)
)


def keys(*handed_over: tuple[MeterSigner, MeterSigner | None]) -> tuple[MeterKey, ...]:
    """Keys of the meter FIRST, each as signed by the other; None: by nobody."""
    return tuple(
        MeterKey(
            FIRST.did, key.key_id, 1_000 * number, handed_over=by.sign(said(key)) if by else b""
        )
        for number, (key, by) in enumerate(handed_over)
    )


def said(key: MeterSigner) -> bytes:
    """What is signed for a key of the meter FIRST."""
    return handing_over(FIRST.did, key.key_id)


@pytest.mark.parametrize(
    "listed",
    [
        keys((FIRST, None)),
        keys((FIRST, None), (SECOND, FIRST)),
        keys((FIRST, None), (SECOND, FIRST), (THIRD, SECOND)),
        keys((FIRST, None), (SECOND, FIRST), (THIRD, FIRST)),
        keys((SECOND, FIRST)),
    ],
)
def test_a_meters_keys_are_its_first_and_those_that_its_keys_have_handed_over_to(
    listed: tuple[MeterKey, ...],
) -> None:
    home = member(1, meters=listed)
    made = street(members=(home,), feeders=())
    assert decode_community(encode_community(made)) == made
    assert read_community(community_text(made)) == made


@pytest.mark.parametrize(
    "listed",
    [
        keys((FIRST, None), (SECOND, None)),
        keys((FIRST, None), (SECOND, SECOND)),
        keys((FIRST, None), (SECOND, STRANGER)),
        keys((FIRST, None), (THIRD, SECOND), (SECOND, FIRST)),
        (replace(keys((SECOND, FIRST))[0], key_id=THIRD.key_id),),
        (replace(keys((SECOND, FIRST))[0], did=STRANGER.did),),
        (replace(keys((SECOND, FIRST))[0], handed_over=FIRST.sign(b"x")),),
    ],
)
def test_a_key_that_somebody_else_lists_for_a_meter_is_refused(
    listed: tuple[MeterKey, ...],
) -> None:
    """The treasurer has no key of the meter, and so no signature for one of its own."""
    with pytest.raises(BadCommunity, match="is not the key of meter"):
        street(members=(member(1, meters=listed),), feeders=())


def test_what_is_left_out_has_one_form() -> None:
    value = community_value(street())
    members = value["members"]
    assert isinstance(members, list)
    meters = members[0]["meters"]
    assert "handed_over" not in meters[0]
    meters[0]["handed_over"] = b""
    with pytest.raises(BadDocument, match="left out"):
        community_of(value)


def test_a_meters_registers_are_in_the_file_and_in_the_hash_where_they_are_stated() -> None:
    """Whoever states nothing has the canonical bytes that a file without the fields always had."""
    plain = MeterKey(DID, KEY_ID, START_MS)
    for name in (b"register_wh", b"step_wh"):
        assert name not in encode_community(with_meters(plain))
    hashes = {community_digest(with_meters(plain))}
    for stated in (
        replace(plain, register_wh=10**8),
        replace(plain, register_wh=1 << 32),
        replace(plain, step_wh=100),
    ):
        made = with_meters(stated)
        assert decode_community(encode_community(made)) == made
        assert read_community(community_text(made)) == made
        hashes.add(community_digest(made))
    assert len(hashes) == 4


@pytest.mark.parametrize(("name", "usual"), [("register_wh", 10**9), ("step_wh", 1)])
def test_a_usual_register_has_one_form(name: str, usual: int) -> None:
    value: Any = decode(encode_community(with_meters(MeterKey(DID, KEY_ID, START_MS))), "community")
    value["members"][0]["meters"][0][name] = usual
    with pytest.raises(BadDocument, match=f"its {name} is {usual}, and then is left out"):
        decode_community(encode(value))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"register_wh": 0}, "register_wh of meter key .* = 0 is not from 2"),
        ({"register_wh": 100, "step_wh": 100}, "register_wh of meter key .* is not from 101"),
        ({"step_wh": 0}, "step_wh of meter key .* = 0 is not from 1"),
        ({"step_wh": 1_000_001}, "step_wh of meter key .* is not from 1 to 1000000"),
    ],
)
def test_registers_that_no_meter_has_are_refused(changes: dict[str, int], reason: str) -> None:
    with pytest.raises(BadCommunity, match=reason):
        with_meters(replace(MeterKey(DID, KEY_ID, START_MS), **changes))  # type: ignore[arg-type]


def test_a_meter_has_the_same_registers_with_each_of_its_keys() -> None:
    first, second = keys((FIRST, None), (SECOND, FIRST))
    with pytest.raises(BadCommunity, match="say the same with each of its keys"):
        with_meters(first, replace(second, step_wh=100))
    both = with_meters(replace(first, step_wh=100), replace(second, step_wh=100))
    assert meters_of(both.members[0])[FIRST.did].step_wh == 100


def with_meters(*listed: MeterKey) -> Community:
    """A street of one home with these keys of its meter."""
    return street(members=(member(1, meters=listed),), feeders=())
