"""A channel a pair, or a channel a home with the community: what each would have cost a street.

Computed from what was due in each interval:

- *channels*: how many have to be open, and how many of them are already;
- *collateral*: what each side has to put into each channel so that every interval is paid for a
  given number of intervals without a top-up, whatever order payments come in. Money that came in on
  the other lane can be paid out again, so only the running difference counts;
- *credit*: what is owed and not yet paid at the worst moment. Energy cannot be taken back, and what
  a voucher carries is covered by the channel's deposit, so this is all that anyone can lose by a
  neighbour, or by the community, that stops paying. Paid once an interval it is an interval's
  money; paid at every reading it is that of one reading, taken to be its part of the interval.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from energy.community.rules import Topology
from energy.settlement.dues import Due

Channel = tuple[int, int]
"""Two accounts, the lower first: a channel serves both ways."""

Owed = Mapping[tuple[int, int], Due]
"""What was due in one interval, by (payer, payee)."""


@dataclass(frozen=True, slots=True)
class Need:
    """A channel, what its two sides have to put in, and all that it carries, both ways, ntok."""

    channel: Channel
    deposits_ntok: tuple[int, int]
    carried_ntok: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """What `creditor` had not been paid yet at the worst moment, ntok.

    `debtor`: who owed it; None for all its debtors together.
    """

    creditor: int
    debtor: int | None
    amount_ntok: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What one topology asks of a street.

    `to_one`, `to_all`: the worst exposure of a home to a single debtor, and to all of its;
    `community_ntok`: the community's own.
    """

    topology: Topology
    community: int
    needs: tuple[Need, ...]
    to_one: Exposure
    to_all: Exposure
    community_ntok: int

    @property
    def to_open(self) -> int:
        """Channels that are not open yet."""
        return sum(not need.is_open for need in self.needs)

    @property
    def paid_ntok(self) -> int:
        """All that its channels carry."""
        return sum(need.carried_ntok for need in self.needs)

    def busiest(self, count: int) -> frozenset[Channel]:
        """So many channels that carry the most, ties to the lower accounts."""
        by_load = sorted(self.needs, key=lambda need: (-need.carried_ntok, need.channel))
        return frozenset(need.channel for need in by_load[:count])

    def locked_ntok(self) -> dict[int, int]:
        """What each account has to put into its channels."""
        locked: defaultdict[int, int] = defaultdict(int)
        for need in self.needs:
            for account, deposit in zip(need.channel, need.deposits_ntok, strict=True):
                locked[account] += deposit
        return dict(locked)


def channel_of(one: int, other: int) -> Channel:
    """The two accounts of a channel, the lower first."""
    return (min(one, other), max(one, other))


def costs(
    topology: Topology,
    intervals: Sequence[Owed],
    community: int,
    channels: Set[Channel],
    *,
    top_up_intervals: int,
    readings: int,
) -> Costs:
    """What a topology would have cost over these intervals.

    `intervals`: what was due in each (settlement/dues.py, under this topology), in order.
    `channels`: those open already. `top_up_intervals` >= 1: how long deposits have to last.
    `readings` >= 1: payments in an interval, 1 for one at its end.
    """
    to_one, to_all = _exposures(intervals, readings)
    nobody = Exposure(community, None, 0)
    own = [each.amount_ntok for each in to_all if each.creditor == community]
    return Costs(
        topology,
        community,
        _needs(intervals, channels, top_up_intervals),
        _worst([each for each in to_one if each.creditor != community], nobody),
        _worst([each for each in to_all if each.creditor != community], nobody),
        max(own, default=0),
    )


def _needs(
    intervals: Sequence[Owed], channels: Set[Channel], top_up_intervals: int
) -> tuple[Need, ...]:
    deepest: defaultdict[Channel, list[int]] = defaultdict(lambda: [0, 0])
    carried: defaultdict[Channel, int] = defaultdict(int)
    for start in range(0, len(intervals), top_up_intervals):
        net: defaultdict[Channel, int] = defaultdict(int)
        for owed in intervals[start : start + top_up_intervals]:
            both: defaultdict[Channel, list[int]] = defaultdict(lambda: [0, 0])
            for (payer, payee), due in owed.items():
                channel = channel_of(payer, payee)
                both[channel][channel.index(payer)] += due.amount_ntok
            for channel, (first, second) in both.items():
                deposits = deepest[channel]
                deposits[0] = max(deposits[0], net[channel] + first)
                deposits[1] = max(deposits[1], second - net[channel])
                net[channel] += first - second
                carried[channel] += first + second
    return tuple(
        Need(channel, (first, second), carried[channel], channel in channels)
        for channel, (first, second) in sorted(deepest.items())
    )


def _exposures(intervals: Iterable[Owed], readings: int) -> tuple[list[Exposure], list[Exposure]]:
    """The worst of each creditor towards each debtor, and towards all of its debtors."""
    to_one: defaultdict[tuple[int, int], int] = defaultdict(int)
    to_all: defaultdict[int, int] = defaultdict(int)
    for owed in intervals:
        together: defaultdict[int, int] = defaultdict(int)
        for (payer, payee), due in owed.items():
            at_once = -(-due.amount_ntok // readings)
            to_one[payee, payer] = max(to_one[payee, payer], at_once)
            together[payee] += at_once
        for payee, at_once in together.items():
            to_all[payee] = max(to_all[payee], at_once)
    return (
        [Exposure(payee, payer, amount) for (payee, payer), amount in sorted(to_one.items())],
        [Exposure(payee, None, amount) for payee, amount in sorted(to_all.items())],
    )


def _worst(exposures: Sequence[Exposure], nobody: Exposure) -> Exposure:
    return max(exposures, key=lambda each: each.amount_ntok, default=nobody)
