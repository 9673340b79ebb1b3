"""`wattlane market topology`: what it says of a street is what the street's readings say."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wattlane.cli.app import app
from wattlane.errors import BadChoice
from wattlane.readings import CLEAN_HOMES, home_hours

HOMES = (2, 8, 9, 17)


def _plan(*options: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["market", "topology", "--json", *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _matched_wh(homes: tuple[int, ...], days: int) -> int:
    """min(surpluses, deficits) of each hour, from the data itself."""
    matched = 0
    for row in zip(*(home_hours(home)[1 : days * 24 + 1] for home in homes), strict=True):
        nets = [hour.net_wh for hour in row]
        matched += min(sum(net for net in nets if net > 0), -sum(net for net in nets if net < 0))
    return matched


def test_a_built_in_street() -> None:
    """All that can be traded is; a hub needs a channel a home, a mesh at most one a pair; what is
    open already is not to be opened."""
    found = _plan("--homes", "2,8,9,17", "--days", "4")
    assert int(found["traded_wh"]) == _matched_wh(HOMES, 4) > 0
    assert found["intervals"] == 96
    pairs = [list(pair) for pair in combinations(range(1, 5), 2)]
    assert all(need["channel"] in pairs for need in found["mesh"]["needs"])
    assert [need["channel"] for need in found["hub"]["needs"]] == [
        [0, home] for home in range(1, 5)
    ]
    assert found["mesh"]["to_open"] == found["mesh"]["channels"]
    assert "0" not in found["mesh"]["locked_ntok"]
    assert int(found["hub"]["locked_ntok"]["0"]) > 0
    some = found["mesh"]["needs"][0]["channel"]
    named = ":".join(found["homes"][str(home)] for home in some)
    again = _plan("--homes", "2,8,9,17", "--days", "4", "--open", named)
    assert again["mesh"]["to_open"] == again["mesh"]["channels"] - 1
    assert again["traded_wh"] == found["traded_wh"]


def test_paying_at_readings_risks_a_part_of_an_interval() -> None:
    """Sixty readings an hour: a sixtieth of what paying once an hour risks, rounded up."""
    at_readings = _plan("--homes", "2,8,9,17", "--days", "2", "--reading", "60")
    at_end = _plan("--homes", "2,8,9,17", "--days", "2", "--reading", "0")
    for topology in ("mesh", "hub"):
        for name in ("owed_to_a_home_by_one_ntok", "owed_to_the_community_ntok"):
            once, often = int(at_end[topology][name]), int(at_readings[topology][name])
            assert often == -(-once // 60) or topology == "hub"
            assert once <= 60 * often < once + 60 * len(HOMES)


def test_a_fee_needs_a_channel_with_the_community() -> None:
    """In a mesh too; and it is what all channels carry more."""
    without = _plan("--homes", "2,9", "--days", "3")
    found = _plan("--homes", "2,9", "--days", "3", "--fee", "10000")
    assert without["mesh"]["channels"] == 1
    assert found["mesh"]["channels"] == 3
    assert int(found["traded_wh"]) == int(without["traded_wh"]) == _matched_wh((2, 9), 3)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """Two homes, a reading each five minutes; intervals are the whole quarters."""
    path = tmp_path / "street.csv"
    rows = ["time,meter,import_wh,export_wh"]
    for name, taken, given in (("a", 0, 50), ("b", 30, 0)):
        for place in range(13):
            minute = f"2026-06-01T{10 + place // 12}:{place % 12 * 5:02}:00Z"
            rows.append(f"{minute},{name},{place * taken},{place * given}")
    path.write_text("\n".join(rows) + "\n")
    found = _plan("--readings", str(path))
    assert found["intervals"] == 4
    assert found["traded_wh"] == str(12 * 30)
    assert found["mesh"]["channels"] == 1
    done = CliRunner().invoke(
        app, ["market", "topology", "--readings", str(path), "--interval", "77"]
    )
    assert isinstance(done.exception, BadChoice)
    assert "--interval" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--open", "h02:h99"], "h02:h99"),
        (["--open", "h02"], "A:B"),
        (["--homes", "99"], "homes"),
        (["--feed-in", "400000"], "gain nothing"),
    ],
)
def test_what_cannot_be_is_refused(options: list[str], why: str) -> None:
    """One line that says what would be right."""
    done = CliRunner().invoke(app, ["market", "topology", "--days", "1", *options])
    assert isinstance(done.exception, BadChoice)
    assert why in str(done.exception)


def test_the_page_shows_what_the_command_says() -> None:
    """The example in docs/market.md, line by line."""
    page = (Path(__file__).parents[3] / "docs" / "market.md").read_text()
    shown = page.split("$ wattlane market topology --days 14\n", 1)[1].split("```", 1)[0]
    done = CliRunner().invoke(app, ["market", "topology", "--days", "14"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == shown.splitlines()
    assert f"{len(CLEAN_HOMES)} homes" in shown
