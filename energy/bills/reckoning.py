"""What a home and one other account owe each other, and what signed vouchers have paid of it.

All that was ever due is set against all that was ever promised: lanes only rise, so nothing depends
on when a payment was made, and a later month goes on where this one ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

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
    batches, 0 where none is known. `steps`: lane values that single payments led to, as far as the
    node keeps them, in rising order; they are in no bill, and only make its citations finer.
    """

    channel_id: int
    side: Lane
    lane_ab: int
    lane_ba: int
    vouchers: tuple[Voucher, ...] = ()
    on_l1: tuple[OnL1, ...] = ()
    opened: int = 0
    ended: int = 0
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

    def paid_ntok(self, owes: bool) -> int:
        """What was promised one way."""
        return lane_paid_ntok(self.lane_value(self.lane(owes)))


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All that is due between the home and `other` up to the journal's head, and what is paid.

    `due_ntok`: what the home owes, and what is owed to it, of intervals before the bill's lines,
    of its lines, and of intervals that come after them.
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


@dataclass(slots=True)
class Dues:
    """Adds up what is due with one account, in the journal's order; each sum is [owed, owing]."""

    before: list[int] = field(default_factory=lambda: [0, 0])
    lines: list[int] = field(default_factory=lambda: [0, 0])
    after: list[int] = field(default_factory=lambda: [0, 0])

    def up_to_now(self, owes: bool) -> int:
        """All of one direction so far."""
        way = 0 if owes else 1
        return self.before[way] + self.lines[way] + self.after[way]

    def reckoning(self, other: int, channels: Sequence[PaidChannel]) -> Reckoning:
        """The sums with the channels between the two."""
        before, lines, after = ((one[0], one[1]) for one in (self.before, self.lines, self.after))
        return Reckoning(other, before, lines, after, tuple(channels))


def payment_of(reckoning: Reckoning, owes: bool, up_to_ntok: int, amount_ntok: int) -> Payment:
    """How a line is paid with which, and the lines before it, `up_to_ntok` is due this way."""
    if not amount_ntok:
        return Payment(Paid.NOTHING)
    before = 0
    for channel in reckoning.channels:
        lane, within = channel.lane(owes), channel.paid_ntok(owes)
        if up_to_ntok <= before + within:
            value = _lowest(channel, lane, up_to_ntok - before)
            batch = next(
                (at.batch for at in channel.on_l1 if at.lane is lane and at.lane_value >= value), 0
            )
            return Payment(Paid.VOUCHER, channel.channel_id, int(lane), value, batch)
        before += within
    due, paid = reckoning.due_ntok, reckoning.paid_ntok
    this, back = (0, 1) if owes else (1, 0)
    is_set_off = up_to_ntok <= paid[this] - paid[back] + due[back]
    return Payment(Paid.SET_OFF if is_set_off else Paid.OPEN)


def _lowest(channel: PaidChannel, lane: Lane, wanted_ntok: int) -> int:
    highest = channel.lane_value(lane)
    for value in _values(channel, lane):
        if lane_paid_ntok(value) >= wanted_ntok and value <= highest:
            return value
    return highest


def _values(channel: PaidChannel, lane: Lane) -> Iterator[int]:
    return (value for one, value in channel.steps if one is lane)
