"""The explorer in a real browser: its main paths, its empty, loading and error states."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from protocol.codec import Json
from sequencer.api.app import create_app
from sequencer.api.services import Info, IsWell, Services
from sequencer.errors import CheckStopped
from sequencer.pages.options import PageOptions
from sequencer.pages.verifying import Check, VerifyDesk
from sequencer.views import Views
from tests.browser.looking import DESK, PHONE, looking
from tests.browser.serving import served
from tests.browser.street import FINAL, OPEN, PROVED, Street
from tests.sequencer.world import World

CONTRACT = "0x" + "5f" * 20


@dataclass
class Site:
    """A served explorer. `go`: the check of a batch waits for it after its first step."""

    street: Street
    services: Services
    url: str
    go: threading.Event
    ailments: dict[str, str] = field(default_factory=dict)


class Ailing(IsWell):
    """Says what the test says."""

    def __init__(self, ailments: dict[str, str]) -> None:
        self.ailments = ailments

    def report(self) -> Json:
        return {"status": "degraded" if self.ailments else "ok", "ailments": dict(self.ailments)}


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    street = Street(tmp_path_factory.mktemp("street") / "sequencer.db")
    go, ailments = threading.Event(), dict[str, str]()

    async def verify(number: int) -> AsyncIterator[Check]:
        yield Check("data", None, True, "<b>bold</b> data", 0.25)
        await asyncio.to_thread(go.wait, 60)
        if number == 1:
            yield Check("replay", 1, False, "the new root is another", 0.5)
        elif number == 2:
            raise CheckStopped("L1 does not answer.")
        else:
            yield Check("proof, by py_ecc", 1, True, "the pairing equation holds", 1.5)

    ledger = street.world.ledger
    services = Services(
        ledger,
        Views(ledger),
        Info(31_337, CONTRACT, True),
        Ailing(ailments),
        pages=PageOptions(CONTRACT, None, VerifyDesk(verify)),
    )
    with served(create_app(services)) as url:
        yield Site(street, services, url, go, ailments)
    street.world.close()


DARK_TOO = ("/", f"/batches/{FINAL}")
ALL_LIGHT = (*DARK_TOO, "/homes", "/homes/0", "/channels/1", "/search?q=4", "/search", "/nowhere")
"""Pages that axe looks at; the others differ in nothing that it sees."""


def paths(site: Site) -> tuple[str, ...]:
    return (
        "/",
        "/batches",
        f"/batches/{FINAL}",
        f"/batches/{OPEN}",
        "/homes",
        "/homes/0",
        "/homes/2",
        "/channels/1",
        f"/transactions/{site.street.close_id}",
        "/search?q=4",
        "/search?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "/search",
        "/batches?below=1",
        "/nowhere",
    )


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone-dark", "desk-light"]
)
def test_every_page_fits_is_accessible_and_keeps_to_itself(
    browser: Browser, site: Site, size: tuple[int, int], scheme: str
) -> None:
    dark = scheme == "dark"
    with looking(browser, size, "dark" if dark else "light") as look:
        for path in paths(site):
            look.page.goto(site.url + path)
            look.check_fits()
            if path in (DARK_TOO if dark else ALL_LIGHT):
                look.check_accessible()
            ground = look.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (int(ground.removeprefix("rgb(").split(",")[0]) < 60) == dark


def test_the_picture_moves_with_what_homes_report(browser: Browser, site: Site) -> None:
    board, street = site.services.flows, site.street
    with looking(browser) as look:
        page = look.page
        page.clock.install()
        page.goto(site.url)
        expect(page.get_by_text("No home reports what flows")).to_be_visible()
        for bought_wh in (1_000, 1_750):
            street.report(board, 3, 0, bought_wh)
        page.clock.run_for(3_000)
        expect(page.get_by_text("sold 750 Wh")).to_be_visible()
        expect(page.locator(".flow.strength-4")).to_have_count(1)
        expect(page.locator("#flow-sum")).to_have_text("750 Wh, ")
        seller = page.locator("a.home.sells")
        expect(seller).to_have_attribute("data-index", "0")
        seller.click()
        expect(page.get_by_role("heading", name="Home 0")).to_be_visible()


def test_the_overview_follows_and_can_be_paused(browser: Browser, site: Site) -> None:
    street = site.street
    with looking(browser) as look:
        page = look.page
        page.clock.install()
        page.goto(site.url)
        events = page.locator("#live .list > li")
        before, asked = events.first.inner_text(), len(look.asked)
        page.get_by_role("button", name="Pause updates").press("Enter")
        street.send(7)
        page.clock.run_for(10_000)
        assert len(look.asked) == asked
        page.get_by_role("button", name="Pause updates").press("Enter")
        page.clock.run_for(4_000)
        expect(events.first).not_to_have_text(before)
        site.ailments["l1"] = "no connection"
        page.clock.run_for(4_000)
        expect(page.get_by_role("heading", name="Not all is well")).to_be_visible()
        expect(page.get_by_text("L1 does not answer")).to_be_visible()
        site.ailments.clear()
        page.clock.run_for(4_000)
        expect(page.get_by_role("heading", name="Not all is well")).to_have_count(0)


def test_a_server_that_is_gone_is_missed_and_found_again(browser: Browser, site: Site) -> None:
    with looking(browser) as look:
        page = look.page
        page.clock.install()
        page.goto(site.url)
        gone = page.get_by_role("heading", name="No answer")
        expect(gone).to_be_hidden()
        page.route("**/live/**", lambda route: route.abort())
        page.clock.run_for(4_000)
        expect(gone).to_be_visible()
        page.unroute_all()
        page.clock.run_for(4_000)
        expect(gone).to_be_hidden()
        assert {one.split()[0] for one in look.complaints} <= {
            "htmx:sendError",
            "htmx:afterRequest",
        }
        look.complaints.clear()


def test_a_batch_is_verified_before_ones_eyes(browser: Browser, site: Site) -> None:
    with looking(browser) as look:
        page = look.page
        page.goto(f"{site.url}/batches/{FINAL}")
        steps = page.locator("#steps > li")
        page.get_by_role("button", name="Verify now").click()
        expect(steps).to_have_count(1)  # while the rest is still being checked
        expect(page.locator("#verify-status")).to_have_text("1 checks so far")
        expect(steps.first).to_contain_text("<b>bold</b> data")
        site.go.set()
        expect(page.get_by_role("heading", name="It holds")).to_be_visible()
        expect(steps).to_have_count(2)
        expect(page.get_by_text(f"wattlane verify-batch {FINAL}")).to_be_visible()
        for number, verdict in ((1, "It does not hold"), (2, "could not be finished")):
            page.goto(f"{site.url}/batches/{number}")
            page.get_by_role("button", name="Verify now").click()
            expect(page.get_by_role("heading", name=verdict)).to_be_visible()
        page.route("**/verify", lambda route: route.abort())
        page.get_by_role("button", name="Verify now").click()
        expect(page.get_by_role("heading", name="could not be started")).to_be_visible()
        page.goto(f"{site.url}/batches/{PROVED}")
        expect(page.get_by_text("as soon as L1 has accepted the batch")).to_be_visible()
        expect(page.get_by_role("button", name="Verify now")).to_have_count(0)


def test_all_of_it_is_reached_by_keyboard(browser: Browser, site: Site) -> None:
    def tab_to(page: Page, name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()"
            )
            if here == name:
                ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert ring == "solid", f"{name} does not show that it has the focus"
                return
        raise AssertionError(f"no Tab leads to {name}")

    site.go.set()
    with looking(browser) as look:
        page = look.page
        page.goto(site.url)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.goto(site.url)
        tab_to(page, "Batches")
        page.keyboard.press("Enter")
        page.wait_for_url("**/batches")
        tab_to(page, str(FINAL))
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/batches/{FINAL}")
        tab_to(page, "Verify now")
        page.keyboard.press("Space")
        expect(page.get_by_role("heading", name="It holds")).to_be_visible()
        page.get_by_role("searchbox").focus()
        page.keyboard.type(site.street.close_id)
        page.keyboard.press("Enter")
        page.wait_for_url("**/transactions/*")
        expect(page.get_by_text("Homes 0 and 1 settle 16.950 kWh together.")).to_be_visible()


def test_marks_say_soft_proved_and_final(browser: Browser, site: Site) -> None:
    with looking(browser, script=False) as look:
        page = look.page
        page.goto(f"{site.url}/homes/0")
        expect(page.locator("main h1 + .mark")).to_have_text("proved")
        expect(page.locator("tbody .mark")).to_have_text(["final", "proved", "soft", "proved"])
        page.goto(f"{site.url}/transactions/{site.street.close_id}")
        expect(page.locator(".rung.reached")).to_have_count(3)
        page.goto(f"{site.url}/batches/{PROVED}")
        expect(page.locator(".rung.reached")).to_have_count(2)
        page.goto(f"{site.url}/batches/{FINAL}")
        expect(page.get_by_text("Without scripts, run the command below")).to_be_visible()


def test_a_rollup_with_nothing_in_it(browser: Browser, tmp_path: Path) -> None:
    world = World(tmp_path / "empty.db")
    services = Services(world.ledger, Views(world.ledger), Info(1, CONTRACT, True))
    with served(create_app(services)) as url, looking(browser, PHONE) as look:
        page = look.page
        page.goto(url)
        expect(page.get_by_text("No channel is open")).to_be_visible()
        expect(page.get_by_text("Nothing yet")).to_be_visible()
        look.check_accessible()
        look.check_fits()
        page.goto(f"{url}/homes")
        expect(page.get_by_text("No home here")).to_be_visible()
        page.goto(f"{url}/batches/1")
        expect(page.get_by_text("Transactions appear as homes send them")).to_be_visible()
    world.close()
