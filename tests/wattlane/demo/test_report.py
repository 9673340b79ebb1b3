"""The report has exactly the fields that it promises, and its percentiles are what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wattlane.demo.report import (
    BatchReport,
    BillReport,
    ConservationReport,
    DemoReport,
    LatencyReport,
    MarketReport,
    PairReport,
    SecondsReport,
    latency_of,
)
from wattlane.errors import BadChoice

REPORT = DemoReport(
    homes=2,
    intervals=60,
    energy_matched_wh=10,
    energy_settled_wh=10,
    money_settled_ntok=2_000_000,
    pairs=(PairReport("h17", "h09", 10, 2_000_000),),
    vouchers=3,
    voucher_latency_ms=LatencyReport(1.0, 2.0, 3.0),
    channels_opened=1,
    channels_closed=1,
    channels_force_closed=0,
    batches=(BatchReport(1, 2, 4, 18, 260_000, 21.5, 500_000, 1_700, "0x01"),),
    seconds=SecondsReport(1.0, 2.0, 3.0, 4.0, 20.0),
    conservation=ConservationReport(7, 2, 1, 5, 15),
    market=MarketReport(
        "supply-demand",
        orders=4,
        readings=26,
        cleared=4,
        settled=4,
        traded_wh=10,
        lowest_price=200_000,
        highest_price=200_000,
        entries=40,
        bills=(BillReport("h17", 7, 10, 0, 5, 0, 3_600_000, 4_800_000, True),),
    ),
    versions={"python": "3.11"},
)


def test_the_file_has_exactly_the_promised_fields(tmp_path: Path) -> None:
    path = tmp_path / "demo-report.json"
    REPORT.write(path)
    given = json.loads(path.read_text(encoding="utf-8"))
    assert list(given) == [
        "homes",
        "intervals",
        "energy_matched_wh",
        "energy_settled_wh",
        "money_settled_ntok",
        "pairs",
        "vouchers",
        "voucher_latency_ms",
        "channels_opened",
        "channels_closed",
        "channels_force_closed",
        "batches",
        "seconds",
        "conservation",
        "market",
        "versions",
    ]
    assert list(given["market"]) == [
        "rule",
        "orders",
        "readings",
        "cleared",
        "settled",
        "traded_wh",
        "lowest_price",
        "highest_price",
        "entries",
        "bills",
    ]
    assert given["market"]["bills"] == [
        {
            "home": "h17",
            "lines": 7,
            "bought_wh": 10,
            "sold_wh": 0,
            "from_grid_wh": 5,
            "to_grid_wh": 0,
            "cost_ntok": 3_600_000,
            "without_ntok": 4_800_000,
            "follows": True,
        }
    ]
    assert list(given["pairs"][0]) == ["from", "to", "energy_wh", "money_ntok"]
    assert list(given["voucher_latency_ms"]) == ["p50", "p99", "max"]
    assert list(given["batches"][0]) == [
        "number",
        "proofs",
        "transactions",
        "slots",
        "constraints",
        "prove_seconds",
        "gas_used",
        "calldata_bytes",
        "new_root",
    ]
    assert list(given["seconds"]) == ["install", "compile", "setup", "replay", "total"]
    assert list(given["conservation"]) == [
        "accounts",
        "channels",
        "pending",
        "unprocessed_deposits",
        "l1_balance",
        "equal",
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_conservation_is_equal_only_to_the_nano_token() -> None:
    assert REPORT.conservation.equal
    assert not replace(REPORT.conservation, l1_balance=16).equal
    assert not replace(REPORT.conservation, accounts=8).equal


def test_percentiles_are_nearest_ranks() -> None:
    assert latency_of([float(n) for n in range(100, 0, -1)]) == LatencyReport(50.0, 99.0, 100.0)
    assert latency_of([7.0]) == LatencyReport(7.0, 7.0, 7.0)
    assert latency_of([1.0, 2.0, 3.0]) == LatencyReport(2.0, 3.0, 3.0)


def test_a_report_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match="cannot write the report"):
        REPORT.write(tmp_path / "nowhere" / "demo-report.json")
