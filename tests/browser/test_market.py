"""A market's pages and a household's bill in a real browser, over a street that has traded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree

import httpx
import pytest
from playwright.sync_api import Browser, expect

from energy.bills.figures import kwh
from energy.community.rules import Side
from energy.market.api import create_app
from energy.market.service import MarketService, MeterClock
from tests.browser.looking import DESK, PHONE, looking
from tests.browser.serving import served
from tests.energy.bills.street_files import closed_on_l1, trading, write_files
from tests.energy.community.streets import START_MS
from tests.energy.market.served import Served
from tests.energy.market.street import community_of, quarter
from tests.support.services import free_port
from wattlane.billing import home_bill
from wattlane.household.app import HouseholdPages
from wattlane.household.batches import Seen
from wattlane.household.guard import Guard
from wattlane.household.outlook import Household
from wattlane.market_pages.app import add_market_pages

ODD = "<img src=x onerror=alert(1)>"


async def _trade(market: Served) -> None:
    """One quarter of an hour settled, in which home 2 needed nothing; half of the next one under
    way."""
    street, client = market.street, market.client
    await market.begin_to_trade()
    await client.submit(street.order(2, Side.BUY, 200_000, until_ms=quarter(1)))
    await market.first_quarter()
    await client.submit(street.order(3, Side.BUY, 300_000, green_only=True, preferred=(2,)))
    half = (quarter(1) + quarter(2)) // 2
    for home, shown in {1: (0, 1_400), 2: (0, 500), 3: (1_100, 0)}.items():
        await client.submit(street.reading(home, half, *shown))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A market with a home that has an odd name."""
    community = community_of(name=ODD)
    market = Served(tmp_path_factory.mktemp("market"), community)
    with ThreadPoolExecutor(1) as apart:  # Playwright has this thread's event loop
        apart.submit(asyncio.run, _trade(market)).result()
    app = create_app(market.service)
    add_market_pages(app, market.service)
    with served(app) as found:
        yield found
    market.service.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"]
)
def test_every_page_fits_is_accessible_and_keeps_to_itself(
    browser: Browser, url: str, size: tuple[int, int], scheme: str
) -> None:
    with looking(browser, size, "dark" if scheme == "dark" else "light") as look:
        for path in ("/", "/book", f"/intervals/{quarter(0)}", "/homes/3", "/homes/1", "/homes/99"):
            look.page.goto(url + path)
            expect(look.page.get_by_role("heading", level=1)).to_be_visible()
            look.check_fits()
            look.check_accessible()
        expect(look.page.get_by_role("heading", name="Not here")).to_be_visible()


def test_from_the_days_prices_to_a_home_by_keyboard(browser: Browser, url: str) -> None:
    with looking(browser) as look:
        page = look.page
        page.goto(url)
        expect(page.get_by_role("definition").first).to_contain_text("700 Wh")
        expect(page.get_by_role("img", name="Traded 700 Wh")).to_be_visible()
        page.get_by_text("As a table").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Trades")).to_be_visible()
        expect(page.get_by_role("heading", name="Settlement")).to_be_visible()
        expect(page.get_by_role("heading", name="What was not, and why")).to_be_visible()
        why = page.get_by_role("listitem").filter(has_text="its meter shows no need to buy")
        expect(why).to_have_count(1)
        page.get_by_role("link", name="Order book").click()
        sells = page.get_by_role("region", name="Who sells")
        expect(sells.get_by_role("row")).to_have_count(3)
        buys = page.get_by_role("region", name="Who buys")
        expect(buys).to_contain_text("0.25")
        buys.get_by_role("link").first.click()
        expect(page.get_by_text("account 3")).to_be_visible()
        orders = page.get_by_role("region", name="Orders").get_by_role("row")
        expect(orders).to_have_count(3)
        for place, limit, energy in ((1, "0.3", "all"), (2, "0.25", "700 Wh")):  # the newest first
            cells = orders.nth(place).get_by_role("cell")
            expect(cells).to_have_text([str(3 - place), "buy", limit, energy, "standing"])
        owed = page.get_by_role("region", name="Owed and earned")
        expect(owed.get_by_role("row")).to_have_count(3)


def test_days_can_be_walked_and_what_makes_no_sense_is_said(browser: Browser, url: str) -> None:
    with looking(browser) as look:
        page = look.page
        page.goto(url)
        expect(page.get_by_role("link", name="The day")).to_have_count(0)  # its first and its last
        page.goto(url + "/?day=2026-06-02")
        expect(page.get_by_role("heading", name="Nothing was traded")).to_be_visible()
        page.get_by_role("link", name="The day before").click()
        expect(page.get_by_role("img", name="Traded 700 Wh")).to_be_visible()
        for path, status in (("/?day=x", 400), ("/?day=2026-05-31", 404), ("/intervals/7", 404)):
            answer = page.goto(url + path)
            assert answer is not None
            assert answer.status == status


def test_without_a_community_it_says_how_one_begins(browser: Browser, tmp_path: Path) -> None:
    service = MarketService.open(tmp_path, MeterClock(START_MS))
    app = create_app(service)
    add_market_pages(app, service)
    with served(app) as url, looking(browser, PHONE) as look:
        look.page.goto(url)
        expect(look.page.get_by_role("heading", name="Not founded yet")).to_be_visible()
        look.check_fits()
        look.check_accessible()
    service.close()


def test_pages_come_with_a_policy_and_leave_the_interface_alone(url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False) as http:
        page = http.get("/")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert ODD not in page.text
        assert http.get("/static/nothing").status_code == 404
        assert http.get("/v1/info").json()["name"] == ODD
        assert http.get("/v1/nothing").headers["content-type"] == "application/problem+json"


def test_a_household_sees_its_bill_and_each_lines_grounds(browser: Browser, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as apart:
        files = apart.submit(asyncio.run, write_files(tmp_path, trading())).result()
    port = free_port()
    guard = Guard(port)
    home = Household(files.home, "http://127.0.0.1:1", "http://127.0.0.1:1")
    made, _ = home_bill(files.home, files.journal)
    trade, seen = made.lines[0], [Seen(None, "no connection")]

    async def on_l1() -> Seen:
        return seen[0]

    pages = HouseholdPages(home, guard, on_l1=on_l1)
    with served(pages.app(), port) as url, looking(browser, PHONE, "dark") as look:
        page = look.page
        page.goto(f"{url}/#{guard.token}")
        page.get_by_role("link", name="Bill").click()
        expect(page.get_by_text("This home follows no market yet")).to_be_visible()
        look.check_accessible()
        copytree(files.journal, files.home / "market")
        page.reload()
        expect(page.get_by_role("heading", name="Bill of no. 3 for 2026-06")).to_be_visible()
        expect(page.get_by_text("Saved by the community")).to_be_visible()
        page.get_by_text("8 lines").click()
        expect(page.get_by_text("8. ")).to_be_visible()
        line, metered = page.get_by_role("listitem").first, made.entries[0].metered
        assert metered is not None
        for grounds in (
            f"1. trade {kwh(trade.energy_wh)} kWh, no. {trade.other}",
            f"rules 1; readings {metered.first.hex()[:12]} {metered.last.hex()[:12]}",
            f"settlement {made.entries[0].settlement.hex()[:12]} (entry {made.entries[0].place})",
            f"clearing {made.entries[0].clearing.hex()[:12]}",
            f"order {trade.order.hex()[:12]}; {trade.payment.channel_id:#x}",
        ):
            expect(line).to_contain_text(grounds)
        expect(line.get_by_role("link")).to_have_count(0)
        expect(page.get_by_text("the batches behind it: no connection.")).to_be_visible()
        seen[0] = Seen(closed_on_l1(made, 3))
        page.reload()
        page.get_by_text("8 lines").click()
        batch = line.get_by_role("link", name="3", exact=True)
        expect(batch).to_have_attribute("href", "http://127.0.0.1:1/batches/3")
        expect(page.get_by_text("opened in batch 2, settled in batch 3").first).to_be_visible()
        expect(page.get_by_text("the batches behind it")).to_have_count(0)
        look.check_accessible()
        look.check_fits()
        page.get_by_role("link", name="2026-05").click()
        expect(page.get_by_text("nothing was settled for account 3 in 2026-05")).to_be_visible()
