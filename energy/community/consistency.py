"""Whether a community contradicts itself: names nobody has, times out of order, its own law."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from energy.community.members import Connection, MeterKey
from energy.community.profiles import Profile
from energy.community.rules import Rules, Tariff, Topology
from energy.errors import BadCommunity, BadMeterName
from energy.fields import MOST_WHOLE
from energy.meters.did import PREFIX, check_did, public_key_of
from energy.meters.handing_over import is_handed_over
from protocol.errors import OutOfRange
from protocol.units import DOMAIN_BITS, INDEX_BITS, check_range

if TYPE_CHECKING:
    from energy.community.community import Community, Voting

MOST_MEMBERS = 10_000
MOST_W = 10_000_000
MOST_PRICE = 1_000_000_000
MOST_WEIGHT = 1_000_000
KEY_HASH_BITS = 255
MS_PER_DAY = 86_400_000
MOST_TIME_MS = 253_402_300_799_999
"""The end of the year 9999, the last that dates can have."""
MOST_DELAY_MS = 366 * MS_PER_DAY
HUNDRED_PERCENT = 100
MOST_STEP_WH = 1_000_000
"""A register that shows whole MWh; so much more than its connection carries may a meter show."""


def check_community(community: Community) -> None:
    """Raises BadCommunity for the first contradiction, with the part of the file that has it."""
    check_text("name", community.name)
    _width("domain", community.domain, DOMAIN_BITS)
    _width("account", community.account, INDEX_BITS)
    _width("key_hash", community.key_hash, KEY_HASH_BITS)
    _ = community.zone_info
    _check_feeders(community)
    _check_members(community)
    _check_tariffs(community.tariffs)
    _check_rules(community)
    check_voting(community.voting)
    if community.carbon is not None:
        check_text("carbon's source, without which it tells nothing", community.carbon.source)
        _between("carbon", "grams_per_kwh", community.carbon.grams_per_kwh, 0, 5_000)


def check_text(where: str, text: str) -> None:
    """Raises BadCommunity for text that is empty, or would do something to a terminal."""
    _say(not text.strip() or not text.isprintable(), where, f"{text!r} is no text of one line")


def check_voting(voting: Voting) -> None:
    """Raises BadCommunity for shares above 100 percent, or a vote that is over at once."""
    _between("voting", "quorum_percent", voting.quorum_percent, 0, HUNDRED_PERCENT)
    _between("voting", "majority_percent", voting.majority_percent, 50, HUNDRED_PERCENT - 1)
    _between("voting", "open_ms", voting.open_ms, 1, MOST_DELAY_MS)
    _between("voting", "delay_ms", voting.delay_ms, 0, MOST_DELAY_MS)


def check_one_rules(rules: Rules, law: Profile) -> None:
    """Raises BadCommunity for rules that cannot be kept, or that the place does not allow."""
    where = f"rules, version {rules.version}"
    _between(where, "interval_ms", rules.interval_ms, 60_000, MS_PER_DAY // 24)
    _say(
        MS_PER_DAY // 96 % rules.interval_ms != 0 and rules.interval_ms % (MS_PER_DAY // 96) != 0,
        where,
        f"intervals of {rules.interval_ms} ms do not fall together with quarters of an hour",
    )
    _say(
        (MS_PER_DAY // 24) % rules.interval_ms != 0,
        where,
        f"intervals of {rules.interval_ms} ms do not fill an hour",
    )
    _between(where, "short_utok_per_kwh", rules.short_utok_per_kwh, 0, MOST_PRICE)
    _between(where, "surplus_utok_per_kwh", rules.surplus_utok_per_kwh, 0, MOST_PRICE)
    _between(where, "surplus_utok_per_kwh", rules.surplus_utok_per_kwh, 0, MOST_PRICE)
    _between(where, "adjust_days", rules.adjust_days, 0, 60)
    _say(
        not law.homes_sell_to_homes and rules.topology is not Topology.HUB,
        where,
        "here only the retailer may sell, so every home deals with the hub: "
        "the topology has to be \"hub\", and the community's account the retailer's",
    )
    _say(
        bool(law.interval_ms) and rules.interval_ms != law.interval_ms,
        where,
        f"the law of the place asks for intervals of {law.interval_ms // 60_000} minutes, "
        f"not {rules.interval_ms // 60_000}",
    )


def _check_feeders(community: Community) -> None:
    names = [feeder.name for feeder in community.feeders]
    _unique("feeders", names)
    for feeder in community.feeders:
        where = f"feeder {feeder.name!r}"
        check_text("feeders", feeder.name)
        _between(where, "most_in_w", feeder.most_in_w, 0, MOST_W)
        _between(where, "most_out_w", feeder.most_out_w, 0, MOST_W)


def _check_members(community: Community) -> None:
    members = community.members
    _say(not members, "members", "there is none")
    _say(len(members) > MOST_MEMBERS, "members", f"there are more than {MOST_MEMBERS}")
    _unique("members", [f"account {one.account}" for one in members])
    _unique("members", [one.name for one in members])
    _unique("members' meters", [did for one in members for did in {key.did for key in one.meters}])
    _unique("members' meters", [key.key_id for one in members for key in one.meters])
    feeders = {feeder.name for feeder in community.feeders}
    for member in members:
        where = f"member {member.name!r}"
        check_text(f"members, account {member.account}", member.name)
        _width(f"{where} account", member.account, INDEX_BITS)
        _width(f"{where} key_hash", member.key_hash, KEY_HASH_BITS)
        _say(
            member.account == community.account,
            where,
            f"account {member.account} is the community's own",
        )
        _say(
            bool(member.feeder) and member.feeder not in feeders,
            where,
            f"there is no feeder {member.feeder!r}",
        )
        _between(where, "weight", member.weight, 0, MOST_WEIGHT)
        _between(where, "battery_wh", member.battery_wh, 0, MOST_W)
        _check_connection(where, member.connection)
        for place, key in enumerate(member.meters):
            _check_meter_key(where, key)
            _check_registers(where, key, member.meters[:place])
            _check_whose(where, key, member.meters[:place])


def _check_connection(where: str, connection: Connection) -> None:
    _between(where, "connection.import_w", connection.import_w, 0, MOST_W)
    _between(where, "connection.export_w", connection.export_w, 0, MOST_W)


def _check_meter_key(where: str, key: MeterKey) -> None:
    try:
        check_did(key.did)
        public_key_of(key.key_id)
    except BadMeterName as error:
        raise BadCommunity(where, str(error)) from error
    for name, time_ms in (
        ("valid_from", key.valid_from_ms),
        ("valid_until", key.valid_until_ms),
        ("revoked", key.revoked_ms),
    ):
        _between(where, f"{name} of meter key {key.key_id}", time_ms, 0, MOST_TIME_MS)
    _say(
        0 < key.valid_until_ms <= key.valid_from_ms,
        where,
        f"meter key {key.key_id} ends before it begins",
    )


def _check_registers(where: str, key: MeterKey, listed: Sequence[MeterKey]) -> None:
    """A meter's registers are the same whichever key it signs with.

    `listed`: the home's keys before it in the file.
    """
    name = f"of meter key {key.key_id}"
    _between(where, f"step_wh {name}", key.step_wh, 1, MOST_STEP_WH)
    _between(where, f"register_wh {name}", key.register_wh, key.step_wh + 1, MOST_WHOLE)
    _say(
        any(
            one.did == key.did and (one.register_wh, one.step_wh) != (key.register_wh, key.step_wh)
            for one in listed
        ),
        where,
        f"meter {key.did} has one register_wh and one step_wh: say the same with each of its keys",
    )


def _check_whose(where: str, key: MeterKey, listed: Sequence[MeterKey]) -> None:
    """A meter's first key is the one that it is called by; each later one is signed by an earlier.

    `listed`: the home's keys before it in the file.
    """
    first = key.did.removeprefix(PREFIX)
    before = (first, *(one.key_id for one in listed if one.did == key.did))
    _say(
        key.key_id != first and not is_handed_over(key.did, key.key_id, key.handed_over, before),
        where,
        f"key {key.key_id} is not the key of meter {key.did}, and none of the meter's keys that "
        "are listed before it has handed over to it: take what `wattlane meter init --new-key` "
        "prints, or make a new meter where the old key is lost",
    )


def _check_tariffs(tariffs: Sequence[Tariff]) -> None:
    _say(not tariffs, "tariffs", "there is none: settling needs what the grid takes and pays")
    _in_order("tariffs", [one.valid_from_ms for one in tariffs])
    for number, tariff in enumerate(tariffs, 1):
        where = f"tariff {number}"
        _between(where, "retail_utok_per_kwh", tariff.retail_utok_per_kwh, 0, MOST_PRICE)
        _between(where, "feed_in_utok_per_kwh", tariff.feed_in_utok_per_kwh, 0, MOST_PRICE)
        _say(
            tariff.feed_in_utok_per_kwh > tariff.retail_utok_per_kwh,
            where,
            "the grid pays more for a kWh than it takes: nobody would trade",
        )
        for fee in tariff.fees:
            _between(where, f"the {fee.kind.value}", fee.utok_per_kwh, 0, MOST_PRICE)


def _check_rules(community: Community) -> None:
    rules = community.rules
    _say(not rules, "rules", "there is no version")
    _say(
        [one.version for one in rules] != list(range(1, len(rules) + 1)),
        "rules",
        "versions are numbered 1, 2, 3 and so on, in order",
    )
    _in_order("rules", [one.valid_from_ms for one in rules])
    for one in rules:
        check_one_rules(one, community.law)


def _in_order(where: str, times_ms: Sequence[int]) -> None:
    for time_ms in times_ms:
        _between(where, "valid_from", time_ms, 0, MOST_TIME_MS)
    _say(
        any(later <= earlier for earlier, later in pairwise(times_ms)),
        where,
        "each has to begin later than the one before it",
    )


def _unique(where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        _say(name in seen, where, f"{name} is there twice")
        seen.add(name)


def _between(where: str, name: str, given: int, least: int, most: int) -> None:
    _say(not least <= given <= most, where, f"{name} = {given} is not from {least} to {most}")


def _width(where: str, given: int, bits: int) -> None:
    try:
        check_range(where, given, bits)
    except OutOfRange as error:
        raise BadCommunity(where, f"{given} does not fit {bits} bits") from error


def _say(is_wrong: bool, where: str, reason: str) -> None:
    if is_wrong:
        raise BadCommunity(where, reason)
