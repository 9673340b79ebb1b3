"""A vote: who may cast how many, what was cast, and what came of it. Counting is all it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from energy.community.changes import Proposal
from energy.community.community import Community, Counting, Voting
from energy.intervals import interval_at

HUNDRED_PERCENT = 100
HOUR_MS = 3_600_000


class Outcome(Enum):
    """What came of a proposal."""

    OPEN = "open"
    ADOPTED = "adopted"
    NO_QUORUM = "too few have voted"
    REJECTED = "not enough were in favour"
    VOID = "other rules came first, or the place does not allow them any more"


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes in favour, cast at all, and of all who may vote."""

    in_favour: int
    cast: int
    all: int


@dataclass(frozen=True, slots=True)
class Ballot:
    """A proposal and its votes. Times in Unix ms, UTC.

    `digest`: the proposal's. `voting`: the rules of the vote, those when it was proposed.
    `electorate`: the members at that time and how many votes each has. `cast`: by member.
    `effective_ms`: from when the change is in force; 0 unless it was adopted. `is_listed`: the
    community says so, as it does from the decision on for rules, and from then on for voting.
    """

    digest: bytes
    proposal: Proposal
    voting: Voting
    opened_ms: int
    electorate: Mapping[int, int]
    cast: Mapping[int, bool] = field(default_factory=dict)
    outcome: Outcome = Outcome.OPEN
    effective_ms: int = 0
    is_listed: bool = False

    @property
    def closes_ms(self) -> int:
        """Votes count that were taken before."""
        return self.opened_ms + self.voting.open_ms

    def tally(self) -> Tally:
        """What has been cast so far."""
        weights = self.electorate
        return Tally(
            sum(weights[voter] for voter, in_favour in self.cast.items() if in_favour),
            sum(weights[voter] for voter in self.cast),
            sum(weights.values()),
        )

    def counted(self) -> Outcome:
        """What came of it by its own votes: ADOPTED, NO_QUORUM or REJECTED."""
        tally = self.tally()
        if tally.cast * HUNDRED_PERCENT < tally.all * self.voting.quorum_percent:
            return Outcome.NO_QUORUM
        if tally.in_favour * HUNDRED_PERCENT <= tally.cast * self.voting.majority_percent:
            return Outcome.REJECTED
        return Outcome.ADOPTED

    def earliest_ms(self, wished_ms: int) -> int:
        """When the change takes effect at the earliest: the delay is over, and a full hour."""
        due_ms = max(self.closes_ms + self.voting.delay_ms, wished_ms)
        hour = interval_at(due_ms, HOUR_MS)
        return hour.start_ms if hour.start_ms == due_ms else hour.end_ms


def electorate_of(community: Community) -> dict[int, int]:
    """How many votes each member has."""
    by_home = community.voting.counting is Counting.HOME
    return {one.account: 1 if by_home else one.weight for one in community.members}
