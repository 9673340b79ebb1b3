"""Bills for people: figures with nothing rounded, CSV with whole digests, PDF with every line."""

from __future__ import annotations

import builtins
import csv
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.bills.bill import Bill, make_bill
from energy.bills.comparison import Comparison, compare_members
from energy.bills.csv_file import COLUMNS, bill_csv
from energy.bills.figures import kilograms, kwh, moment, price, tokens
from energy.bills.pdf_file import bill_pdf
from energy.bills.shown import show_bill
from energy.errors import NoPdf
from protocol.channels import lane_paid_ntok
from tests.energy.bills.records import (
    BUY,
    FIRST,
    JUNE,
    LANE,
    PRICE,
    SECOND,
    WITH_NEIGHBOUR,
    corrected,
    reading,
    records,
    settled,
)
from tests.energy.community.streets import street


def bill() -> Bill:
    """Home 3's June."""
    return make_bill(records(), 3, JUNE)


def test_figures_round_nothing() -> None:
    """Two decimal places, or as many as it takes."""
    assert [tokens(one) for one in (0, 10**9, 160_000_000, -1, 123_456_789_012)] == [
        "0.00",
        "1.00",
        "0.16",
        "-0.000000001",
        "123.456789012",
    ]
    assert (price(200_000), price(1), kwh(1_300), kwh(-5)) == (
        "0.20",
        "0.000001",
        "1.300",
        "-0.005",
    )
    assert kilograms(1_300 * 363) == "0.4719"


def test_the_hour_that_comes_twice_is_named() -> None:
    """25 October 2026, 02:30 in Berlin: in summer time, and an hour later in winter time."""
    first = 1_792_888_200_000
    berlin = ZoneInfo("Europe/Berlin")
    assert [moment(first + hour * 3_600_000, berlin) for hour in (0, 1)] == [
        "2026-10-25 02:30 CEST",
        "2026-10-25 02:30 CET",
    ]


def test_what_a_household_sees() -> None:
    """The sums, the comparison, what is open, and what each line rests on."""
    shown = show_bill(bill(), {1: "Ada's"})
    assert shown.figures[0] == ("the month costs", "0.426 tokens")
    assert ("without it, all by the grid", "0.595 tokens") in shown.figures
    assert ("saved by the community", "0.169 tokens") in shown.figures
    assert [(one.what, one.kwh, one.tokens) for one in shown.sums] == [
        ("bought from neighbours", "1.300", "-0.26"),
        ("from the grid", "0.400", "-0.14"),
        ("grid fee", "1.300", "-0.026"),
    ]
    assert [(one.day, one.bought_kwh, one.cost) for one in shown.days] == [
        ("2026-06-10", "1.300", "0.426")
    ]
    line = shown.lines[0]
    assert (line.time, line.what, line.other) == ("2026-06-10 12:00 CEST", "trade", "Ada's")
    assert (line.kwh, line.price, line.tokens, line.rules) == ("0.800", "0.20", "-0.16", "1")
    assert line.readings.split() == [
        reading(3, at).hex()[:12] for at in (FIRST.start_ms, FIRST.end_ms)
    ]
    assert line.paid == "0x300000001 ba 0.16"
    assert line.batch == "7"
    assert shown.reckonings[1].channels[0].on_l1 == "opened in batch 2, settled in batch 7"


def test_the_chapter_tells_these_figures() -> None:
    """docs/market.md works this month by hand."""
    chapter = (Path(__file__).parents[3] / "docs" / "market.md").read_text(encoding="utf-8")
    made, span = bill(), JUNE.span(ZoneInfo("Europe/Berlin"))
    later = compare_members((*settled(), corrected()), span, street().tariff_at)[3]
    for told in (
        f"The month costs {tokens(made.cost_ntok)} tokens",
        f"would have cost {tokens(made.comparison.without_ntok)}",
        f"the community is worth {tokens(made.comparison.gain_ntok)}",
        f"{tokens(later.with_ntok)} against {tokens(later.without_ntok)}",
    ):
        assert told in chapter


def test_who_loses_is_told_so() -> None:
    """In the figures, not in a footnote."""
    lost = replace(bill(), comparison=Comparison(500_000_000, 400_000_000))
    assert ("LOST by the community", "0.10 tokens") in show_bill(lost).figures


def test_carbon_is_shown_with_its_source_or_not_at_all() -> None:
    """And with what it does not say."""
    notes = " ".join(show_bill(bill()).notes)
    assert "363 g a kWh, an average of the grid by a source" in notes
    silent = show_bill(replace(bill(), avoided=None))
    assert not any("CO2" in one for one in (*silent.notes, *(what for what, _ in silent.figures)))


def test_csv_has_every_line_whole() -> None:
    """Integers and full digests, so that a spreadsheet can add it up again."""
    rows = list(csv.DictReader(io.StringIO(bill_csv(bill()))))
    assert tuple(rows[0]) == COLUMNS
    assert sum(int(row["net_ntok"]) for row in rows) == -bill().cost_ntok
    first = rows[0]
    assert first["first_reading"] == reading(3, FIRST.start_ms).hex()
    assert (first["rules_version"], first["price_utok_per_kwh"]) == ("1", str(PRICE))
    assert (first["order"], first["clearing"]) == (
        BUY.hex(),
        settled()[0].settlement.clearing.hex(),
    )
    third = rows[2]
    assert third["start"] == "2026-06-10T12:15:00+02:00"
    assert third["last_reading"] == reading(3, SECOND.end_ms).hex()
    assert third["settlement"] == settled()[1].digest.hex()
    assert (third["channel"], third["lane"], third["batch"]) == ("0x300000001", "ba", "7")
    assert lane_paid_ntok(int(third["lane_value"])) == 260_000_000 == lane_paid_ntok(LANE)
    assert (rows[4]["paid"], rows[4]["channel"], rows[4]["with"]) == ("outside", "", "supplier")


def _texts(pdf: bytes) -> str:
    """All that a PDF's pages say."""
    pages = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    streams = b"".join(zlib.decompress(one) for one in pages if one[:1] == b"x")
    found = re.findall(rb"\(((?:\\.|[^()\\])*)\) Tj", streams)
    return "\n".join(one.decode("latin-1").replace("\\", "") for one in found)


def test_pdf_has_every_line() -> None:
    """With the sums before; the same bytes each time."""
    told: list[int] = []
    pdf = bill_pdf(bill(), progress=told.append)
    assert pdf.startswith(b"%PDF-")
    assert pdf == bill_pdf(bill())
    texts = _texts(pdf)
    assert "Bill of no. 3 for 2026-06" in texts
    assert "0.426 tokens" in texts
    for row in show_bill(bill()).lines:
        assert re.search(rf"(?m)^{row.number} +{row.time} .*{re.escape(row.paid[:20])}", texts)
    line = next(one for one in texts.splitlines() if one.startswith("1 "))
    entry = bill().entries[0]
    assert entry.metered is not None
    readings = [one.hex()[:12] for one in (entry.metered.first, entry.metered.last)]
    named = [
        entry.settlement.hex()[:12],
        "(entry",
        "10)",
        entry.clearing.hex()[:12],
        BUY.hex()[:12],
    ]
    paid = [f"{WITH_NEIGHBOUR:#x}", "ba", "0.16", "7"]
    last = ["0.800", "0.20", "-0.16", "1", *readings, *named, *paid]
    assert line.split()[-len(last) :] == last
    assert told == [5]


def test_a_name_of_another_alphabet_does_not_stop_a_pdf() -> None:
    """It is shown by question marks there."""
    assert "Bill of ?? for" in _texts(bill_pdf(replace(bill(), name="日光")))


def test_without_its_extra_a_pdf_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else needs the library."""
    real = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the builtin's own names
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        if name == "fpdf":
            raise ImportError(name)
        return real(name, globals, locals, fromlist or (), level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NoPdf, match=re.escape("wattlane[pdf]")):
        bill_pdf(bill())
