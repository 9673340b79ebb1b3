"""The community's file says what the demo means, and is taken as strictly as any."""

from __future__ import annotations

from energy.community.community_file import read_community
from energy.meters.signing import MeterSigner
from tests.wattlane.demo.market_days import RULES, TARIFF, hours_of
from wattlane.demo.community import LEAST_W, MemberKeys, community_text
from wattlane.demo.timeline import Stand, Timeline

METERS = [MeterSigner(bytes([number]) * 32) for number in range(3)]
KEYS = {
    "h02": MemberKeys(2, 1 << 250, METERS[0].did, METERS[0].key_id),
    "h17": MemberKeys(3, 99, METERS[1].did, METERS[1].key_id),
}


def _text(timeline: Timeline, keys: dict[str, MemberKeys] = KEYS) -> str:
    return community_text(timeline, keys, RULES, TARIFF, domain=1 << 100, account=1, key_hash=7)


def test_the_file_reads_back_as_what_was_meant() -> None:
    line = hours_of([2, 17], (8, 10))
    found = read_community(_text(line))
    assert (found.domain, found.account, found.key_hash) == (1 << 100, 1, 7)
    assert found.zone_info == line.zone
    first_ms = line.times_ms[0]
    rules, tariff = found.rules_at(first_ms), found.tariff_at(first_ms)
    assert (rules.clearing, rules.timing, rules.mode) == (RULES.clearing, RULES.timing, RULES.mode)
    assert (rules.interval_ms, rules.valid_from_ms) == (line.interval_ms, first_ms)
    assert tariff.retail_utok_per_kwh == TARIFF.retail_utok_per_kwh
    assert tariff.feed_in_utok_per_kwh == TARIFF.feed_in_utok_per_kwh
    assert [(one.name, one.account, one.key_hash) for one in found.members] == [
        ("h02", 2, 1 << 250),
        ("h17", 3, 99),
    ]
    assert found.member(2).meter_key_at(METERS[0].did, METERS[0].key_id, first_ms) is not None
    assert found.member(3).connection.import_w == LEAST_W


def test_names_of_meters_may_hold_anything_printable() -> None:
    names = ('a"b', "c\\d", "Zoë 🌞")
    stands = {name: (Stand(0, 0, 0), Stand(900_000, 1, 2)) for name in names}
    line = Timeline(hours_of([2], (8, 9)).zone, 900_000, (0, 900_000), (), stands)
    keys = {
        name: MemberKeys(place + 2, place, meter.did, meter.key_id)
        for place, (name, meter) in enumerate(zip(names, METERS, strict=True))
    }
    assert tuple(one.name for one in read_community(_text(line, keys)).members) == names


def test_a_connection_is_as_wide_as_what_its_meter_shows() -> None:
    line = hours_of([2, 17], (8, 9))
    stands = {**line.stands, "h17": (Stand(0, 0, 0), Stand(900_000, 6_000, 0))}
    wide = Timeline(line.zone, line.interval_ms, line.times_ms, line.intervals, stands)
    assert read_community(_text(wide)).member(3).connection.import_w == 48_000
