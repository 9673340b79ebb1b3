"""Energy totals computed a second way, sharing no code with wattlane: its reader, its registers
and its matching are all this file's own. Tests compare the two."""

from __future__ import annotations

import csv
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path


def matched_over_common_times(path: Path) -> int:
    """Total Wh matched in a `time,meter,import_wh,export_wh` file, times compared as text."""
    exported_minus_imported: dict[str, dict[str, int]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            balance = int(row["export_wh"]) - int(row["import_wh"])
            exported_minus_imported[row["time"]][row["meter"]] = balance
    everyone = {meter for at in exported_minus_imported.values() for meter in at}
    times = sorted(time for time, at in exported_minus_imported.items() if set(at) == everyone)
    total = 0
    for earlier, later in pairwise(times):
        before, after = exported_minus_imported[earlier], exported_minus_imported[later]
        changes = [after[meter] - before[meter] for meter in everyone]
        # The smaller of the two sums, written as: (all movement - their imbalance) / 2.
        total += (sum(map(abs, changes)) - abs(sum(changes))) // 2
    return total


def hourly_nets(data: Path, homes: list[int]) -> list[list[int]]:
    """Rows of generation - load of the chosen homes, straight from the hourly data."""
    with data.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        [int(row[f"h{home:02}_pv_wh"]) - int(row[f"h{home:02}_load_wh"]) for home in homes]
        for row in rows
    ]


def matched_by_the_hour(nets: list[list[int]]) -> int:
    """Matched Wh with an interval an hour."""
    return sum((sum(map(abs, row)) - abs(sum(row))) // 2 for row in nets)


def matched_by_the_minute(nets: list[list[int]]) -> int:
    """Matched Wh with an interval a minute: each hour's register at minute k is floor(k x / 60)."""
    total = 0
    for row in nets:
        stands = [0] * len(row)
        for minute in range(1, 61):
            now = [int(Fraction(minute, 60) * net) for net in row]  # int() cuts towards 0
            changes = [new - old for new, old in zip(now, stands, strict=True)]
            total += (sum(map(abs, changes)) - abs(sum(changes))) // 2
            stands = now
    return total
