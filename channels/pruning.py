"""The log of each lane's payments has a bound: what falls out is added to totals and is then gone.

In one transaction, so that a payment counts exactly once at any instant: in its bill, or in the
totals of its quarter of an hour and of its day. Totals of quarters are kept for a week, those of
days for good. What is not acknowledged yet stays, however old. A payment learned from the peer
(this store was restored) counts in the totals alone.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

from channels.records import Direction, Total
from channels.schema import narrow, wide
from protocol.channels import lane_paid_ntok, lane_wh
from protocol.units import DAY_S
from protocol.vouchers import Voucher

HAS_TOTALS = 4
"""The store's first version with totals."""
DEFAULT_BILLS_KEPT = 800
"""For each channel and direction. A payment_id is known as long as its bill is."""
QUARTER_S = 900
QUARTERS_KEPT_S = 7 * DAY_S
SLACK = 200
"""Payments between two prunings. With 500, each held up payments for 10 to 15 ms."""

_ADD = """
    INSERT INTO totals (
        channel_id, direction, span_s, start_s, payments, energy_wh, amount_ntok
    ) {rows}
    ON CONFLICT (channel_id, direction, span_s, start_s) DO UPDATE SET
        payments = payments + excluded.payments,
        energy_wh = energy_wh + excluded.energy_wh,
        amount_ntok = amount_ntok + excluded.amount_ntok
"""
_ADD_BILLS = text(
    _ADD.format(
        rows="""
        SELECT channel_id, direction, :span_s, time_ms / 1000 / :span_s * :span_s AS start,
            count(*), sum(energy_wh), sum(amount_ntok)
        FROM bills WHERE channel_id = :at AND direction = :direction AND lane_value <= :last
            AND is_acknowledged
        GROUP BY channel_id, direction, start
        """
    )
)
_ADD_ONE = text(
    _ADD.format(
        rows="VALUES (:channel_id, :direction, :span_s, :start_s, 0, :energy_wh, :amount_ntok)"
    )
)
_LAST = text(
    """
    SELECT channel_id AS at, way.direction AS direction, (
        SELECT lane_value FROM bills
        WHERE bills.direction = way.direction AND bills.channel_id = channels.channel_id
        ORDER BY lane_value DESC LIMIT 1 OFFSET :kept
    ) AS last
    FROM channels, (SELECT 'in' AS direction UNION ALL SELECT 'out') AS way
    WHERE last IS NOT NULL
    """
)
"""The newest payment of each lane that is not kept: a lane's values rise, and an index has them."""
_DROP_BILLS = text(
    "DELETE FROM bills WHERE channel_id = :at AND direction = :direction AND lane_value <= :last"
    " AND is_acknowledged"
)
_DROP_QUARTERS = text("DELETE FROM totals WHERE span_s < :day_s AND start_s < :before")
_LANES = {
    Direction.OUT: text("SELECT signed_lane FROM channels WHERE channel_id = :at"),
    Direction.IN: text("SELECT received_lane FROM channels WHERE channel_id = :at"),
}
_LOAD = text("SELECT * FROM totals ORDER BY start_s, span_s, channel_id, direction")


def prune(connection: Connection, bills_kept: int) -> None:
    """Keep the newest payments of each lane, `bills_kept`, and all not acknowledged."""
    cuts = [row._asdict() for row in connection.execute(_LAST, {"kept": bills_kept})]
    if not cuts:
        return
    for span_s in (QUARTER_S, DAY_S):
        connection.execute(_ADD_BILLS, [{"span_s": span_s, **cut} for cut in cuts])
    connection.execute(_DROP_BILLS, cuts)
    before = int(time.time()) - QUARTERS_KEPT_S
    connection.execute(_DROP_QUARTERS, {"day_s": DAY_S, "before": before})


def learn(connection: Connection, voucher: Voucher, direction: Direction) -> None:
    """Count what a lane has gained without a payment of this store's, before it is raised."""
    at = wide(voucher.channel_id)
    before = connection.scalar(_LANES[direction], {"at": at})
    known = 0 if before is None else narrow(before)
    now_s = int(time.time())
    for span_s in (QUARTER_S, DAY_S):
        row = {
            "channel_id": at,
            "direction": direction.value,
            "span_s": span_s,
            "start_s": now_s - now_s % span_s,
            "energy_wh": lane_wh(voucher.lane_value) - lane_wh(known),
            "amount_ntok": lane_paid_ntok(voucher.lane_value) - lane_paid_ntok(known),
        }
        connection.execute(_ADD_ONE, row)


def load_totals(connection: Connection) -> list[Total]:
    """All totals, the oldest first. A payment counts once in each span: days alone are complete."""
    return [
        Total(
            narrow(row.channel_id),
            Direction(row.direction),
            row.span_s,
            row.start_s,
            row.payments,
            row.energy_wh,
            row.amount_ntok,
        )
        for row in connection.execute(_LOAD)
    ]
