"""`wattlane market`: orders are signed and seen, and a journal is computed again."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner

from channels.wallet import Wallet
from energy.community.community_text import community_text
from energy.community.document import community_digest, encode_community
from energy.community.rules import Side
from energy.errors import EntryDoesNotFollow
from energy.market.api import create_app
from energy.market.journal import FILE_NAME, Journal
from energy.market.process import MarketSettings
from energy.market.service import MarketService, MeterClock
from energy.signed import Signed, encode_signed, message
from tests.energy.community.streets import START_MS
from tests.energy.market.journals import KEY, entry
from tests.energy.market.street import Street, community_of, quarter
from wattlane.cli.market import app
from wattlane.errors import BadChoice
from wattlane.market_check import recompute
from wattlane.market_orders import minute_of_day
from wattlane.money import parse_energy, parse_price


@cache
def opened(folder: Path | str, _passphrase: str = "") -> Wallet:
    """The wallet of a folder, its keys made from the folder's name."""
    name = Path(folder).name
    return Wallet(Path(folder), hashlib.sha256(name.encode()).digest()[:16])


class Thread(threading.Thread):
    """A market that answers on a loopback port until it is told to stop."""

    def __init__(self, folder: Path, founds: bytes) -> None:
        super().__init__(daemon=True)
        self.service = MarketService.open(folder, MeterClock(START_MS), founds=founds)
        config = uvicorn.Config(create_app(self.service), port=0, log_config=None, lifespan="off")
        self.server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve."""
        self.server.run()

    @property
    def url(self) -> str:
        """Where it answers, once it does."""
        while not self.server.started:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Thread]:
    """A founded market whose homes 1, 2 and 3 have the wallets of folders of these names."""
    monkeypatch.setattr(Wallet, "load", opened)
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "correct horse")
    plain = community_of()
    homes = tuple(replace(one, key_hash=opened(str(one.account)).key_hash) for one in plain.members)
    community = replace(plain, members=homes, key_hash=opened("own").key_hash)
    served = Thread(tmp_path / "market", community_digest(community))
    monkeypatch.setenv("WATTLANE_MARKET", "")
    served.start()
    document = encode_community(community)
    signature = opened("own").sign(message(document, community.domain))
    founding = encode_signed(Signed(document, signature))
    httpx.post(f"{served.url}/v1/documents", content=founding, trust_env=False).raise_for_status()
    yield served
    served.server.should_exit = True
    served.join()
    served.service.close()


def wattlane(*arguments: str, folder: str = "1") -> str:
    """What a command of a home says."""
    done = CliRunner().invoke(app, [*arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def order(market: Thread, home: str, *arguments: str) -> str:
    """The name of a new order of a home."""
    said = wattlane("order", *arguments, "--market", market.url, "--folder", home)
    return said.split()[1]


def test_an_order_is_placed_changed_shown_and_cancelled(market: Thread) -> None:
    first = order(market, "1", "sell", "--limit", "0.1", "--day-from", "9:00")
    order(market, "3", "buy", "--limit", "0.25", "--energy", "0.5", "--green", "--budget", "1.5")
    shown = wattlane("book", "--market", market.url, "--account", "3")
    assert "0.250000" in shown
    assert "0.500" in shown
    assert "green energy alone, at most 1.500000000 tokens a day" in shown
    second = order(market, "1", "sell", "--limit", "0.12", "--prefer", "3", "--replaces", first)
    own = wattlane("book", "--market", market.url, "--account", "1")
    assert own.index(second) < own.index(first)
    assert "rather with 3" in own
    assert "replaced" in own
    wattlane("cancel", second, "--market", market.url, "--folder", "1")
    assert "cancelled" in wattlane("book", "--market", market.url, "--account", "1")
    standing = wattlane("book", "--market", market.url)
    assert "3 no. 3" in standing
    assert second not in standing


def test_who_is_no_member_orders_nothing(market: Thread) -> None:
    with pytest.raises(BadChoice, match="signs for no home of Sunny Street"):
        order(market, "stranger", "sell")
    assert "no order stands" in wattlane("book", "--market", market.url)


@pytest.mark.parametrize("text", ["", "1,5", "0.1234567", "-1", "1e3"])
def test_prices_and_energies_are_exact_or_refused(text: str) -> None:
    for parse in (parse_price, parse_energy):
        with pytest.raises(BadChoice):
            parse(text)
    assert (parse_price("0.25"), parse_price("3"), parse_energy("1.5")) == (
        250_000,
        3 * 10**6,
        1500,
    )


@pytest.mark.parametrize("text", ["25:00", "7", "7:60", "24:01", "a:00"])
def test_times_of_day_are_read_or_refused(text: str) -> None:
    with pytest.raises(BadChoice):
        minute_of_day(text)
    assert (minute_of_day("7:30"), minute_of_day("24:00")) == (450, 1440)


def test_a_journal_is_computed_again_from_the_market_and_from_a_copy(
    market: Thread, tmp_path: Path
) -> None:
    order(market, "1", "sell", "--limit", "0.1")
    street = Street()
    for number in (0, 1):
        for home in (1, 2, 3):
            document = street.reading(home, quarter(number), 0, 500 * number)
            answer = httpx.post(f"{market.url}/v1/documents", content=document, trust_env=False)
            answer.raise_for_status()
    copy = tmp_path / "copy"
    said = wattlane("recompute", market.url, "--keep", str(copy))
    assert (
        "entries      10: 1 clearing, 1 community, 1 order, 1 settlement, 6 wattlane/reading"
        in said
    )
    assert "zero in every interval" in said
    assert wattlane("recompute", str(copy)) == said
    with sqlite3.connect(copy / FILE_NAME) as raw:
        raw.execute("DELETE FROM entries WHERE seq = 10")
    assert wattlane("recompute", str(copy)) != said
    with sqlite3.connect(copy / FILE_NAME) as raw:
        raw.execute("UPDATE entries SET document = x'a0' WHERE seq = 4")
    with pytest.raises(Exception, match="entry 4 of the journal does not follow"):
        wattlane("recompute", str(copy))


def test_the_first_entry_that_does_not_follow_is_named() -> None:
    street = Street()
    street.begin()
    false = entry(street.entries[-1], street.order(1, Side.SELL, 5, number=7), START_MS)
    with pytest.raises(EntryDoesNotFollow, match="entry 6 of the journal does not") as caught:
        recompute(KEY.public, iter([*street.entries, false]), lambda _done, _of: None, 6)
    assert caught.value.seq == 6
    with pytest.raises(BadChoice, match="no entries yet"):
        recompute(KEY.public, iter([]), lambda _done, _of: None, 0)


def test_a_market_is_founded_by_the_community_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a file of its own or the one in its folder; a journal that has begun needs neither."""
    asked: list[MarketSettings] = []

    async def noted(settings: MarketSettings, *_pages: object) -> None:
        asked.append(settings)

    monkeypatch.setattr("energy.market.process.run_market", noted)
    folder, other = tmp_path / "market", tmp_path / "other.toml"
    here, there = community_of(), community_of(name="Another Street")
    other.write_text(community_text(there), encoding="utf-8")
    wattlane("run", "--folder", str(folder))
    wattlane("run", "--folder", str(folder), "--community", str(other))
    folder.mkdir()
    (folder / "community.toml").write_text(community_text(here), encoding="utf-8")
    wattlane("run", "--folder", str(folder))
    journal = Journal(folder, KEY.public)
    journal.append([entry(None, encode_community(here), START_MS)])
    journal.close()
    (folder / "community.toml").write_text("no toml", encoding="utf-8")
    wattlane("run", "--folder", str(folder))
    expected = [None, community_digest(there), community_digest(here), None]
    assert [one.founds for one in asked] == expected
