"""A community over time: a pure fold over what was signed, in the order in which it was taken.

Nothing acts backwards: an amendment is in force from the moment at which it is taken, adopted rules
from a full hour after their delay, and neither touches rules or tariffs that are in force already.
Tariffs keep the rules' delay: none that begins within it is added, changed or taken out.
Whoever folds the same documents at the same times has the same history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from energy.community.ballots import HOUR_MS, Ballot, Outcome, electorate_of
from energy.community.changes import (
    AMENDMENT,
    PROPOSAL,
    VOTE,
    Amendment,
    Proposal,
    Vote,
    decode_amendment,
    decode_proposal,
    decode_vote,
)
from energy.community.community import Community
from energy.community.consistency import check_one_rules, check_text, check_voting
from energy.community.document import community_digest, decode_community
from energy.community.members import Member
from energy.community.rules import Rules
from energy.errors import BadCommunity, ChangeRefused, NothingInForce, UnknownMember
from energy.signed import Signed, check_signed

MOST_AHEAD_MS = 5 * 366 * 86_400_000
"""The latest beginning that rules can be proposed for, from now."""


@dataclass(frozen=True, slots=True)
class Version:
    """The community from `from_ms` on, until the next version. `digest`: its canonical form's."""

    from_ms: int
    community: Community
    digest: bytes


@dataclass(frozen=True, slots=True)
class History:
    """All versions and all ballots, the newest last."""

    versions: tuple[Version, ...]
    ballots: tuple[Ballot, ...] = ()

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    def at(self, time_ms: int) -> Community:
        """The community as it stood at a time. Raises NothingInForce."""
        for version in reversed(self.versions):
            if version.from_ms <= time_ms:
                return version.community
        raise NothingInForce("community", time_ms)

    @property
    def names(self) -> Mapping[int, str]:
        """Who is behind an account, or was last: homes that have left are in it, too."""
        return {
            account: name for one in self.versions for account, name in one.community.names.items()
        }

    def member(self, account: int, time_ms: int) -> Member:
        """The home with an account at a time, or as it was when it left before; a home that came
        later, as it came. Raises UnknownMember."""
        later = None
        for version in reversed(self.versions):
            found = version.community.find(account)
            if found is not None and version.from_ms <= time_ms:
                return found
            later = found or later
        if later is None:
            raise UnknownMember(account)
        return later

    def homes_until(self, account: int, time_ms: int) -> tuple[Member, ...]:
        """An account's home in each version up to a time, the newest first."""
        return tuple(
            found
            for version in reversed(self.versions)
            if version.from_ms <= time_ms and (found := version.community.find(account))
        )

    def members_with(self, meter: str, time_ms: int) -> Sequence[Member]:
        """By whom a meter's word of a time is judged: the members of the newest version that lists
        it, unless it was taken out before that time already; then those of now."""
        left_ms = None
        for version in reversed(self.versions):
            if left_ms is not None and left_ms <= time_ms:
                break
            if any(key.did == meter for one in version.community.members for key in one.meters):
                return version.community.members
            left_ms = version.from_ms
        return self.latest.community.members

    def ballot(self, proposal: bytes) -> Ballot | None:
        """The ballot on the proposal of this digest."""
        return next((one for one in self.ballots if one.digest == proposal), None)


def founded(signed: Signed, time_ms: int) -> History:
    """The history that a community's first document begins, signed by its own account.

    Its rules and tariffs count from the times that it gives, so that what was metered before can be
    replayed. Raises BadDocument, BadCommunity, NotSigned.
    """
    community = decode_community(signed.document)
    check_signed(signed, community.domain, community.account, community.key_hash)
    first_ms = min(time_ms, community.rules[0].valid_from_ms)
    return History((Version(first_ms, community, signed.digest),))


def amended(history: History, signed: Signed, time_ms: int) -> History:
    """With an amendment. Raises BadDocument, BadCommunity, NotSigned, ChangeRefused."""
    history = advanced(history, time_ms)
    amendment = decode_amendment(signed.document)
    now = history.latest.community
    check_signed(signed, now.domain, now.account, now.key_hash)
    _check_amendment(history, amendment, time_ms)
    return _with_version(history, amendment.community, time_ms)


def proposed(history: History, signed: Signed, time_ms: int) -> History:
    """With a proposal, and its ballot open.

    Raises BadDocument, BadCommunity, UnknownMember, NotSigned, ChangeRefused.
    """
    history = advanced(history, time_ms)
    proposal = decode_proposal(signed.document)
    community = history.latest.community
    proposer = community.member(proposal.proposer)
    check_signed(signed, community.domain, proposer.account, proposer.key_hash)
    if history.ballot(signed.digest) is not None:
        raise ChangeRefused("proposal", "it was made before")
    for ballot in history.ballots:
        if ballot.proposal.proposer == proposer.account and ballot.outcome is Outcome.OPEN:
            raise ChangeRefused("proposal", f"{proposer.name} has another one open")
    _check_proposal(proposal, community, time_ms)
    ballot = Ballot(signed.digest, proposal, community.voting, time_ms, electorate_of(community))
    return replace(history, ballots=(*history.ballots, ballot))


def voted(history: History, signed: Signed, time_ms: int) -> History:
    """With a vote, in place of an earlier one of the same member.

    Raises BadDocument, UnknownMember, NotSigned, ChangeRefused.
    """
    history = advanced(history, time_ms)
    vote = decode_vote(signed.document)
    community = history.latest.community
    voter = community.member(vote.voter)
    check_signed(signed, community.domain, voter.account, voter.key_hash)
    ballot = _open_ballot(history, vote)
    cast = {**ballot.cast, vote.voter: vote.in_favour}
    return _with_ballot(history, replace(ballot, cast=cast))


def advanced(history: History, time_ms: int) -> History:
    """With what has been decided, and what has taken effect, by a time.

    It makes no difference whether time passes in one step or in many: each ballot is decided as
    of the moment when it closed.
    """
    while True:
        due = [
            (ballot.closes_ms, place)
            for place, ballot in enumerate(history.ballots)
            if ballot.outcome is Outcome.OPEN and ballot.closes_ms <= time_ms
        ] + [
            (ballot.effective_ms, place)
            for place, ballot in enumerate(history.ballots)
            if ballot.outcome is Outcome.ADOPTED
            and not ballot.is_listed
            and ballot.effective_ms <= time_ms
        ]
        if not due:
            return history
        at_ms, place = min(due)
        ballot = history.ballots[place]
        if ballot.outcome is Outcome.OPEN:
            history = _decided(history, ballot)
        else:
            assert not isinstance(ballot.proposal.change, Rules)
            community = replace(history.latest.community, voting=ballot.proposal.change)
            history = _with_ballot(history, replace(ballot, is_listed=True))
            history = _with_version(history, community, at_ms)


def _decided(history: History, ballot: Ballot) -> History:
    """With a ballot counted that has closed."""
    change = ballot.proposal.change
    outcome = ballot.counted()
    if outcome is not Outcome.ADOPTED:
        return _with_ballot(history, replace(ballot, outcome=outcome))
    if isinstance(change, Rules):
        return _listed(history, ballot, change)
    effective_ms = ballot.earliest_ms(0)
    return _with_ballot(history, replace(ballot, outcome=outcome, effective_ms=effective_ms))


def _listed(history: History, ballot: Ballot, adopted: Rules) -> History:
    """With adopted rules in the community's list, for their time, unless they have become void."""
    community = history.latest.community
    last = community.rules[-1]
    effective_ms = max(ballot.earliest_ms(adopted.valid_from_ms), last.valid_from_ms + HOUR_MS)
    rules = replace(adopted, version=last.version + 1, valid_from_ms=effective_ms)
    try:
        check_one_rules(rules, community.law)
        is_void = ballot.proposal.base != last.version
    except BadCommunity:  # the profile was amended while the vote was open
        is_void = True
    if is_void:
        return _with_ballot(history, replace(ballot, outcome=Outcome.VOID))
    ballot = replace(ballot, outcome=Outcome.ADOPTED, effective_ms=effective_ms, is_listed=True)
    community = replace(community, rules=(*community.rules, rules))
    return _with_version(_with_ballot(history, ballot), community, ballot.closes_ms)


def _check_amendment(history: History, amendment: Amendment, time_ms: int) -> None:
    before, after = history.latest.community, amendment.community
    if amendment.before != history.latest.digest:
        raise ChangeRefused(
            "amendment", "the community has changed since it was written: write it anew"
        )
    for name in ("domain", "account", "zone", "rules", "voting"):
        if getattr(before, name) != getattr(after, name):
            how = "members vote on it" if name in ("rules", "voting") else "it stays what it is"
            raise ChangeRefused("amendment", f"it changes the {name}: {how}")
    first_ms = max(time_ms + 1, time_ms + before.voting.delay_ms)
    fixed, others = (
        [one for one in community.tariffs if one.valid_from_ms < first_ms]
        for community in (before, after)
    )
    if fixed != others:
        raise ChangeRefused(
            "amendment",
            "it changes tariffs that are in force or were, or begin before what the community "
            f"gives everyone as notice: {before.voting.delay_ms // HOUR_MS} hours, as for rules",
        )


def _check_proposal(proposal: Proposal, community: Community, time_ms: int) -> None:
    check_text("reason", proposal.reason)
    last = community.rules[-1]
    if proposal.base != last.version:
        raise ChangeRefused(
            "proposal",
            f"it is made for version {proposal.base} of the rules, the last is {last.version}",
        )
    if isinstance(proposal.change, Rules):
        rules = replace(proposal.change, version=last.version + 1)
        check_one_rules(rules, community.law)
        if rules.valid_from_ms > time_ms + MOST_AHEAD_MS:
            raise ChangeRefused("proposal", "its rules would begin in more than five years")
    else:
        check_voting(proposal.change)


def _open_ballot(history: History, vote: Vote) -> Ballot:
    ballot = history.ballot(vote.proposal)
    if ballot is None:
        raise ChangeRefused("vote", f"there is no proposal 0x{vote.proposal.hex()}")
    if ballot.outcome is not Outcome.OPEN:
        raise ChangeRefused("vote", f"the vote is over: {ballot.outcome.value}")
    if vote.voter not in ballot.electorate:
        raise ChangeRefused("vote", f"account {vote.voter} joined after the proposal was made")
    return ballot


def _with_version(history: History, community: Community, from_ms: int) -> History:
    version = Version(from_ms, community, community_digest(community))
    return replace(history, versions=(*history.versions, version))


def _with_ballot(history: History, ballot: Ballot) -> History:
    others = tuple(ballot if one.digest == ballot.digest else one for one in history.ballots)
    return replace(history, ballots=others)


TAKEN = {AMENDMENT: amended, PROPOSAL: proposed, VOTE: voted}
"""What takes each type of document into a history; `founded` takes the first."""
