"""Where the money and the energy ended up, each figure from a book of its own.

Accounts: state rebuilt from L1. Channels: the nodes' files. Pending withdrawals: L1's events.
Unprocessed deposits: L1's queue. Balance: the ERC-20. Energy and money settled: the lanes that the
closing transactions on L1 carried. No figure is copied from another. Ref: invariant C1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from channels.books import Books
from channels.records import Direction
from contracts.batches import AcceptedBatch
from contracts.reader import RollupReader
from protocol.channels import lane_paid_ntok, lane_wh
from protocol.data import unpack
from protocol.queue import Deposit, NewAccount
from protocol.state import State
from protocol.transactions import TxType
from protocol.units import DAY_S
from wattlane.demo.report import ConservationReport
from wattlane.errors import WattlaneError
from wattlane.l1_record import L1Record, rebuild_state, replay_batch


@dataclass
class BooksDisagree(WattlaneError):
    """Two sides of a channel have different things on disk."""

    channel_id: int
    what: str

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x}: the two nodes' files differ: {self.what}"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a channel ended on L1: its lanes, and whether both sides signed the end."""

    a_index: int
    b_index: int
    lane_ab: int
    lane_ba: int
    together: bool

    @property
    def energy_wh(self) -> int:
        """Both ways."""
        return lane_wh(self.lane_ab) + lane_wh(self.lane_ba)

    @property
    def paid_ntok(self) -> int:
        """Both ways."""
        return lane_paid_ntok(self.lane_ab) + lane_paid_ntok(self.lane_ba)


@dataclass(frozen=True, slots=True)
class History:
    """What the channels did, as L1 tells it."""

    opened: int
    settlements: tuple[Settlement, ...]


@dataclass(slots=True)
class _Open:
    a_index: int
    b_index: int
    lanes: list[int]


def history(record: L1Record) -> History:
    """Walk every data element on L1 in order. Raises ReplayMismatch."""
    state, opened, settlements = State(), 0, []
    open_now: dict[int, _Open] = {}
    for batch in record.batches:
        replay_batch(record, state, batch)
        for element in _transactions(record, batch):
            entry = unpack(element)
            values = entry.values
            match entry.type:
                case TxType.OPEN:
                    opened += 1
                    one = _Open(values["a_index"], values["b_index"], [0, 0])
                    open_now[values["slot"]] = one
                case TxType.CLAIM:
                    open_now[values["slot"]].lanes[values["lane"]] = values["lane_value"]
                case TxType.CLOSE:
                    one = open_now.pop(values["slot"])
                    lanes = (values["lane_ab"], values["lane_ba"])
                    settlements.append(Settlement(one.a_index, one.b_index, *lanes, True))
                case TxType.FINALIZE:
                    one = open_now.pop(values["slot"])
                    lane_ab, lane_ba = one.lanes
                    settlements.append(
                        Settlement(one.a_index, one.b_index, lane_ab, lane_ba, False)
                    )
                case _:
                    continue
    return History(opened, tuple(settlements))


def _transactions(record: L1Record, batch: AcceptedBatch) -> Iterator[int]:
    """The data elements of all user slots of a batch, in order."""
    for statement in batch.statements(record.settings.shape, record.settings.domain):
        yield from statement.data[1:]


def payments(settlements: Iterable[Settlement]) -> dict[tuple[int, int], tuple[int, int]]:
    """(payer index, payee index) -> (Wh, ntok) over all channels that ended."""
    totals: dict[tuple[int, int], tuple[int, int]] = {}
    for one in settlements:
        for way, lane in (
            ((one.a_index, one.b_index), one.lane_ab),
            ((one.b_index, one.a_index), one.lane_ba),
        ):
            energy_wh, paid_ntok = totals.get(way, (0, 0))
            if lane:
                totals[way] = (energy_wh + lane_wh(lane), paid_ntok + lane_paid_ntok(lane))
    return totals


def promised(books: Sequence[Books]) -> dict[tuple[int, int], tuple[int, int]]:
    """The same from the nodes' files: what the highest vouchers exchanged say.

    Raises BooksDisagree where payer and payee do not hold the same lane.
    """
    lanes: dict[int, tuple[int, int]] = {}
    for book in books:
        for channel in book.channels:
            state = channel.state
            known = lanes.setdefault(state.channel_id, state.lanes)
            if known != state.lanes:
                raise BooksDisagree(state.channel_id, f"lanes {known} and {state.lanes}")
    return payments(
        Settlement(id_ & 0xFFFFFF, id_ >> 32 & 0xFFFFFF, *both, True) for id_, both in lanes.items()
    )


def payment_counts(books: Sequence[Books]) -> tuple[int, int]:
    """How many payments all payers, and all payees, have on disk, those in totals counted too."""
    counts = []
    for direction in (Direction.OUT, Direction.IN):
        bills = sum(one.direction is direction for book in books for one in book.bills)
        days = (one for book in books for one in book.totals if one.span_s == DAY_S)
        counts.append(bills + sum(one.payments for one in days if one.direction is direction))
    return counts[0], counts[1]


def channels_ntok(books: Sequence[Books]) -> int:
    """Deposits in channels that no file knows to have ended. Raises BooksDisagree."""
    gone = {one.state.channel_id for book in books for one in book.channels if one.state.is_gone}
    deposits: dict[int, int] = {}
    for book in books:
        for channel in book.channels:
            state = channel.state
            if state.channel_id in gone or state.verified is None:
                continue
            leaf = state.verified.leaf
            total = leaf.deposit_a_ntok + leaf.deposit_b_ntok
            known = deposits.setdefault(state.channel_id, total)
            if known != total:
                raise BooksDisagree(state.channel_id, f"deposits of {known} and {total} ntok")
    return sum(deposits.values())


def conservation(
    record: L1Record, reader: RollupReader, books: Sequence[Books]
) -> ConservationReport:
    """Sum every book. `record` must be as new as the chain. Raises RpcError, BooksDisagree."""
    state = rebuild_state(record)
    processed = record.batches[-1].processed if record.batches else 0
    pending = sum(one.amount_ntok for one in reader.pending_withdrawals())
    paid = sum(one.amount_ntok for one in reader.paid_withdrawals())
    return ConservationReport(
        accounts=sum(account.balance_ntok for account in state.accounts.values()),
        channels=channels_ntok(books),
        pending=pending - paid,
        unprocessed_deposits=sum(
            op.amount_ntok for op in record.ops[processed:] if isinstance(op, NewAccount | Deposit)
        ),
        l1_balance=record.settings.ntok(reader.token().balance_of(reader.address)),
    )
