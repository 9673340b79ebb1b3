"""A meter that shares: the market gets what it needs once, and recording never waits for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from energy.community.community import Community
from energy.community.members import MeterKey
from energy.community.rules import PaymentMode, Rules
from energy.errors import DoesNotOpen
from energy.market.client import MarketClient
from energy.market.market import fold, kind_of
from energy.meters import meter_key
from energy.meters.reading import TYPE as READING
from energy.meters.reading import decode_reading
from energy.meters.recording import Recorder, close_days, show_alone
from energy.meters.sample import Clock, Sample
from energy.meters.signing import MeterSigner
from energy.meters.store import MeterStore
from tests.energy.community.streets import START_MS, member
from tests.energy.market.served import Served
from tests.energy.market.street import community_of
from tests.energy.meters.chains import signer_of
from wattlane.errors import BadChoice
from wattlane.meter_check import check_shown, meter_in_folder, root_in_journal
from wattlane.meter_run import share
from wattlane.meter_settings import MeterFile

MINUTE_MS = 60_000
SETTINGS = MeterFile(zone="Europe/Berlin", import_w=10_000, export_w=10_000)


def with_meter(signer: MeterSigner, mode: PaymentMode) -> Community:
    """The street, in which home 1 has this meter."""
    key = MeterKey(signer.did, signer.key_id, START_MS - 1)
    homes = tuple(member(home, meters=(key,)) if home == 1 else member(home) for home in (1, 2, 3))
    return community_of(members=homes, rules=(Rules(1, START_MS, mode=mode),))


def record(folder: Path, store: MeterStore, minutes: range) -> None:
    signer = meter_key.load(folder)
    recorder = Recorder(store, signer, meter_in_folder(folder, signer.did, SETTINGS))
    samples = [
        Sample(START_MS + minute * MINUTE_MS, Clock.SYNCHRONISED, minute * 3, minute)
        for minute in minutes
    ]
    recorder.take(samples, START_MS + 10**12)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PaymentMode.STREAMING, list(range(0, 46, 5))),
        (PaymentMode.SLOT, [0, 15, 30, 45]),
    ],
)
async def test_a_market_gets_what_it_pays_by(
    tmp_path: Path, mode: PaymentMode, expected: list[int]
) -> None:
    signer = meter_key.create(tmp_path)
    served = Served(tmp_path / "market", with_meter(signer, mode))
    await served.begin()
    said: list[str] = []
    with MeterStore(tmp_path, signer.did) as store:
        record(tmp_path, store, range(0, 31, 5))
        first = await share(store, served.client, said.append)
        record(tmp_path, store, range(35, 46, 5))
        second = await share(store, served.client, said.append)
        assert await share(store, served.client, said.append) == 0
    assert (first + second, said) == (len(expected), [])
    entries = list(served.service.journal.entries())
    shown = [decode_reading(one.document) for one in entries if kind_of(one.document) == READING]
    assert [(one.end_ms - START_MS) // MINUTE_MS for one in shown] == expected
    assert fold(entries).measuring.newest(signer.did) == shown[-1]
    served.service.close()


async def test_a_disputed_reading_is_held_against_the_journals_root(tmp_path: Path) -> None:
    signer = meter_key.create(tmp_path)
    served = Served(tmp_path / "market", with_meter(signer, PaymentMode.SLOT))
    await served.begin()
    with MeterStore(tmp_path, signer.did) as store:
        record(tmp_path, store, range(0, 25 * 60, 60))
        (day,) = close_days(store, signer, SETTINGS.days_in)
        assert await share(store, served.client, print) == 25
        shown = show_alone(store, 9, SETTINGS.days_in)
        other = show_alone(store, 8, SETTINGS.days_in)
        assert await share(store, served.client, print) == 0
    served.service.close()
    assert root_in_journal(tmp_path / "market", shown) == day
    members = served.street.community.members
    assert check_shown(shown, day, members, START_MS + 10**12) == "no. 1 (account 1)"
    with pytest.raises(DoesNotOpen):
        check_shown(replace(shown, path=other.path), day, members, START_MS + 10**12)
    missing = replace(shown, reading=replace(shown.reading, end_ms=day.end_ms))
    with pytest.raises(BadChoice, match="no root of that day"):
        root_in_journal(tmp_path / "market", missing)
    with pytest.raises(BadChoice, match="no home of the community"):
        check_shown(shown, day, members[1:], START_MS + 10**12)


async def test_what_a_market_refuses_is_said_and_tried_again(tmp_path: Path) -> None:
    """It does not know the meter; then it does not answer. The records are there all the same."""
    signer = meter_key.create(tmp_path)
    served = Served(tmp_path / "market", with_meter(signer_of(9), PaymentMode.STREAMING))
    await served.begin()
    said: list[str] = []
    with MeterStore(tmp_path, signer.did) as store:
        record(tmp_path, store, range(0, 16, 5))
        assert await share(store, served.client, said.append) == 0
        assert "not shared yet" in said[0]
        assert store.shared_to(served.client.url) == -1
        transport = httpx.MockTransport(_unreachable)
        client = MarketClient("http://market", attempts=1, transport=transport)
        assert await share(store, client, said.append) == 0
        assert len(said) == 2
        assert store.count() == 4
    served.service.close()


def _unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=request)
