"""A community as its file describes it, checked when it is made: nothing in it contradicts itself.

What was in force at a time is looked up here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from energy.community.consistency import check_community
from energy.community.members import Feeder, Member
from energy.community.profiles import PROFILES, Profile, ProfileName
from energy.community.rules import Rules, Tariff
from energy.errors import BadCommunity, NothingInForce, UnknownMember
from energy.intervals import DAY_S

DAY_MS = DAY_S * 1000

_Dated = TypeVar("_Dated", Rules, Tariff)


class Counting(Enum):
    """How votes count: one home one vote, or by the weight that the file gives each home."""

    HOME = "home"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class Voting:
    """How rules are changed.

    A proposal is open for `open_ms`. At least `quorum_percent` of all votes must be cast, and more
    than `majority_percent` of those cast be in favour; it takes effect `delay_ms` after the end of
    the vote at the earliest.
    """

    counting: Counting = Counting.HOME
    quorum_percent: int = 50
    majority_percent: int = 50
    open_ms: int = 7 * DAY_MS
    delay_ms: int = 14 * DAY_MS


@dataclass(frozen=True, slots=True)
class Carbon:
    """What a kWh of the grid emits, g of CO2, by this source."""

    grams_per_kwh: int
    source: str


@dataclass(frozen=True, slots=True)
class Community:
    """All that an interval is cleared and settled by. Raises BadCommunity.

    `domain`: the rollup's. `account`, `key_hash`: the community's own account (fees; the hub where
    there is one), whose key signs the changes that need no vote. `zone`: where its days begin.
    `area`: the balancing area of homes whose feeder names none. Tariffs and rules are in order of
    the times from which they are in force; rules are numbered from 1 without a gap.
    """

    name: str
    domain: int
    account: int
    key_hash: int
    zone: str
    members: tuple[Member, ...]
    tariffs: tuple[Tariff, ...]
    rules: tuple[Rules, ...]
    feeders: tuple[Feeder, ...] = ()
    profile: ProfileName = ProfileName.OPEN
    voting: Voting = Voting()
    area: str = ""
    carbon: Carbon | None = None

    _by_account: dict[int, Member] = field(init=False, repr=False, compare=False)
    _names: dict[int, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_community(self)
        object.__setattr__(self, "_by_account", {one.account: one for one in self.members})
        names = {one.account: one.name for one in self.members}
        object.__setattr__(self, "_names", {**names, self.account: self.name})

    @property
    def zone_info(self) -> ZoneInfo:
        """Its time zone."""
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadCommunity("zone", f"{self.zone!r} is no zone such as Europe/Berlin") from None

    @property
    def law(self) -> Profile:
        """What the law of the place allows, as its profile states it."""
        return PROFILES[self.profile]

    @property
    def names(self) -> Mapping[int, str]:
        """Who is behind an account: each home, and the community itself."""
        return self._names

    def member(self, account: int) -> Member:
        """The home with this account. Raises UnknownMember."""
        found = self.find(account)
        if found is None:
            raise UnknownMember(account)
        return found

    def find(self, account: int) -> Member | None:
        """The home with this account, None for none."""
        return self._by_account.get(account)

    def rules_at(self, time_ms: int) -> Rules:
        """The rules in force. Raises NothingInForce."""
        return _in_force("rules", self.rules, time_ms)

    def tariff_at(self, time_ms: int) -> Tariff:
        """The tariff in force. Raises NothingInForce."""
        return _in_force("tariff", self.tariffs, time_ms)

    def area_of(self, member: Member) -> str:
        """The balancing area that a home belongs to."""
        for feeder in self.feeders:
            if feeder.name == member.feeder and feeder.area:
                return feeder.area
        return self.area


def _in_force(what: str, dated: Sequence[_Dated], time_ms: int) -> _Dated:
    for one in reversed(dated):
        if one.valid_from_ms <= time_ms:
            return one
    raise NothingInForce(what, time_ms)
