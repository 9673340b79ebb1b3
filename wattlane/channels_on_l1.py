"""A home's channels as L1 has them: which batch opened each, raised its lanes, and ended it.

Every batch's data are replayed from genesis, as `verify-batch` does, so nothing is believed but L1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from energy.bills.reckoning import OnL1, PaidChannel
from energy.bills.verify import Looked
from protocol.channels import Channel, Lane
from protocol.data import DataRecord
from protocol.errors import ReplayMismatch
from protocol.queue import ForcedClaim, ForcedFinalize
from protocol.replay import replay_proof
from protocol.state import State
from protocol.transactions import TxType
from wattlane.l1_record import L1Record

Progress = Callable[[int], None]
"""Told how many batches are replayed."""


@dataclass(slots=True)
class _Followed:
    opened: int
    lanes: dict[Lane, int]
    ended: int = 0
    on_l1: list[OnL1] = field(default_factory=list)

    def raise_lane(self, lane: Lane, value: int, batch: int) -> None:
        if value > self.lanes[lane]:
            self.lanes[lane] = value
            self.on_l1.append(OnL1(batch, lane, value))


def channels_on_l1(
    record: L1Record, account: int, batches: int | None = None, progress: Progress | None = None
) -> Looked:
    """The account's channels after that many batches, all where None.

    Raises ReplayMismatch, WrongShape.
    """
    count = len(record.batches) if batches is None else batches
    walk = _Walk(account)
    for number in range(1, count + 1):
        walk.take(record, number)
        if progress:
            progress(number)
    return Looked(count, tuple(walk.found()))


class _Walk:
    """Replays batches and looks at the channels whose leaves they touch."""

    def __init__(self, account: int) -> None:
        self._account = account
        self._state = State()
        self._by_slot: dict[int, tuple[int, _Followed]] = {}
        self._all: dict[int, _Followed] = {}

    def found(self) -> Iterable[PaidChannel]:
        """All channels of the account, by their ids."""
        for channel_id, one in sorted(self._all.items()):
            is_a = channel_id & 0xFFFFFFFF == self._account
            yield PaidChannel(
                channel_id,
                Lane.AB if is_a else Lane.BA,
                one.lanes[Lane.AB],
                one.lanes[Lane.BA],
                on_l1=tuple(one.on_l1),
                opened=one.opened,
                ended=one.ended,
            )

    def take(self, record: L1Record, number: int) -> None:
        """Replay a batch, proof by proof."""
        batch, state = record.batches[number - 1], self._state
        done = record.first_op_of(number)
        for statement in batch.statements(record.settings.shape, record.settings.domain):
            ops = record.ops[done : done + len(statement.ops)]
            done += len(statement.ops)
            touched = {op.slot for op in ops if isinstance(op, ForcedClaim | ForcedFinalize)}

            def watch(slot: DataRecord, touched: set[int] = touched) -> None:
                for one in touched:
                    self._look(one, number)
                touched.clear()
                if slot.type in (TxType.OPEN, TxType.CLAIM, TxType.CLOSE, TxType.FINALIZE):
                    touched.add(slot.values["slot"])
                if slot.type is TxType.CLOSE:
                    self._closing(slot, number)

            replay_proof(state, statement.context, ops, statement.data, watch)
            if state.root != statement.new_root:
                raise ReplayMismatch(f"the data of batch {number} lead to another root")
            for one in touched:
                self._look(one, number)

    def _closing(self, slot: DataRecord, batch: int) -> None:
        """Both sides' last lanes, which a CLOSE carries and no leaf ever holds."""
        known = self._by_slot.get(slot.values["slot"])
        if known is not None:
            known[1].raise_lane(Lane.AB, slot.values["lane_ab"], batch)
            known[1].raise_lane(Lane.BA, slot.values["lane_ba"], batch)

    def _look(self, slot: int, batch: int) -> None:
        leaf, known = self._state.find_channel(slot), self._by_slot.get(slot)
        if known is not None and (leaf is None or leaf.id != known[0]):
            known[1].ended = batch
            del self._by_slot[slot]
            known = None
        if leaf is None or self._account not in (leaf.a_index, leaf.b_index):
            return
        if known is None:
            known = self._begin(slot, leaf, batch)
        for lane in Lane:
            known[1].raise_lane(lane, leaf.lane(lane), batch)

    def _begin(self, slot: int, leaf: Channel, batch: int) -> tuple[int, _Followed]:
        one = _Followed(batch, {Lane.AB: 0, Lane.BA: 0})
        self._all[leaf.id] = one
        self._by_slot[slot] = leaf.id, one
        return leaf.id, one
