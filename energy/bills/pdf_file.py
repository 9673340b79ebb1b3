"""A bill as PDF: what it comes to on the first page, every line with what it rests on after that.

The same bill gives the same bytes. Letters outside Latin-1 are shown as a question mark; the file
and the CSV have them whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from energy.bills.bill import Bill
from energy.bills.shown import LineRow, ReckoningRow, ShownBill, show_bill
from energy.errors import NoPdf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fpdf import FPDF

Progress = Callable[[int], None]
"""Told how many lines are written."""
_MARGIN_MM, _ROW_MM, _SMALL_ROW_MM = 15, 5.5, 3.1
_SMALL_PT = 5.0
"""At which a line of all columns is as wide as the page."""
_TELL_EVERY = 200
_LINE_COLUMNS = (
    ("line", 6), ("time", 21), ("what", 27), ("with", 18), ("kWh", 10), ("tokens/kWh", 11),
    ("tokens", 15), ("rules", 6), ("readings", 26), ("settlement", 27), ("clearing", 12),
    ("order", 13), ("paid by", 40), ("batch", 5),
)  # fmt: skip


def bill_pdf(
    bill: Bill, names: Mapping[int, str] | None = None, progress: Progress | None = None
) -> bytes:
    """The whole PDF. Raises NoPdf where the extra `pdf` is not installed."""
    try:
        from fpdf import FPDF
    except ImportError:
        raise NoPdf from None
    shown = show_bill(bill, names)
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    end_ms = bill.month.span(ZoneInfo(bill.zone)).end_ms
    pdf.set_creation_date(datetime.fromtimestamp(end_ms // 1000, UTC))
    pdf.set_title(_latin(shown.title))
    pdf.set_margins(_MARGIN_MM, _MARGIN_MM)
    pdf.set_auto_page_break(True, _MARGIN_MM)
    _first_page(pdf, shown)
    _lines(pdf, shown.lines, progress or (lambda _count: None))
    return bytes(pdf.output())


def _first_page(pdf: FPDF, shown: ShownBill) -> None:
    pdf.add_page()
    _text(pdf, shown.title, 18, "B")
    _text(pdf, shown.subtitle, 9)
    pdf.ln(3)
    for what, much in shown.figures:
        _cells(pdf, [(what, 110, "L"), (much, 70, "R")], 11)
    _heading(pdf, "What it is made of")
    _cells(pdf, [("", 70, "L"), ("lines", 20, "R"), ("kWh", 40, "R"), ("tokens", 50, "R")], 9, "B")
    for one in shown.sums:
        cells = [
            (one.what, 70, "L"),
            (one.lines, 20, "R"),
            (one.kwh, 40, "R"),
            (one.tokens, 50, "R"),
        ]
        _cells(pdf, cells, 9)
    _heading(pdf, "Who owes whom, and what vouchers have paid of it (tokens)")
    for each in shown.reckonings:
        _reckoning(pdf, each)
    _heading(pdf, "Day by day")
    head = ("day", "bought", "sold", "from grid", "to grid", "costs")
    _cells(pdf, [(one, 30, "L" if one == "day" else "R") for one in head], 8, "B")
    for day in shown.days:
        row = day.bought_kwh, day.sold_kwh, day.from_grid_kwh, day.to_grid_kwh, day.cost
        _cells(pdf, [(day.day, 30, "L"), *((one, 30, "R") for one in row)], 8)
    _heading(pdf, "Notes")
    for note in shown.notes:
        _text(pdf, note, 8)


def _reckoning(pdf: FPDF, row: ReckoningRow) -> None:
    _cells(
        pdf, [(row.other, 60, "L"), ("the home owes", 60, "R"), ("is owed to it", 60, "R")], 9, "B"
    )
    for what, both in (
        ("before", row.before),
        ("on this bill", row.lines),
        ("after", row.after),
        ("paid by vouchers", row.paid),
    ):
        _cells(pdf, [(what, 60, "L"), (both[0], 60, "R"), (both[1], 60, "R")], 8)
    _cells(pdf, [("still open", 60, "L"), (row.open, 60, "R"), ("", 60, "R")], 8)
    for one in row.channels:
        said = f"channel {one.channel}: paid {one.paid}; received {one.received}; {one.on_l1}"
        _text(pdf, said, 7)
    pdf.ln(2)


def _lines(pdf: FPDF, rows: Sequence[LineRow], progress: Progress) -> None:
    pdf.add_page(orientation="landscape")
    _heading(pdf, "Every line, and what it rests on")
    pdf.set_font("Courier", "B", _SMALL_PT)
    pdf.cell(0, _SMALL_ROW_MM, _columns([name for name, _ in _LINE_COLUMNS]), **_next())
    pdf.set_font("Courier", "", _SMALL_PT)
    for number, row in enumerate(rows, start=1):
        cells = (
            row.number, row.time, row.what, row.other, row.kwh, row.price, row.tokens, row.rules,
            row.readings, row.settlement, row.clearing, row.order, row.paid, row.batch,
        )  # fmt: skip
        pdf.cell(0, _SMALL_ROW_MM, _latin(_columns(cells)), **_next())
        if number % _TELL_EVERY == 0:
            progress(number)
    progress(len(rows))


def _columns(cells: Sequence[str]) -> str:
    return " ".join(
        cell[:width].ljust(width) for cell, (_, width) in zip(cells, _LINE_COLUMNS, strict=True)
    ).rstrip()


def _heading(pdf: FPDF, text: str) -> None:
    pdf.ln(4)
    _text(pdf, text, 12, "B")


def _text(pdf: FPDF, text: str, size: float, style: str = "") -> None:
    pdf.set_font("Helvetica", style, size)
    pdf.multi_cell(0, size * 0.5, _latin(text), **_next())


def _cells(
    pdf: FPDF, cells: Sequence[tuple[str, float, str]], size: float, style: str = ""
) -> None:
    pdf.set_font("Helvetica", style, size)
    for text, width, align in cells:
        pdf.cell(width, _ROW_MM, _latin(text), align=align)
    pdf.ln(_ROW_MM)


def _next() -> dict[str, Any]:
    return {"new_x": "LMARGIN", "new_y": "NEXT"}


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")
