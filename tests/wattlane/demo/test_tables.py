"""What a demo shows fits a terminal of 80 columns: nothing is cut off."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from tests.wattlane.demo.test_report import REPORT
from wattlane.demo import tables
from wattlane.demo.report import BillReport

BILL = BillReport("h17", 1_280, 20_651, 14_130, 26_764, 17_577, -12_458_000_000, 15 * 10**9, True)


def _shown(*bills: BillReport) -> str:
    out = io.StringIO()
    report = replace(REPORT, market=replace(REPORT.market, bills=bills))
    tables.show(Console(file=out, width=80), report)
    return out.getvalue()


def test_every_figure_of_a_bill_is_shown_whole() -> None:
    shown = _shown(BILL)
    row = next(line for line in shown.splitlines() if "-12.4580" in line)
    assert row.split() == [
        "h17",
        "20.651",
        "14.130",
        "-12.4580",
        "15.0000",
        "27.4580",
        "1280",
        "yes",
    ]


def test_a_bill_that_does_not_follow_stands_out() -> None:
    shown = _shown(replace(BILL, follows=False))
    row = next(line for line in shown.splitlines() if "-12.4580" in line)
    assert row.split()[-1] == "NO"
