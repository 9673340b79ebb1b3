"""What a home and one other account owe each other, and what signed vouchers have paid of it.

All that was ever due is set against all that was ever promised: lanes only rise, so nothing depends
on when a payment was made, and a later month goes on where this one ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from energy.bills.lines import Paid, Payment
from protocol.channels import Lane, lane_paid_ntok
from protocol.vouchers import Voucher


@dataclass(frozen=True, slots=True)
class OnL1:
    """Batch `batch` brought this lane to this value."""

    batch: int
    lane: Lane
    lane_value: int


@dataclass(frozen=True, slots=True)
class PaidChannel:
    """A channel of the home. `side`: its own, and the lane in which it pays.

    `lane_ab`, `lane_ba`: the highest values exchanged. `vouchers`: of the lanes, those that are
    kept. `on_l1`: what batches have made of its lanes, in order; `opened`, `ended`: by which
    batches, 0 where none is known. `start_ab_ntok`, `start_ba_ntok`: what the lanes carried when
    the market began to count them; it paid for something else. `steps`: lane values that single
    payments led to, as far as the node keeps them, in rising order; they are in no bill, and only
    make its citations finer.
    """

    channel_id: int
    side: Lane
    lane_ab: int
    lane_ba: int
    vouchers: tuple[Voucher, ...] = ()
    on_l1: tuple[OnL1, ...] = ()
    opened: int = 0
    ended: int = 0
    start_ab_ntok: int = 0
    start_ba_ntok: int = 0
    steps: tuple[tuple[Lane, int], ...] = ()

    @property
    def other(self) -> int:
        """The other side's account."""
        a_index, b_index = self.channel_id & 0xFFFFFFFF, self.channel_id >> 32 & 0xFFFFFFFF
        return b_index if self.side is Lane.AB else a_index

    def lane(self, owes: bool) -> Lane:
        """The lane in which the home pays, or is paid."""
        return self.side if owes else Lane(1 - self.side)

    def lane_value(self, lane: Lane) -> int:
        """The lane's highest value."""
        return self.lane_ab if lane is Lane.AB else self.lane_ba

    def start_ntok(self, lane: Lane) -> int:
        """What the lane carried when the market began to count it."""
        return self.start_ab_ntok if lane is Lane.AB else self.start_ba_ntok

    def paid_ntok(self, owes: bool) -> int:
        """What was promised one way since the market counts."""
        lane = self.lane(owes)
        return lane_paid_ntok(self.lane_value(lane)) - self.start_ntok(lane)


class Part(Enum):
    """Which amounts: of earlier bills, of this one's lines, of later ones."""

    BEFORE = "before"
    LINES = "lines"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All that is due between the home and `other` up to the journal's head, and what is paid.

    Each pair of sums: what the home owes, and what is owed to it; of earlier bills' lines, of this
    one's, and of later ones'. A sum is below 0 where more was taken back than came to be due.
    """

    other: int
    before_ntok: tuple[int, int]
    lines_ntok: tuple[int, int]
    after_ntok: tuple[int, int]
    channels: tuple[PaidChannel, ...]

    def without_steps(self) -> Reckoning:
        """As it stands in a bill."""
        return replace(self, channels=tuple(replace(one, steps=()) for one in self.channels))

    @property
    def due_ntok(self) -> tuple[int, int]:
        """All that the home owes, and all that is owed to it."""
        parts = (self.before_ntok, self.lines_ntok, self.after_ntok)
        return sum(one[0] for one in parts), sum(one[1] for one in parts)

    @property
    def paid_ntok(self) -> tuple[int, int]:
        """All that vouchers of the home promise, and all that vouchers promise to it."""
        return (
            sum(one.paid_ntok(True) for one in self.channels),
            sum(one.paid_ntok(False) for one in self.channels),
        )

    @property
    def open_ntok(self) -> int:
        """What the home still owes, all set off; below 0 where it has paid too much or is owed."""
        due, paid = self.due_ntok, self.paid_ntok
        return due[0] - due[1] - (paid[0] - paid[1])


class Dues:
    """Adds up what is due with one account, in the journal's order, and knows what it came to."""

    def __init__(self) -> None:
        self._parts = {part: [0, 0] for part in Part}
        self._sums: tuple[list[int], list[int]] = ([], [])

    def add(self, part: Part, in_own_lane: bool, due_ntok: int) -> int:
        """Count an amount; its place among those of its lane, from 0."""
        way = 0 if in_own_lane else 1
        self._parts[part][way] += due_ntok
        sums = self._sums[way]
        sums.append((sums[-1] if sums else 0) + due_ntok)
        return len(sums) - 1

    def needed(self) -> tuple[list[int], list[int]]:
        """For each amount of the own lane, and of the other one, what the lane must promise for it
        and all before it to be paid: the sum up to it, or less where later ones take back."""
        found = ([*self._sums[0]], [*self._sums[1]])
        for sums in found:
            for place in range(len(sums) - 2, -1, -1):
                sums[place] = min(sums[place], sums[place + 1])
        return found

    def reckoning(self, other: int, channels: Sequence[PaidChannel]) -> Reckoning:
        """The sums with the channels between the two."""
        before, lines, after = ((own, theirs) for own, theirs in self._parts.values())
        return Reckoning(other, before, lines, after, tuple(channels))


def payment_of(reckoning: Reckoning, in_own_lane: bool, due_ntok: int, needed_ntok: int) -> Payment:
    """How an amount is paid. `needed_ntok`: see `Dues.needed`."""
    if not due_ntok:
        return Payment(Paid.NOTHING)
    if due_ntok < 0:  # taken back: open as long as the whole reckoning is open by it
        left_ntok = -reckoning.open_ntok if in_own_lane else reckoning.open_ntok
        return Payment(Paid.OPEN if left_ntok > 0 else Paid.SET_OFF)
    before = 0
    for channel in reckoning.channels if needed_ntok > 0 else ():
        lane, within = channel.lane(in_own_lane), channel.paid_ntok(in_own_lane)
        if needed_ntok <= before + within:
            value = _lowest(channel, lane, needed_ntok - before)
            batch = next(
                (at.batch for at in channel.on_l1 if at.lane is lane and at.lane_value >= value), 0
            )
            return Payment(Paid.VOUCHER, channel.channel_id, int(lane), value, batch)
        before += within
    due, paid = reckoning.due_ntok, reckoning.paid_ntok
    this, back = (0, 1) if in_own_lane else (1, 0)
    is_set_off = needed_ntok <= paid[this] - paid[back] + due[back]
    return Payment(Paid.SET_OFF if is_set_off else Paid.OPEN)


def _lowest(channel: PaidChannel, lane: Lane, wanted_ntok: int) -> int:
    highest, wanted_ntok = channel.lane_value(lane), wanted_ntok + channel.start_ntok(lane)
    for value in _values(channel, lane):
        if lane_paid_ntok(value) >= wanted_ntok and value <= highest:
            return value
    return highest


def _values(channel: PaidChannel, lane: Lane) -> Iterator[int]:
    return (value for one, value in channel.steps if one is lane)
