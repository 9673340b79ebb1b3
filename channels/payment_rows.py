"""How payments are written, many at once: the rows of one kind by one statement.

Each payment has its own rows, as if it had been written alone; a lane that several vouchers of a
group raise is raised once, to the last of them, from below the first. In the order given, and a
lane that falls or repeats is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, PoolProxiedConnection, Table

from channels.errors import StoreFailed
from channels.pruning import learn
from channels.records import Acknowledged, Bill, Change, Direction, SaveReceived, SaveSigned
from channels.schema import bills, outgoing, voucher_text, wide
from protocol.vouchers import Voucher

_MOST_ROWS = 64
"""A statement takes as many rows as there are: 64, 16, 4 or 1, so that four serve every number."""
_BILL = [column.name for column in bills.columns if column.name != "number"]
_OUTGOING = [column.name for column in outgoing.columns]
_RAISE = {
    which: f"UPDATE channels SET {which} = ?, {which}_lane = ?"  # noqa: S608 - no input
    f" WHERE channel_id = ? AND {which}_lane < ?"
    for which in ("signed", "received")
}
_MARK_BILLS = """
    UPDATE bills SET is_acknowledged = 1
    WHERE direction = 'out' AND channel_id = :at AND lane_value IN
        (SELECT lane_value FROM outgoing WHERE channel_id = :at AND lane_value <= :value)
"""
_DROP_OUTGOING = "DELETE FROM outgoing WHERE channel_id = :at AND lane_value <= :value"
_Row = tuple[object, ...]


@cache
def _insert(table: Table, names: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - no input


class PaymentRows:
    """What the payments of one transaction write. `path` names the store in errors."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._raised: dict[tuple[str, int], tuple[str, str, Voucher]] = {}
        self._bills: list[_Row] = []
        self._outgoing: list[_Row] = []
        self._acknowledged: dict[int, int] = {}

    def take(self, change: Change) -> bool:
        """Keep a change for `write`; False if it is not about a payment. Raises StoreFailed."""
        if isinstance(change, SaveSigned):
            self._raise("signed", Direction.OUT, change.voucher, change.bill)
            if change.outgoing is not None:
                sent = change.outgoing
                self._outgoing.append(
                    (
                        wide(sent.voucher.channel_id),
                        wide(sent.voucher.lane_value),
                        sent.payment_id,
                        voucher_text(sent.voucher),
                        sent.payment.energy_wh,
                        str(sent.payment.price_utok_per_kwh),
                    )
                )
        elif isinstance(change, SaveReceived):
            self._raise("received", Direction.IN, change.voucher, change.bill)
        elif isinstance(change, Acknowledged):
            highest = self._acknowledged.get(change.channel_id, 0)
            self._acknowledged[change.channel_id] = max(highest, change.lane_value)
        else:
            return False
        return True

    def _raise(self, which: str, direction: Direction, voucher: Voucher, bill: Bill | None) -> None:
        if bill is None:  # learned from the peer: what it adds is counted against what stands
            self.write()
            learn(self._connection, voucher, direction)
        key, value = (which, voucher.channel_id), wide(voucher.lane_value)
        first, last, _ = self._raised.get(key, (value, "", voucher))
        if value <= last:
            raise self._does_not_rise(which, voucher.channel_id)
        self._raised[key] = first, value, voucher
        if bill is not None:
            self._bills.append(
                (
                    bill.payment_id,
                    wide(bill.channel_id),
                    bill.peer_index,
                    bill.direction.value,
                    bill.energy_wh,
                    bill.amount_ntok,
                    str(bill.price_utok_per_kwh),
                    wide(bill.lane_value),
                    bill.time_ms,
                    bill.is_acknowledged,
                )
            )

    def write(self) -> None:
        """Write all that was taken. Raises StoreFailed, sqlite3.Error."""
        raw = self._connection.connection
        cursor = raw.cursor()
        for (which, channel_id), (first, last, voucher) in self._raised.items():
            values = (voucher_text(voucher), last, wide(channel_id), first)
            if cursor.execute(_RAISE[which], values).rowcount != 1:
                raise self._does_not_rise(which, channel_id)
        _insert_all(raw, outgoing, _OUTGOING, self._outgoing)
        _insert_all(raw, bills, _BILL, self._bills)
        for channel_id, lane_value in self._acknowledged.items():
            at = {"at": wide(channel_id), "value": wide(lane_value)}
            cursor.execute(_MARK_BILLS, at)
            cursor.execute(_DROP_OUTGOING, at)
        cursor.close()
        self._raised.clear()
        self._outgoing.clear()
        self._bills.clear()
        self._acknowledged.clear()

    def _does_not_rise(self, which: str, channel_id: int) -> StoreFailed:
        return StoreFailed(self._path, f"the {which} lane of channel {channel_id:#x} does not rise")


def _insert_all(
    raw: PoolProxiedConnection, table: Table, names: Sequence[str], rows: Sequence[_Row]
) -> None:
    cursor, at, count = raw.cursor(), 0, _MOST_ROWS
    while at < len(rows):
        while count > len(rows) - at:
            count //= 4
        values = [value for row in rows[at : at + count] for value in row]
        cursor.execute(_insert(table, tuple(names), count), values)
        at += count
    cursor.close()
