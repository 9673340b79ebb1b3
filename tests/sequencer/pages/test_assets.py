"""What pages load is in the wheel, is small, and names nothing off this machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from sequencer.pages.assets import STATIC, assets
from sequencer.pages.rendering import TEMPLATES
from wattlane.household.app import TEMPLATES as HOUSEHOLD

ROOT = Path(__file__).parents[3]
FILES = [*STATIC.iterdir(), *TEMPLATES.iterdir(), *HOUSEHOLD.iterdir()]


def test_every_file_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed: set[Path] = set()
    for package, patterns in project["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            packed |= set((ROOT / package).glob(pattern))
    assert set(FILES) <= packed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_page_names_another_machine(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//[a-z]", text.replace("://", "//")), path


def test_what_a_page_loads_is_small() -> None:
    sizes = {name: len(one.content) for name, one in assets().items()}
    assert sizes.pop("htmx.min.js") < 60_000
    assert sum(sizes.values()) < 40_000


def test_a_file_is_named_by_its_content() -> None:
    urls = {one.url for one in assets().values()}
    assert len(urls) == len(assets())
    assert all(re.fullmatch(r"/static/[\w.]+\?v=[0-9a-f]{12}", url) for url in urls)


def test_colours_have_a_dark_side() -> None:
    css = (STATIC / "wattlane.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    named = set(re.findall(r"--([\w-]+):", light)) - {"radius", "sans", "mono"}
    assert named <= set(re.findall(r"--([\w-]+):", dark.split("}", 2)[0] + "}"))
    for wanted in ("prefers-reduced-motion", "forced-colors", ":focus-visible"):
        assert wanted in css
