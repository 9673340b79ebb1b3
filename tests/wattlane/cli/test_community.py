"""`wattlane market community`: a file is checked, shown, and its changes are signed and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from energy.community.community_file import load_community
from energy.community.document import community_digest
from energy.errors import BadCommunityFile
from wattlane.cli.app import app
from wattlane.errors import BadChoice

GERMANY = Path(__file__).parents[3] / "examples" / "communities" / "germany.toml"


def wattlane(*arguments: str | Path) -> str:
    """What the command prints; what it raises is raised."""
    given = ["market", "community", *map(str, arguments)]
    done = CliRunner().invoke(app, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_check_prints_the_hash_of_what_the_file_says(tmp_path: Path) -> None:
    name = community_digest(load_community(GERMANY)).hex()
    assert f"hash     0x{name}" in wattlane("check", GERMANY)
    other = tmp_path / "street.toml"
    other.write_text(GERMANY.read_text().replace("360_000", "361_000"))
    assert name not in wattlane("check", other)


def test_check_says_who_has_no_meter(tmp_path: Path) -> None:
    text = GERMANY.read_text()
    cut = text.index("[[members.meters]]")
    end = text.index("[[members]]", cut)
    path = tmp_path / "street.toml"
    path.write_text(text[:cut] + text[end:])
    assert "no meter Huber, no. 1: without verified readings they do not trade" in wattlane(
        "check", path
    )


def test_check_refuses_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "street.toml"
    path.write_text(GERMANY.read_text().replace('feeder = "transformer 7, line 2"', 'feeder = "x"'))
    with pytest.raises(BadCommunityFile, match="there is no feeder 'x'"):
        wattlane("check", path)


def test_show_marks_what_is_in_force() -> None:
    shown = wattlane("show", GERMANY, "--at", "2026-12-31T22:59Z")
    assert "tariff    from 2026-06-01 00:00 CEST  <- in force" in shown
    assert "tariff    from 2027-01-01 00:00 CET\n" in shown
    shown = wattlane("show", GERMANY, "--at", "2026-12-31T23:00Z")
    assert "tariff    from 2027-01-01 00:00 CET  <- in force" in shown
    assert "every 15 minutes: supply-demand, after the interval" in shown
    with pytest.raises(BadChoice, match="needs its offset"):
        wattlane("show", GERMANY, "--at", "2026-12-31T23:00")
