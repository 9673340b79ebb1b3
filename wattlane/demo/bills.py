"""Every home's bill, made and then verified by commands that know its own folder and L1 alone.

All are made with L1 and followed from the home's files, and the batches that they name are looked
up on L1 again, with their proofs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from energy.bills.bill import Bill, Group, Sum
from energy.bills.bill_file import decode_bill
from energy.bills.month import Month, month_of
from sequencer.settings import Settings
from wattlane.demo.plan import Plan
from wattlane.demo.report import BillReport
from wattlane.demo.site import Site
from wattlane.program import program
from wattlane.progress import Bars

AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Billed:
    """A home's bill of a month, and whether `wattlane bill verify` found that it follows."""

    home: str
    bill: Bill
    follows: bool


def make_bills(plan: Plan, site: Site, rollup: Settings, bars: Bars) -> list[Billed]:
    """The bills of all homes and months, in order; a bill that cannot be made is left out.

    Each lies in the site's folder for bills as a file and CSV, and as PDF where the extra `pdf` is
    there; what the commands said is among the logs.
    """
    site.bills.mkdir(mode=0o700)
    wanted = [(home, month) for home in plan.homes for month in months_of(plan)]
    made: list[Billed] = []
    with (
        bars.stage("bills, each followed line by line", len(wanted)) as shown,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        runs = pool.map(lambda one: _bill(site, rollup, *one), wanted)
        for number, billed in enumerate(runs, start=1):
            shown(number, wanted[number - 1][0])
            made += [] if billed is None else [billed]
    return made


def months_of(plan: Plan) -> list[Month]:
    """Every month that has an interval of the day."""
    line = plan.timeline
    return sorted({month_of(interval.start_ms, line.zone) for interval in line.intervals})


def bill_reports(homes: Sequence[str], billed: Sequence[Billed]) -> tuple[BillReport, ...]:
    """What the homes' bills add up to, those of several months together."""
    reports = []
    for home in homes:
        mine = [one for one in billed if one.home == home]
        if not mine:
            continue
        sums = [one.bill.sums for one in mine]
        reports.append(
            BillReport(
                home=home,
                lines=sum(len(one.bill.lines) for one in mine),
                bought_wh=_energy(sums, Group.BOUGHT),
                sold_wh=_energy(sums, Group.SOLD),
                from_grid_wh=_energy(sums, Group.FROM_GRID),
                to_grid_wh=_energy(sums, Group.TO_GRID),
                cost_ntok=sum(one.bill.cost_ntok for one in mine),
                without_ntok=sum(one.bill.comparison.without_ntok for one in mine),
                follows=all(one.follows for one in mine),
            )
        )
    return tuple(reports)


def _energy(sums: Sequence[Mapping[Group, Sum]], group: Group) -> int:
    return sum(one[group].energy_wh for one in sums if group in one)


def _bill(site: Site, rollup: Settings, home: str, month: Month) -> Billed | None:
    folder = site.home(home)
    file = site.bills / f"{folder.name}-{month}.bill"
    show = ["bill", "show", "--folder", str(folder), "--month", str(month), "--out", str(file)]
    show += ["--csv", str(file.with_suffix(".csv"))]
    if find_spec("fpdf") is not None:
        show += ["--pdf", str(file.with_suffix(".pdf"))]
    log = site.logs / f"bill-{file.stem}.log"
    if not _runs(show, rollup, log):
        return None
    verify = ["bill", "verify", str(file), "--folder", str(folder)]
    follows = _runs(verify, rollup, log)
    return Billed(home, decode_bill(file.read_bytes()), follows)


def _runs(command: Sequence[str], rollup: Settings, log: Path) -> bool:
    """Run a command that looks at L1; whether it succeeded."""
    options = ["--contract", rollup.contract]
    if rollup.confirmations is not None:
        options += ["--confirmations", str(rollup.confirmations)]
    if rollup.archive_folder is not None:
        options += ["--archive", str(rollup.archive_folder)]
    with log.open("ab") as output:
        done = subprocess.run(
            program(*command, *options),
            env={**os.environ, "WATTLANE_L1": rollup.l1_url},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return done.returncode == 0
