"""A bill's lines as CSV (RFC 4180, UTF-8): whole numbers and whole digests, a line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from energy.bills.bill import Bill
from energy.bills.figures import lane_name, moment_iso, party_name
from energy.bills.lines import Paid

COLUMNS = (
    "line",
    "start",
    "end",
    "kind",
    "adjusts",
    "with",
    "energy_wh",
    "price_utok_per_kwh",
    "net_ntok",
    "stage",
    "revision",
    "rules_version",
    "import_wh",
    "export_wh",
    "first_reading",
    "last_reading",
    "journal_entry",
    "settlement",
    "clearing",
    "order",
    "paid",
    "with_account",
    "channel",
    "lane",
    "lane_value",
    "batch",
)
"""`net_ntok`: what the line gives to the home, below 0 where it costs."""


def bill_csv(bill: Bill) -> str:
    """The whole file's text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(bill))
    return out.getvalue()


def _rows(bill: Bill) -> Iterator[tuple[object, ...]]:
    zone = ZoneInfo(bill.zone)
    for line in bill.lines:
        entry, payment = bill.entries[line.entry], line.payment
        metered, is_paid = entry.metered, payment.how is Paid.VOUCHER
        yield (
            line.number,
            moment_iso(entry.interval.start_ms, zone),
            moment_iso(entry.interval.end_ms, zone),
            line.kind.value,
            line.adjusts.value if line.adjusts else "",
            party_name(line.other),
            line.energy_wh,
            line.price_utok_per_kwh,
            line.net_ntok,
            entry.stage.value,
            entry.revision,
            entry.rules_version,
            metered.import_wh if metered else "",
            metered.export_wh if metered else "",
            metered.first.hex() if metered else "",
            metered.last.hex() if metered else "",
            entry.place,
            entry.settlement.hex(),
            entry.clearing.hex(),
            line.order.hex(),
            payment.how.value,
            line.with_account if line.with_account >= 0 else "",
            f"{payment.channel_id:#x}" if is_paid else "",
            lane_name(payment.lane) if is_paid else "",
            payment.lane_value if is_paid else "",
            payment.batch if is_paid and payment.batch else "",
        )
