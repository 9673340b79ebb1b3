"""The household's page in a real browser, over real nodes: its day, its states, the way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from protocol.units import DAY_S
from tests.browser.household import START_NTOK, TOKEN, House, housed
from tests.browser.looking import DESK, PHONE, looking

NOW = 2_000_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("house")


@pytest.fixture(scope="module")
def house(browser: Browser, folder: Path) -> Iterator[House]:
    with housed(folder) as house:
        yield house


def unlock(page: Page, house: House) -> None:
    page.goto(house.link)
    expect(page.get_by_role("heading", name="Your day")).to_be_visible()
    assert "#" not in page.url  # the key does not stay in the address


def test_without_its_link_it_says_nothing(browser: Browser, house: House) -> None:
    with looking(browser, PHONE) as look:
        page = look.page
        for path in ("/", "/leave", "/live/day", "/nowhere"):
            page.goto(house.url + path)
            expect(page.get_by_role("heading", name="This page needs its link")).to_be_visible()
        look.check_accessible()
        look.check_fits()
        page.get_by_label("The part after the #").fill("guess")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_contain_text("is not, or no longer")
        unlock(page, house)
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_foreign_names_other_pages_and_stale_forms_are_refused(house: House) -> None:
    with httpx.Client(base_url=house.url, trust_env=False) as http:
        assert http.get("/", headers={"host": "evil.example"}).status_code == 421
        assert http.get("/static/wattlane.css", headers={"host": "evil"}).status_code == 421
        assert house.guard is not None
        right = {"token": house.guard.token}
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            assert http.post("/session", data=right, headers=headers).status_code == 403
        assert http.post("/session", content=b"token=" + b"x" * 9_000).status_code == 401
        opened = http.post("/session", data=right)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert http.post("/leave/collect", data={"form_token": "stale"}).status_code == 403
        form = {"form_token": house.guard.form_token(http.cookies[house.guard.cookie])}
        assert http.post("/leave/rob", data=form).status_code == 404
        assert http.post("/leave/close", data={**form, "subject": "9" * 41}).status_code == 404
        day = http.get("/")
        assert "default-src 'none'" in day.headers["content-security-policy"]
        assert http.get("/nowhere").status_code == 404


def test_the_day_shows_what_was_traded(browser: Browser, house: House) -> None:
    with looking(browser) as look:
        page = look.page
        page.clock.install()
        unlock(page, house)
        expect(page.get_by_text("Nothing was traded yet")).to_be_visible()
        expect(page.get_by_text("Nobody watches while your node is off")).to_be_visible()
        house.do(house.trade())
        page.clock.run_for(6_000)
        expect(page.locator("rect.sold")).to_have_count(1)
        expect(page.locator("rect.bought")).to_have_count(1)
        tiles = page.locator(".tile dd")
        expect(tiles.nth(0)).to_contain_text("850 Wh")
        expect(tiles.nth(1)).to_contain_text("1,720 Wh")
        expect(tiles.nth(2)).to_contain_text("−0.1740")
        page.get_by_text("As a table").click()
        expect(page.get_by_role("cell", name="0.1700")).to_be_visible()
        look.check_accessible()
        page.get_by_role("link", name="The last hour").click()
        expect(page.get_by_role("heading", name="Energy by the minute")).to_be_visible()
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        look.check_fits()


def shown(page: Page, house: House, level: str) -> None:
    house.do(house.until_level(level))
    page.clock.run_for(6_000)
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Home 1"))
    expect(row.locator(".mark")).to_have_text(level)


def test_a_channel_is_marked_as_far_as_it_has_come(browser: Browser, house: House) -> None:
    assert house.channel is not None
    house.rollup.seals_itself = False
    with looking(browser, PHONE) as look:
        page = look.page
        page.clock.install()
        unlock(page, house)
        shown(page, house, "final")
        house.do(house.channel.top_up(TOKEN, wait=False))
        shown(page, house, "soft")
        house.rollup.prove()
        shown(page, house, "proved")
        house.rollup.seal()
        shown(page, house, "final")
        look.check_fits()
        look.check_accessible()
    house.rollup.seals_itself = True


def test_a_node_that_is_not_there_is_waited_for(
    browser: Browser, house: House, folder: Path
) -> None:
    with looking(browser) as look:
        page = look.page
        page.clock.install()
        unlock(page, house)
        house.do(house.sleep_control())
        page.goto(house.url)
        expect(page.get_by_role("heading", name="Your node is not ready")).to_be_visible()
        page.goto(f"{house.url}/leave")
        expect(page.get_by_role("heading", name="Start your node")).to_be_visible()
        expect(page.get_by_text("wattlane node run --folder")).to_be_visible()
        page.goto(house.url)
        house.do(house.wake_control(folder))
        page.clock.run_for(4_000)
        expect(page.get_by_text("Energy by the hour")).to_be_visible()


def test_the_way_out_follows_how_things_stand(browser: Browser, house: House) -> None:
    assert house.l1 is not None
    calm = house.l1
    with looking(browser, PHONE, "dark") as look:
        page = look.page
        unlock(page, house)
        house.rollup.is_down = True
        page.goto(f"{house.url}/leave")
        expect(page.get_by_role("heading", name="Leave through L1")).to_be_visible()
        expect(page.get_by_role("button", name="Close through L1")).to_be_visible()
        expect(page.get_by_text("wattlane force exit")).to_be_visible()
        look.check_fits()
        look.check_accessible()
        house.l1 = replace(calm, exodus_from=NOW - 1)
        page.reload()
        expect(page.get_by_text("anyone may start the exodus now")).to_be_visible()
        house.l1 = replace(calm, exodus_start=NOW - DAY_S)
        page.reload()
        expect(page.get_by_role("heading", name="The exodus has started")).to_be_visible()
        expect(page.get_by_text("wattlane exit --folder")).to_be_visible()
        house.rollup.is_down, house.l1 = False, None
        page.reload()
        expect(page.get_by_role("heading", name="Leave together")).to_be_visible()
        house.l1 = calm


def test_leaving_together_by_keyboard_until_all_is_out(browser: Browser, house: House) -> None:
    """Last: afterwards the house has left."""
    with looking(browser, DESK) as look:
        page = look.page
        page.clock.install()
        unlock(page, house)
        page.goto(f"{house.url}/leave")
        expect(page.get_by_text("you get 20.8260 tokens")).to_be_visible()
        look.check_accessible()
        page.get_by_role("button", name="Close together").focus()
        page.keyboard.press("Enter")
        for _ in range(200):
            page.clock.run_for(6_000)
            if page.get_by_role("button", name="Withdraw").count():
                break
            page.wait_for_timeout(50)
        expect(page.get_by_text("Closed, and final on L1.")).to_be_visible()
        withdraw = page.get_by_role("button", name="Withdraw 99.82")
        withdraw.focus()
        page.keyboard.press("Enter")
        out = page.get_by_role("heading", name="You are out")
        for _ in range(200):
            page.clock.run_for(6_000)
            if out.count():
                break
            page.wait_for_timeout(50)
        expect(out).to_be_visible()
    left = house.rollup.final.account(0).balance_ntok
    assert left < TOKEN < START_NTOK
