"""How stored rows become states and bills again; a row that cannot is StoreCorrupt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, Row, select

from channels.errors import BadPayment, StoreCorrupt
from channels.forced import ForcedRecord, SignedL1
from channels.lanes import ChannelState, Payment
from channels.records import (
    Bill,
    Direction,
    Identity,
    Intent,
    Outgoing,
    StoredChannel,
    Submission,
)
from channels.schema import (
    SCHEMA_VERSION,
    Reader,
    bills,
    channels,
    columns_of,
    forced,
    handed,
    identity,
    narrow,
    outgoing,
    submissions,
)
from protocol.channels import Lane


def load_identity(connection: Connection, version: int = SCHEMA_VERSION) -> Identity:
    """Whose store it is. `version`: the store's, where it may be an older one."""
    row = connection.execute(select(*columns_of(identity, version))).one()
    contract: str | None = getattr(row, "contract", None)
    return Identity(int(row.domain, 16), row.account_index, int(row.key_hash, 16), contract)


def load_channels(
    connection: Connection, path: str, version: int = SCHEMA_VERSION
) -> list[StoredChannel]:
    """All channels with their vouchers, in the order of their ids. Raises StoreCorrupt."""
    reader = Reader(path)
    domain = load_identity(connection, version).domain
    waiting: dict[str, list[Outgoing]] = defaultdict(list)
    order = select(outgoing).order_by(outgoing.c.channel_id, outgoing.c.lane_value)
    for row in connection.execute(order):
        voucher = reader.voucher(row.voucher)
        try:
            payment = Payment(row.energy_wh, int(row.price))
        except (BadPayment, ValueError) as error:
            raise StoreCorrupt(path, f"payment {row.payment_id}: {error}") from error
        if voucher is not None:
            waiting[row.channel_id].append(Outgoing(row.payment_id, voucher, payment))
    found = []
    rows = select(*columns_of(channels, version)).order_by(channels.c.channel_id)
    for row in connection.execute(rows):
        state = ChannelState(
            domain=domain,
            channel_id=narrow(row.channel_id),
            side=Lane(row.side),
            verified=reader.leaf(row.leaf),
            signed=reader.voucher(row.signed),
            received=reader.voucher(row.received),
            close=reader.close(row.close),
            is_gone=row.is_gone,
            is_restored=getattr(row, "is_restored", False),
            quiet_until=getattr(row, "quiet_until", 0),
        )
        intent, sent = Intent(row.intent), tuple(waiting[row.channel_id])
        found.append(StoredChannel(state, intent, sent, getattr(row, "wished_at", 0)))
    return found


def load_submissions(connection: Connection, path: str) -> list[Submission]:
    """Transactions whose end is not known yet. Raises StoreCorrupt."""
    reader = Reader(path)
    rows = connection.execute(select(submissions).where(~submissions.c.is_settled))
    return [
        Submission(
            row.transaction_id,
            reader.transaction(row.document),
            row.purpose,
            None if row.channel_id is None else narrow(row.channel_id),
            row.nonce,
            row.is_settled,
        )
        for row in rows
    ]


def load_forced(connection: Connection) -> list[ForcedRecord]:
    """Transactions with forced ops."""
    return [
        ForcedRecord(
            row.want,
            SignedL1(row.transaction_hash, bytes(row.raw), row.nonce),
            row.signed_at,
            row.op_number,
            row.is_void,
        )
        for row in connection.execute(select(forced))
    ]


def load_handed(connection: Connection, tower: str) -> dict[int, int]:
    """What a watchtower has on disk: channel id to lane value."""
    rows = connection.execute(select(handed).where(handed.c.tower == tower))
    return {narrow(row.channel_id): narrow(row.lane_value) for row in rows}


def _bill(row: Row[tuple[object, ...]]) -> Bill:
    return Bill(
        payment_id=row.payment_id,
        channel_id=narrow(row.channel_id),
        peer_index=row.peer_index,
        direction=Direction(row.direction),
        energy_wh=row.energy_wh,
        amount_ntok=row.amount_ntok,
        price_utok_per_kwh=int(row.price),
        lane_value=narrow(row.lane_value),
        time_ms=row.time_ms,
        is_acknowledged=row.is_acknowledged,
    )


def load_bills(connection: Connection, after: int = 0) -> Iterator[tuple[int, Bill]]:
    """Bills with their running numbers, oldest first, from the one after number `after`."""
    for row in connection.execute(select(bills).where(bills.c.number > after)):
        yield row.number, _bill(row)


def find_bill(connection: Connection, direction: Direction, payment_id: str) -> list[Bill]:
    """The bills of a payment id (one a channel)."""
    at = (bills.c.direction == direction.value) & (bills.c.payment_id == payment_id)
    return [_bill(row) for row in connection.execute(select(bills).where(at))]
