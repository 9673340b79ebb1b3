"""The demo itself, in a small setting: real processes, a real L1, and how it stops.

The whole day has simulated proofs of its batches, which the contract and `verify-batch` check as
they check any; real ones are made until a batch is accepted, in the run that is stopped.
"""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from energy.bills.bill_file import decode_bill, encode_bill
from tests.energy.bills.street_files import with_one_line_changed
from tests.wattlane.cli.running import assert_one_line, environment, wattlane

FEED_IN, RETAIL = 80_000, 320_000


def _street(path: Path) -> None:
    """Three meters, five-minute steps, an hour; everyone both buys and sells at some time."""
    steps = {
        "anna": [(90, 0), (300, 0), (0, 50), (70, 0), (40, 0), (100, 0), *3 * [(0, 60), (90, 9)]],
        "bert": [(0, 500), (0, 300), (12, 0), (0, 60), (50, 0), (0, 90), *6 * [(80, 0)]],
        "carl": [(100, 30), (0, 10), (20, 0), (40, 0), (0, 45), (5, 5), *6 * [(0, 50)]],
    }
    lines = ["time,meter,import_wh,export_wh"]
    for meter, changes in steps.items():
        stands = [1_234_567, 89]
        for number in range(len(changes) + 1):
            at = datetime(2026, 6, 21, 12) + timedelta(minutes=5 * number)
            lines.append(f"{at.isoformat()}+02:00,{meter},{stands[0]},{stands[1]}")
            if number < len(changes):
                stands = [
                    before + more for before, more in zip(stands, changes[number], strict=True)
                ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.timeout(1_200)
def test_a_small_street_trades(tmp_path: Path) -> None:
    readings, report, keep = tmp_path / "street.csv", tmp_path / "report.json", tmp_path / "kept"
    _street(readings)
    done = wattlane(
        *("demo", "--readings", str(readings), "--report", str(report), "--keep", str(keep)),
        timeout_s=1_100,
        module="tests.support.simulating_wattlane",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    energy_wh = found["energy_settled_wh"]
    traded_wh = found["market"]["traded_wh"]
    assert energy_wh >= found["energy_matched_wh"] == traded_wh > 0  # dues fall and come back
    prices = found["market"]["lowest_price"], found["market"]["highest_price"]
    assert FEED_IN <= prices[0] < prices[1] <= RETAIL
    assert sum(pair["energy_wh"] for pair in found["pairs"]) == energy_wh
    assert sum(pair["money_ntok"] for pair in found["pairs"]) == found["money_settled_ntok"]
    assert (found["homes"], found["intervals"], found["channels_opened"]) == (3, 4, 3)
    assert (found["market"]["orders"], found["market"]["readings"]) == (6, 3 * 13)
    assert (found["market"]["cleared"], found["market"]["settled"]) == (4, 4)
    _bills_follow(found, keep, readings)
    assert found["channels_force_closed"] == 2  # the neighbours of the home that was killed
    assert found["channels_closed"] == 1
    assert found["conservation"]["equal"] is True
    assert found["conservation"]["channels"] == 0
    roots = [batch["new_root"] for batch in found["batches"]]
    assert len(set(roots)) == len(roots) == found["batches"][-1]["number"]
    assert all(batch["gas_used"] and batch["prove_seconds"] for batch in found["batches"])
    assert "DOES NOT HOLD" not in done.stdout

    assert not list((keep / "operator").glob("*.db*"))
    checked = (keep / "logs" / "verify-batch.log").read_text().count("proof, by py_ecc")
    assert checked == sum(batch["proofs"] for batch in found["batches"])
    assert "was killed" in done.stdout
    recomputed = wattlane("market", "recompute", str(keep / "market"))
    assert recomputed.returncode == 0, recomputed.stderr
    assert "zero in every interval" in recomputed.stdout
    assert not _processes_of(keep)


def _bills_follow(found: dict[str, Any], keep: Path, readings: Path) -> None:
    """Each bill has what its home's registers show; one that is changed does not follow, nor does
    one from another home's files."""
    shown: dict[str, list[tuple[int, int]]] = {}
    with readings.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            stands = int(row["import_wh"]), int(row["export_wh"])
            shown.setdefault(row["meter"], []).append(stands)
    for bill in found["market"]["bills"]:
        (first_in, first_out), (last_in, last_out) = shown[bill["home"]][0], shown[bill["home"]][-1]
        assert bill["follows"] is True
        assert bill["bought_wh"] + bill["from_grid_wh"] == last_in - first_in
        assert bill["sold_wh"] + bill["to_grid_wh"] == last_out - first_out
        without_ntok = (last_in - first_in) * RETAIL - (last_out - first_out) * FEED_IN
        assert bill["without_ntok"] == without_ntok
        assert bill["cost_ntok"] <= without_ntok
    assert [bill["home"] for bill in found["market"]["bills"]] == ["anna", "bert", "carl"]
    file, home = keep / "bills" / "anna-2026-06.bill", keep / "homes" / "anna"
    fine = wattlane("bill", "verify", str(file), "--folder", str(home))
    assert fine.returncode == 0, fine.stderr
    changed, number = with_one_line_changed(decode_bill(file.read_bytes()))
    lie = keep / "bills" / "changed.bill"
    lie.write_bytes(encode_bill(changed))
    told = wattlane("bill", "verify", str(lie), "--folder", str(home))
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith(
        f"error: line {number}: settlement: energy_wh is "
    )
    other = keep / "homes" / "bert"
    assert_one_line(
        wattlane("bill", "verify", str(file), "--folder", str(other)), 1, "is the home of"
    )


@pytest.mark.timeout(1_500)
def test_ctrl_c_stops_everything_that_was_started(tmp_path: Path) -> None:
    readings, keep = tmp_path / "street.csv", tmp_path / "kept"
    report, told = tmp_path / "report.json", tmp_path / "told"
    _street(readings)
    command = [sys.executable, "-m", "wattlane", "demo", "--readings", str(readings)]
    process = subprocess.Popen(
        [*command, "--page", "--no-open", "--keep", str(keep), "--report", str(report)],
        env=environment(),
        stdout=told.open("w"),
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    deadline = time.monotonic() + 1_200  # keys may have to be made first
    while "batch 1 proved and accepted" not in told.read_text():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(_processes_of(keep)) >= 4  # the sequencer and three homes
    explorer = re.search(r"watch it at (http://\S+)", told.read_text())
    assert explorer is not None
    with httpx.Client(trust_env=False, timeout=60) as http:
        assert "A street and its energy" in http.get(explorer[1]).text
    started = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "interrupted"
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(started, timeout=120)
    assert not alive
    assert not report.exists()


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Processes that were started with something in this folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(word.startswith(str(folder) + "/") for word in words):
            found.append(process)
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--homes", "1"), ("1 homes",)),
        (("--homes", "2,7"), ("home 7", "no clean data")),
        (("--homes", "two"), ("number of homes",)),
        (("--day", "2020-01-01"), ("choose a day from 2016-08-01",)),
        (("--day", "tomorrow"), ("no date",)),
        (("--hours", "20-8"), ("do not rise",)),
        (("--hours", "0-4"), ("nothing to trade",)),
        (("--feed-in", "5", "--retail", "4"), ("feed-in <= retail",)),
        (("--readings", "/nowhere.csv"), ("cannot read /nowhere.csv",)),
        (("--l1", "ganache"), ("anvil, embedded",)),
        (("--l1", "http://127.0.0.1:9"), ("no connection",)),
    ],
    ids=lambda given: " ".join(given),
)
def test_what_cannot_be_done_is_one_line_before_anything_starts(
    arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_one_line(wattlane("demo", *arguments), 1, *words)


def test_a_folder_to_keep_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    assert_one_line(wattlane("demo", "--keep", str(tmp_path)), 1, "is not empty")
    assert (tmp_path / "mine").read_text() == "precious"
