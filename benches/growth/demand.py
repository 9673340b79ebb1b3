"""What homes do on a day, drawn from a seed: the same seed gives the same day.

Rates are assumptions, each printed with its figure. Payments are off-chain and not drawn: they cost
the homes' own nodes, and the operator nothing. Times are seconds of the simulated day.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

HOUR_S, DAY_S = 3_600, 86_400
CHANNELS_A_HOME = 1.5
BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 6, 6, 5, 5, 5, 6, 6, 5, 5, 6, 8, 10, 10, 8, 6, 4, 2)
"""When people do things, by the hour: an assumption, with the evening twice the mean."""


class Kind(Enum):
    """What a home sends to the sequencer, or to L1's queue (the last three)."""

    TOP_UP = auto()
    OPEN = auto()
    CLOSE = auto()
    START_CLOSE = auto()
    CLAIM = auto()
    TRANSFER = auto()
    WITHDRAW = auto()
    DEPOSIT = auto()
    NEW_ACCOUNT = auto()
    FORCED_EXIT = auto()


QUEUE_KINDS = (Kind.DEPOSIT, Kind.NEW_ACCOUNT, Kind.FORCED_EXIT)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a home or a channel does something, a day."""

    top_ups_a_channel: float = 1 / 10
    closes_a_channel: float = 1 / 60
    alone: float = 0.05
    transfers: float = 1 / 50
    withdrawals: float = 1 / 30
    deposits: float = 1 / 30
    new_accounts: float = 1 / 2_000
    forced: float = 1 / 100_000

    def lines(self) -> list[str]:
        """Each assumption in words."""
        return [
            f"a home has {CHANNELS_A_HOME} channels (one with the next home, every second home "
            "one with the seventh)",
            f"a channel is topped up every {1 / self.top_ups_a_channel:.0f} days and lives "
            f"{1 / self.closes_a_channel:.0f}; then it is opened again within the hour",
            f"{self.alone:.0%} of closes are by one side alone, with a claim an hour later",
            f"a home withdraws every {1 / self.withdrawals:.0f} days, deposits every "
            f"{1 / self.deposits:.0f}, transfers every {1 / self.transfers:.0f}",
            f"the street grows by {self.new_accounts:.2%} a day; {self.forced * 1e5:.0f} in "
            "100,000 homes force an exit a day, and then do nothing more",
        ]


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that home `a` (with home `b`) does at a time; `slot`: of a channel that exists."""

    at_s: float
    kind: Kind
    a: int
    b: int = -1
    slot: int = -1


def neighbours(homes: int) -> list[tuple[int, int]]:
    """The channels at the day's start, by slot; slots go along the street, as homes do."""
    pairs = []
    for home in range(homes):
        pairs.append((home, (home + 1) % homes))
        if home % 2 == 0 and homes > 7:
            pairs.append((home, (home + 7) % homes))
    return pairs


def wishes(homes: int, hours: int, seed: int, rates: Rates) -> list[Wish]:
    """All wishes of so many hours from midnight, in order."""
    rng = np.random.default_rng(seed)
    pairs = neighbours(homes)
    found: list[Wish] = []
    closing: set[int] = set()

    def times(a_day: float) -> Iterator[float]:
        for hour in range(hours):
            weight = BY_HOUR[hour % 24] / sum(BY_HOUR)
            for at in rng.uniform(0, HOUR_S, rng.poisson(a_day * weight)):
                yield hour * HOUR_S + float(at)

    for kind, a_day in (
        (Kind.TRANSFER, rates.transfers),
        (Kind.WITHDRAW, rates.withdrawals),
        (Kind.DEPOSIT, rates.deposits),
        (Kind.NEW_ACCOUNT, rates.new_accounts),
        (Kind.FORCED_EXIT, rates.forced),
    ):
        for at in times(homes * a_day):
            a = int(rng.integers(homes))
            found.append(Wish(at, kind, a, int((a + rng.integers(1, homes)) % homes)))
    for at in times(len(pairs) * rates.closes_a_channel):
        slot = int(rng.integers(len(pairs)))
        if slot in closing:
            continue
        closing.add(slot)
        a, b = pairs[slot]
        if rng.random() < rates.alone:
            found.append(Wish(at, Kind.START_CLOSE, a, b, slot))
            found.append(Wish(at + HOUR_S, Kind.CLAIM, a, b, slot))
        else:
            found.append(Wish(at, Kind.CLOSE, a, b, slot))
            found.append(Wish(at + float(rng.uniform(60, HOUR_S)), Kind.OPEN, a, b))
    for at in times(len(pairs) * rates.top_ups_a_channel):
        slot = int(rng.integers(len(pairs)))
        if slot not in closing:
            found.append(Wish(at, Kind.TOP_UP, *pairs[slot], slot))
    gone: set[int] = set()
    kept = []
    for one in sorted(found, key=lambda one: one.at_s):
        if one.at_s >= hours * HOUR_S or one.a in gone:
            continue
        if one.kind is Kind.FORCED_EXIT:
            gone.add(one.a)
        kept.append(one)
    return kept


class Slots:
    """Which channel slots are in use; the lowest free one is taken next, as the state does."""

    def __init__(self, used: int) -> None:
        self._next, self._freed = used, list[int]()

    def take(self) -> int:
        """The lowest free slot."""
        if self._freed:
            return heapq.heappop(self._freed)
        self._next += 1
        return self._next - 1

    def free(self, slot: int) -> None:
        """A channel has ended."""
        heapq.heappush(self._freed, slot)
