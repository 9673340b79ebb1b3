from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from wattlane.demo import showing
from wattlane.demo.homes import Home
from wattlane.demo.plan import Plan
from wattlane.demo.processes import ChildFailed, Children
from wattlane.demo.site import Site


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_home_that_is_shown_stays_to_the_end() -> None:
    for vanishing, shown in (("anna", "bert"), ("bert", "anna"), (None, "anna")):
        plan = cast(Plan, SimpleNamespace(homes=("anna", "bert"), vanishing=vanishing))
        assert showing.page_home(plan) == shown


def test_a_browser_is_opened_only_where_it_would_be_seen(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    showing.show_explorer(console, "http://127.0.0.1:1", opens=True)
    monkeypatch.setenv("DISPLAY", ":0")
    showing.show_explorer(console, "http://127.0.0.1:2", opens=False)
    assert opened == []
    showing.show_explorer(console, "http://127.0.0.1:3", opens=True)
    assert opened == ["http://127.0.0.1:3"]
    assert said(console).count("watch it at http://127.0.0.1:") == 3


def test_names_numbers_and_links_are_said(console: Console, tmp_path: Path) -> None:
    site = Site(tmp_path, "secret words")
    homes = {"anna": Home("anna", None, None, 3)}  # type: ignore[arg-type]
    showing.show_homes(console, site, homes, "anna")
    assert "anna is home 3" in said(console)
    assert "own page" not in said(console)
    site.home("anna").mkdir(parents=True)
    (site.home("anna") / "page.json").write_text('{"url": "http://127.0.0.1:5/#key"}')
    showing.show_homes(console, site, homes, "anna")
    assert "anna's own page http://127.0.0.1:5/#key" in said(console)
    assert "secret" not in said(console)


def test_pages_stay_until_ctrl_c_or_until_a_process_ends(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(showing, "POLL_S", 0.0)
    children = cast(Children, SimpleNamespace(check=check))
    site = Site(tmp_path, "")
    showing.keep_serving(
        console, children, "http://127.0.0.1:1", "http://127.0.0.1:2", site, "anna"
    )
    assert looks == 3
    assert "until Ctrl-C" in said(console)
    assert "market http://127.0.0.1:2/" in said(console)

    def fail() -> None:
        raise ChildFailed("sequencer", 1, "log", "tail")

    children = cast(Children, SimpleNamespace(check=fail))
    with pytest.raises(ChildFailed):
        showing.keep_serving(
            console, children, "http://127.0.0.1:1", "http://127.0.0.1:2", site, "anna"
        )
