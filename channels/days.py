"""What a home bought and sold over a time, in equal spans: from payments kept and from totals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, text

from channels.errors import BadFrame
from channels.pruning import QUARTER_S
from channels.records import Direction

MOST_SPANS = 400

_BILLS = text(
    "SELECT direction, (time_ms / 1000 - :start_s) / :span_s AS place, COUNT(*) AS payments, "
    "SUM(energy_wh) AS energy_wh, SUM(amount_ntok) AS amount_ntok FROM bills "
    "WHERE time_ms >= :start_s * 1000 AND time_ms < :end_s * 1000 GROUP BY 1, 2"
)
_TOTALS = text(
    "SELECT direction, (start_s - :start_s) / :span_s AS place, SUM(payments) AS payments, "
    "SUM(energy_wh) AS energy_wh, SUM(amount_ntok) AS amount_ntok FROM totals "
    "WHERE span_s = :quarter_s AND start_s >= :start_s AND start_s < :end_s GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start_s` (Unix seconds) on: energy bought and sold, tokens spent and earned."""

    start_s: int
    payments: int = 0
    bought_wh: int = 0
    sold_wh: int = 0
    spent_ntok: int = 0
    earned_ntok: int = 0


def check_spans(start_s: int, end_s: int, span_s: int) -> int:
    """How many spans there are. Raises BadFrame for none or more than MOST_SPANS."""
    count = -(-(end_s - start_s) // span_s) if span_s > 0 else 0
    if not 0 < count <= MOST_SPANS:
        raise BadFrame(f"1 to {MOST_SPANS} spans of at least a second, not {count}")
    return count


def load_spans(connection: Connection, start_s: int, end_s: int, span_s: int) -> list[Span]:
    """Every span from `start_s` to `end_s`, those without payments too.

    Payments that are no longer kept one by one count in the span in which their quarter of an hour
    began. Raises as `check_spans`.
    """
    count = check_spans(start_s, end_s, span_s)
    where = {"start_s": start_s, "end_s": end_s, "span_s": span_s}
    sums: dict[tuple[int, Direction], list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = [*connection.execute(_BILLS, where)]
    rows += connection.execute(_TOTALS, {**where, "quarter_s": QUARTER_S})
    for row in rows:
        found = sums[row.place, Direction(row.direction)]
        for at, number in enumerate((row.payments, row.energy_wh, row.amount_ntok)):
            found[at] += int(number)
    spans = []
    for place in range(count):
        out, taken = sums[place, Direction.OUT], sums[place, Direction.IN]
        spans.append(
            Span(
                start_s + place * span_s,
                payments=out[0] + taken[0],
                bought_wh=out[1],
                sold_wh=taken[1],
                spent_ntok=out[2],
                earned_ntok=taken[2],
            )
        )
    return spans
