"""A community's file is read strictly, and means the same however it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from energy.community.community import Community, Counting
from energy.community.community_file import load_community, read_community
from energy.community.community_text import community_text
from energy.community.document import community_digest, decode_community, encode_community
from energy.community.members import MeterKey
from energy.community.profiles import ProfileName
from energy.community.rules import DeviationRule, FeeKind, Rules, Side, Timing, Topology
from energy.errors import BadCommunity, BadCommunityFile
from tests.energy.community.streets import DAY_MS, DID, KEY_ID, START_MS, member, street

EXAMPLES = Path(__file__).parents[3] / "examples" / "communities"
GERMANY = (EXAMPLES / "germany.toml").read_text(encoding="utf-8")


def changed(old: str, new: str) -> Community:
    """The German example with one text in place of another, which must be there."""
    assert old in GERMANY
    return read_community(GERMANY.replace(old, new, 1))


@pytest.mark.parametrize("name", ["germany.toml", "retailer.toml"])
def test_the_examples_are_read_and_keep_their_form(name: str) -> None:
    community = load_community(EXAMPLES / name)
    assert decode_community(encode_community(community)) == community
    assert read_community(community_text(community)) == community


def test_a_community_is_written_as_a_file_that_says_the_same() -> None:
    """Names with quotes, and every part that a file can leave out."""
    named = replace(street(), name='The "old" street\\ no. 7', carbon=None, area="")
    revoked = MeterKey(DID, KEY_ID, START_MS, START_MS + DAY_MS, START_MS + 5_000)
    members = (member(1, name="ü 🏠", meters=(revoked,), weight=7), member(2, battery_wh=9))
    later = Rules(2, START_MS + DAY_MS, timing=Timing.AHEAD, deviation=DeviationRule.EACH_ITS_OWN)
    later = replace(later, short_utok_per_kwh=7, surplus_utok_per_kwh=3)
    full = replace(named, members=members, rules=(*named.rules, later))
    assert read_community(community_text(full)) == full


def test_the_german_example_says_what_it_seems_to_say() -> None:
    community = read_community(GERMANY)
    assert community.profile is ProfileName.GERMANY
    assert community.domain == 0x6D3F52B20E2F4C17A1A0F6A4F0E1C9D2
    huber, yilmaz, schmidt = community.members
    assert (huber.account, huber.battery_wh, huber.is_green) == (1, 10_000, True)
    assert schmidt.connection.export_w == 0
    midnight = datetime(2026, 5, 31, 22, 0, tzinfo=UTC)
    assert community.rules[0].valid_from_ms == int(midnight.timestamp()) * 1000
    stolen, present = yilmaz.meters
    assert stolen.key_id == stolen.did.removeprefix("did:key:")
    assert stolen.did == present.did != present.key_id
    at = datetime(2026, 9, 3, 5, 30, tzinfo=UTC)
    assert stolen.revoked_ms == int(at.timestamp()) * 1000
    fee = community.tariffs[1].fees[0]
    assert (fee.kind, fee.utok_per_kwh, fee.paid_by) == (FeeKind.GRID, 91_000, Side.BUY)
    assert community.voting.delay_ms == 14 * 86_400_000


def test_the_retailers_example_counts_by_weight_and_has_a_hub() -> None:
    community = load_community(EXAMPLES / "retailer.toml")
    assert community.voting.counting is Counting.WEIGHT
    assert community.rules[0].topology is Topology.HUB
    text = (EXAMPLES / "retailer.toml").read_text().replace('topology = "hub"', "")
    with pytest.raises(BadCommunity, match="only the retailer may sell"):
        read_community(text)


def test_the_hash_is_of_what_it_says_not_of_how() -> None:
    same = [
        changed("valid_from = 2026-06-01", "valid_from = 2026-05-31T22:00:00Z"),
        changed("# of the rollup", "# another comment"),
        changed("360_000", "360000"),
        changed('timing = "after"', ""),
        changed('domain = "0x', 'domain = "0x0'),
    ]
    assert {community_digest(one) for one in same} == {community_digest(read_community(GERMANY))}
    other = changed("360_000", "360_001")
    assert community_digest(other) != community_digest(same[0])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("zone =", "zone", "not TOML"),
        ("account = 1", "account = 1.0", "members.1.account: Input should be a valid integer"),
        ("account = 1", 'account = "1"', "members.1.account: Input should be a valid integer"),
        ("battery_wh", "batery_wh", "members.1.batery_wh: Extra inputs are not permitted"),
        ("import_w = 14_490, ", "", "members.1.connection.import_w: Field required"),
        ("valid_from = 2026-06-01", "valid_from = 5", "members.1.meters.1.valid_from: Input"),
        ("2026-09-03T07:30:00+02:00", "2026-09-03T07:30:00", "needs its offset"),
        ("0x0702", "0x07zz", "members.1.key_hash: Value error, no whole number"),
        ("paid_by", "paid_buy", "tariffs.1.fees.1"),
        ('clearing = "supply-demand"', 'clearing = "dice"', "rules.1.clearing is 'dice', none of"),
        ("adjust_days = 60", "adjust_days = -1", "rules.1.adjust_days is -1, no whole number"),
        ("adjust_days = 60", "adjust = 60", "rules.1: unknown fields adjust"),
        ('profile = "germany-42c"', 'profile = "mars"', "profile is 'mars', none of: open"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(old: str, new: str, reason: str) -> None:
    with pytest.raises(BadCommunityFile) as caught:
        changed(old, new)
    assert reason in str(caught.value)


def test_a_file_that_contradicts_itself_is_named_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "street.toml"
    path.write_text(GERMANY.replace("Europe/Berlin", "Europe/Atlantis"))
    with pytest.raises(BadCommunityFile, match=r"street\.toml: zone: 'Europe/Atlantis' is no zone"):
        load_community(path)
    path.write_bytes(b"\xff")
    with pytest.raises(BadCommunityFile, match="no text in UTF-8"):
        load_community(path)
    with pytest.raises(BadCommunityFile, match="No such file"):
        load_community(tmp_path / "none.toml")
