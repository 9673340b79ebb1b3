"""docs/treasurer.md does what it says."""

from __future__ import annotations

from pathlib import Path

from tests.wattlane.cli.page_run import run_page

PORTS = ("8545", "8645", "8660", "8701", "8702", "8703")


def test_the_treasurers_page_does_what_it_says(tmp_path: Path) -> None:
    said = run_page("treasurer.md", PORTS, tmp_path)
    for line in (
        "Sonnenstraße: 2 members, 0 feeders, a usable file",  # section 4
        "at most 1.500000000 tokens a day",  # 6
        "received 0.231000000 for 2.000 kWh",
        "entries      15: 1 clearing, 1 community, 6 funds, 2 order, 1 settlement",  # 7
        "traded       2.000 kWh",
        "sums         zero in every interval",
        "all 3 lines follow: huber, 2024-06",  # 8
        "2 members, 0 lose; all together gain 0.323",
        "result adopted, in force from 2024-06-22 13:00 CEST",  # 10
        "rules     version 2, from 2024-06-22 13:00 CEST  <- in force",
        "intervals    55 cleared, 1 adjustments",  # 11
        "paid      0.073800000 for 0.500 kWh;  received 0.439950000 for 3.000 kWh",
        "lines follow: schmidt, 2024-06",
    ):
        assert line in said, f"{line!r} is missing in {said}"
    assert "WRONG" not in said
