"""`--page`: the demo to watch in a browser, while it runs and after the day has ended."""

from __future__ import annotations

import json
import os
import sys
import time
import webbrowser
from collections.abc import Mapping

from rich.console import Console

from wattlane.demo.homes import Home
from wattlane.demo.plan import Plan
from wattlane.demo.processes import Children
from wattlane.demo.site import Site
from wattlane.household.serving import FILE_NAME

NODE_OPTIONS = ("--publish-flows",)
"""Of every home: its flows are in the picture."""

PAGE_OPTIONS = ("--page", "--page-port", "0")
"""Of the home whose page is shown."""

POLL_S = 0.5


def page_home(plan: Plan) -> str:
    """The home whose own page is shown: one that stays to the end."""
    return next(name for name in plan.homes if name != plan.vanishing)


def show_explorer(console: Console, url: str, opens: bool) -> None:
    """Say where the explorer is, and open it where there is a display and nobody minds."""
    console.print(f"  [bold]watch it at[/] {url}/", soft_wrap=True)
    if opens and has_display():
        webbrowser.open(url)


def show_market(console: Console, url: str) -> None:
    """Say where the market's own page is: the order book and the day's prices."""
    console.print(f"  [bold]the market's page[/] {url}/", soft_wrap=True)


def has_display() -> bool:
    """Whether a browser would be seen."""
    shown = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return shown or sys.platform in ("darwin", "win32")


def show_homes(console: Console, site: Site, homes: Mapping[str, Home], shown: str) -> None:
    """Say which home has which number, and where the page of one of them is."""
    numbers = ", ".join(f"{name} is home {home.index}" for name, home in homes.items())
    console.print(f"  in the explorer {numbers}", soft_wrap=True, highlight=False)
    link = home_link(site, shown)
    if link is not None:
        console.print(f"  [bold]{shown}'s own page[/] {link}", soft_wrap=True)


def home_link(site: Site, name: str) -> str | None:
    """The link to a home's page, while its node runs."""
    try:
        return str(json.loads((site.home(name) / FILE_NAME).read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def keep_serving(
    console: Console, children: Children, explorer: str, market: str, site: Site, shown: str
) -> None:
    """Until Ctrl-C. Raises ChildFailed for a process that ended by itself."""
    console.print("[bold]The day is over; the pages stay until Ctrl-C.[/]")
    console.print(f"  explorer {explorer}/   try: a batch, then Verify now", soft_wrap=True)
    console.print(f"  market {market}/   the order book, the day's prices", soft_wrap=True)
    link = home_link(site, shown)
    if link is not None:
        console.print(f"  {shown} {link}", soft_wrap=True)
    try:
        while True:
            children.check()
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        console.print("stopping")
