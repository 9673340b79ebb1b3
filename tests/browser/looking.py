"""A page under watch: what it asks for, complains of and leaves out is what fails a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

PHONE, DESK = (360, 740), (1280, 900)
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)

_QUIET = "Failed to load resource"
"""The console repeats every status of 400 and more; tests look at those themselves."""


@dataclass
class Look:
    """A tab with what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check(self) -> None:
        """No script error, no violation of the policy, and nothing asked for off this machine."""
        assert not self.complaints
        assert {urlsplit(one).hostname for one in self.asked if "://" in one} <= {"127.0.0.1"}

    def check_fits(self) -> None:
        """Nothing to scroll to the side for."""
        wide, room = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, f"{self.page.url} is {wide} wide in {room}"

    def check_accessible(self) -> None:
        """axe finds nothing (WCAG 2.2 A and AA, best practices)."""
        found = Axe().run(self.page).response["violations"]
        told = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found]
        assert not told, f"{self.page.url}: {told}"


@contextmanager
def looking(
    browser: Browser,
    size: tuple[int, int] = DESK,
    scheme: Literal["light", "dark"] = "light",
    script: bool = True,
) -> Iterator[Look]:
    """A new profile's tab."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
        java_script_enabled=script,
    )
    context.set_default_timeout(WAIT_MS)
    look = Look(context.new_page())

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_QUIET):
            look.complaints.append(message.text)

    def on_request(request: Request) -> None:
        look.asked.append(request.url)

    look.page.on("console", on_console)
    look.page.on("pageerror", lambda error: look.complaints.append(str(error)))
    look.page.on("request", on_request)
    try:
        yield look
        look.check()
    finally:
        context.close()
