"""A community changes by what its account and its members have signed, and never backwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.canonical import decode, encode
from energy.community.ballots import Outcome
from energy.community.changes import (
    Amendment,
    Proposal,
    Vote,
    decode_amendment,
    decode_proposal,
    decode_vote,
    encode_amendment,
    encode_proposal,
    encode_vote,
)
from energy.community.community import Community, Counting, Voting
from energy.community.document import community_digest, encode_community
from energy.community.history import (
    History,
    advanced,
    amended,
    founded,
    proposed,
    voted,
)
from energy.community.members import MeterKey
from energy.community.profiles import ProfileName
from energy.community.rules import ClearingRule, Rules, Tariff, Topology
from energy.errors import BadCommunity, BadDocument, ChangeRefused, NotSigned, UnknownMember
from energy.signed import Signed, message
from tests.energy.community.streets import (
    DAY_MS,
    DOMAIN,
    OTHER_DID,
    SIGNERS,
    START_MS,
    member,
    street,
)

HOUR_MS = 3_600_000
NOW_MS = START_MS + DAY_MS
VOTING = Voting(quorum_percent=50, majority_percent=50, open_ms=7 * DAY_MS, delay_ms=2 * DAY_MS)
CLOSES_MS = NOW_MS + VOTING.open_ms
EFFECTIVE_MS = CLOSES_MS + VOTING.delay_ms
BETTER = Rules(1, 0, clearing=ClearingRule.UNIFORM)


def signed(document: bytes, account: int) -> Signed:
    """Signed by an account's key."""
    return Signed(document, SIGNERS[account].sign(message(document, DOMAIN), bytes(32)))


def begun(**changes: object) -> History:
    """A street of three homes, founded at START_MS."""
    community = street(**{"voting": VOTING, **changes})
    return founded(signed(encode_community(community), 0), START_MS)


def a_proposal(proposer: int = 1, change: Rules | Voting = BETTER, base: int = 1) -> Signed:
    """Signed by its proposer."""
    return signed(encode_proposal(Proposal(proposer, base, change, "it is fairer")), proposer)


def a_vote(voter: int, proposal: Signed, in_favour: bool = True) -> Signed:
    """Signed by its voter."""
    return signed(encode_vote(Vote(voter, proposal.digest, in_favour)), voter)


def an_amendment(history: History, community: Community) -> Signed:
    """Signed by the community's account."""
    return signed(encode_amendment(Amendment(history.latest.digest, community)), 0)


def outcome(votes: dict[int, bool], **changes: object) -> tuple[Outcome, History]:
    """What comes of a proposal on which these accounts vote."""
    proposal = a_proposal()
    history = proposed(begun(**changes), proposal, NOW_MS)
    for voter, in_favour in votes.items():
        history = voted(history, a_vote(voter, proposal, in_favour), NOW_MS + 1)
    history = advanced(history, EFFECTIVE_MS)
    return history.ballots[0].outcome, history


def test_each_document_comes_back_from_its_bytes() -> None:
    amendment = Amendment(bytes(32), street())
    assert decode_amendment(encode_amendment(amendment)) == amendment
    for change in (BETTER, VOTING):
        proposal = Proposal(1, 2, change, "a reason")
        assert decode_proposal(encode_proposal(proposal)) == proposal
    vote = Vote(1, bytes(32), False)
    assert decode_vote(encode_vote(vote)) == vote
    value = decode(encode_proposal(Proposal(1, 2, BETTER, "")), "proposal")
    assert isinstance(value, dict)
    del value["rules"]
    with pytest.raises(BadDocument, match="neither rules nor voting"):
        decode_proposal(encode(value))


def test_a_community_is_founded_by_its_own_account() -> None:
    history = begun()
    assert history.latest.digest == community_digest(street(voting=VOTING))
    assert history.at(START_MS).name == "Sunny Street"
    with pytest.raises(NotSigned, match="another key"):
        founded(signed(encode_community(street()), 1), START_MS)


def test_adopted_rules_take_effect_after_the_delay_and_never_before() -> None:
    result, history = outcome({1: True, 2: True})
    assert result is Outcome.ADOPTED
    community = history.latest.community
    assert community.rules[0] == street().rules[0]
    new = community.rules[1]
    assert (new.version, new.clearing) == (2, ClearingRule.UNIFORM)
    assert new.valid_from_ms == EFFECTIVE_MS == history.ballots[0].effective_ms
    assert community.rules_at(EFFECTIVE_MS - 1).version == 1
    assert community.rules_at(EFFECTIVE_MS).version == 2
    assert history.latest.from_ms == CLOSES_MS


def test_they_take_effect_at_a_full_hour_no_interval_has_two_rules() -> None:
    proposal = a_proposal()
    history = proposed(begun(), proposal, NOW_MS + 1)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, proposal), NOW_MS + 2)
    history = advanced(history, EFFECTIVE_MS + 1)
    assert history.latest.community.rules[1].valid_from_ms == EFFECTIVE_MS + HOUR_MS


def test_rules_that_were_already_listed_for_later_come_first() -> None:
    """A version never begins before the one that it follows."""
    listed_ms = EFFECTIVE_MS + 30 * DAY_MS
    proposal = a_proposal(base=2)
    history = begun(rules=(Rules(1, START_MS), Rules(2, listed_ms, adjust_days=7)))
    history = proposed(history, proposal, NOW_MS)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, proposal), NOW_MS)
    rules = advanced(history, CLOSES_MS).latest.community.rules
    assert [one.valid_from_ms for one in rules] == [START_MS, listed_ms, listed_ms + HOUR_MS]


def test_a_later_wish_is_kept() -> None:
    wished_ms = EFFECTIVE_MS + 10 * DAY_MS
    proposal = a_proposal(change=replace(BETTER, valid_from_ms=wished_ms))
    history = proposed(begun(), proposal, NOW_MS)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, proposal), NOW_MS)
    assert advanced(history, CLOSES_MS).latest.community.rules[1].valid_from_ms == wished_ms


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ({}, Outcome.NO_QUORUM),
        ({1: True}, Outcome.NO_QUORUM),
        ({1: True, 2: True}, Outcome.ADOPTED),
        ({1: True, 2: False}, Outcome.REJECTED),
        ({1: True, 2: True, 3: False}, Outcome.ADOPTED),
        ({1: False, 2: False, 3: False}, Outcome.REJECTED),
    ],
)
def test_a_quorum_has_to_vote_and_more_than_half_of_it_in_favour(
    votes: dict[int, bool], expected: Outcome
) -> None:
    result, history = outcome(votes)
    assert result is expected
    assert len(history.latest.community.rules) == (2 if expected is Outcome.ADOPTED else 1)


def test_votes_may_be_weighed() -> None:
    """No. 3 has 2 of 4 votes: half of them with no. 3 alone, more than half in no case."""
    weighed = replace(VOTING, counting=Counting.WEIGHT)
    assert outcome({3: True}, voting=weighed)[0] is Outcome.ADOPTED
    assert outcome({1: True}, voting=weighed)[0] is Outcome.NO_QUORUM
    assert outcome({1: True, 2: True, 3: False}, voting=weighed)[0] is Outcome.REJECTED
    assert outcome({1: True, 3: False}, voting=weighed)[0] is Outcome.REJECTED


def test_nothing_cast_adopts_nothing_even_without_a_quorum() -> None:
    assert outcome({}, voting=replace(VOTING, quorum_percent=0))[0] is Outcome.REJECTED


def test_a_member_may_change_its_mind_until_the_vote_closes() -> None:
    proposal = a_proposal()
    history = proposed(begun(), proposal, NOW_MS)
    history = voted(history, a_vote(1, proposal), NOW_MS)
    history = voted(history, a_vote(2, proposal), NOW_MS)
    history = voted(history, a_vote(2, proposal, in_favour=False), CLOSES_MS - 1)
    tally = history.ballots[0].tally()
    assert (tally.in_favour, tally.cast, tally.all) == (1, 2, 3)
    with pytest.raises(ChangeRefused, match="the vote is over: not enough were in favour"):
        voted(history, a_vote(2, proposal), CLOSES_MS)


def test_who_may_not_vote_or_propose_is_told_so() -> None:
    proposal = a_proposal()
    history = proposed(begun(), proposal, NOW_MS)
    with pytest.raises(UnknownMember, match="account 4"):
        voted(history, a_vote(4, proposal), NOW_MS)
    with pytest.raises(UnknownMember, match="account 0"):
        voted(history, a_vote(0, proposal), NOW_MS)
    forged = signed(encode_vote(Vote(2, proposal.digest, True)), 1)
    with pytest.raises(NotSigned, match="account 2"):
        voted(history, forged, NOW_MS)
    foreign = signed(encode_proposal(Proposal(2, 1, BETTER, "for you")), 1)
    with pytest.raises(NotSigned, match="account 2"):
        proposed(history, foreign, NOW_MS)
    with pytest.raises(ChangeRefused, match="there is no proposal 0x00"):
        voted(history, signed(encode_vote(Vote(1, bytes(32), True)), 1), NOW_MS)
    with pytest.raises(ChangeRefused, match="made before"):
        proposed(history, proposal, NOW_MS)
    with pytest.raises(ChangeRefused, match="has another one open"):
        proposed(history, a_proposal(change=VOTING), NOW_MS)
    joined = replace(
        history.latest.community, members=(*history.latest.community.members, member(4))
    )
    history = amended(history, an_amendment(history, joined), NOW_MS + 1)
    with pytest.raises(ChangeRefused, match="account 4 joined after"):
        voted(history, a_vote(4, proposal), NOW_MS + 2)


def test_rules_that_the_place_does_not_allow_are_not_even_voted_on() -> None:
    hub = street(
        voting=VOTING,
        profile=ProfileName.RETAILER_ONLY,
        rules=(Rules(1, START_MS, topology=Topology.HUB),),
    )
    history = founded(signed(encode_community(hub), 0), START_MS)
    with pytest.raises(BadCommunity, match="only the retailer may sell"):
        proposed(history, a_proposal(), NOW_MS)
    with pytest.raises(ChangeRefused, match="made for version 2 of the rules, the last is 1"):
        proposed(begun(), a_proposal(base=2), NOW_MS)


def test_a_proposal_has_a_reason_that_can_be_shown_and_a_time_that_comes() -> None:
    for reason in ("", "so\x1b[31m"):
        proposal = signed(encode_proposal(Proposal(1, 1, BETTER, reason)), 1)
        with pytest.raises(BadCommunity, match="no text of one line"):
            proposed(begun(), proposal, NOW_MS)
    late = replace(BETTER, valid_from_ms=NOW_MS + 6 * 366 * DAY_MS)
    with pytest.raises(ChangeRefused, match="more than five years"):
        proposed(begun(), a_proposal(change=late), NOW_MS)


def test_of_two_proposals_for_the_same_rules_the_second_is_void() -> None:
    first, second = a_proposal(1), a_proposal(2, replace(BETTER, adjust_days=30))
    history = proposed(begun(), first, NOW_MS)
    history = proposed(history, second, NOW_MS + 1)
    for proposal in (first, second):
        for voter in (1, 2, 3):
            history = voted(history, a_vote(voter, proposal), NOW_MS + 2)
    history = advanced(history, CLOSES_MS + 1)
    assert [one.outcome for one in history.ballots] == [Outcome.ADOPTED, Outcome.VOID]
    assert [one.adjust_days for one in history.latest.community.rules] == [60, 60]


def test_the_way_of_voting_is_voted_on_and_counts_only_after_the_delay() -> None:
    by_weight = replace(VOTING, counting=Counting.WEIGHT)
    change = a_proposal(1, by_weight)
    history = proposed(begun(), change, NOW_MS)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, change), NOW_MS)
    assert advanced(history, EFFECTIVE_MS - 1).latest.community.voting == VOTING
    history = advanced(history, EFFECTIVE_MS)
    assert history.latest.community.voting == by_weight
    assert history.latest.from_ms == EFFECTIVE_MS
    assert history.at(EFFECTIVE_MS - 1).voting == VOTING
    assert len(history.versions) == 2
    assert advanced(history, EFFECTIVE_MS + DAY_MS) == history


def test_the_treasurer_amends_facts_and_neither_rules_nor_the_past() -> None:
    history = begun()
    now = history.latest.community
    later = Tariff(NOW_MS + VOTING.delay_ms, 300_000, 70_000)
    better = replace(
        now,
        tariffs=(*now.tariffs, later),
        members=(*now.members, member(4, meters=(MeterKey(OTHER_DID, OTHER_DID[8:], NOW_MS),))),
    )
    history = amended(history, an_amendment(history, better), NOW_MS)
    assert history.latest.community == better
    assert history.at(NOW_MS - 1) == now
    assert history.at(NOW_MS) == better
    refused = {
        "rules: members vote on it": {"rules": (replace(now.rules[0], adjust_days=1),)},
        "voting: members vote on it": {"voting": Voting()},
        "zone: it stays": {"zone": "Europe/Paris"},
        "tariffs that are in force": {"tariffs": (replace(now.tariffs[0], fees=()), later)},
        "in force or were": {"tariffs": (*now.tariffs, replace(later, valid_from_ms=NOW_MS + 5))},
        "48 hours, as for rules": {"tariffs": now.tariffs},
    }
    for reason, changes in refused.items():
        other = an_amendment(history, replace(better, **changes))  # type: ignore[arg-type]
        with pytest.raises(ChangeRefused, match=reason):
            amended(history, other, NOW_MS + 5)
    with pytest.raises(ChangeRefused, match="has changed since it was written"):
        amended(history, an_amendment(begun(), better), NOW_MS + 5)
    stranger = Amendment(history.latest.digest, better)
    with pytest.raises(NotSigned):
        amended(history, signed(encode_amendment(stranger), 1), NOW_MS + 5)


def test_a_tariff_is_announced_as_long_ahead_as_rules_and_stays_once_it_is_near() -> None:
    history = begun()
    now = history.latest.community
    first_ms = NOW_MS + VOTING.delay_ms
    soon, later = (Tariff(time_ms, 300_000, 70_000) for time_ms in (first_ms - 1, first_ms))
    with pytest.raises(ChangeRefused, match="begin before what the community gives everyone"):
        amended(history, an_amendment(history, replace(now, tariffs=(*now.tariffs, soon))), NOW_MS)
    history = amended(
        history, an_amendment(history, replace(now, tariffs=(*now.tariffs, later))), NOW_MS
    )
    assert amended(history, an_amendment(history, now), NOW_MS).latest.community == now
    dearer = replace(now, tariffs=(*now.tariffs, replace(later, retail_utok_per_kwh=400_000)))
    for changed in (now, dearer):
        with pytest.raises(ChangeRefused, match="48 hours"):
            amended(history, an_amendment(history, changed), NOW_MS + 1)
    at_once = begun(voting=replace(VOTING, delay_ms=0))
    begins_now = replace(later, valid_from_ms=NOW_MS)
    changed = replace(at_once.latest.community, tariffs=(*now.tariffs, begins_now))
    with pytest.raises(ChangeRefused, match="in force or were"):
        amended(at_once, an_amendment(at_once, changed), NOW_MS)


def test_an_amendment_during_a_vote_neither_undoes_it_nor_is_undone() -> None:
    proposal = a_proposal()
    history = proposed(begun(), proposal, NOW_MS)
    bigger = replace(
        history.latest.community, members=(*history.latest.community.members, member(4))
    )
    history = amended(history, an_amendment(history, bigger), NOW_MS + 1)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, proposal), NOW_MS + 2)
    history = advanced(history, CLOSES_MS)
    community = history.latest.community
    assert [one.version for one in community.rules] == [1, 2]
    assert community.member(4).account == 4
    stale = Amendment(community_digest(bigger), replace(bigger, name="Rainy Street"))
    with pytest.raises(ChangeRefused, match="has changed since it was written"):
        amended(history, signed(encode_amendment(stale), 0), CLOSES_MS)


def test_a_new_law_makes_void_what_it_does_not_allow() -> None:
    hub = (Rules(1, START_MS, topology=Topology.HUB),)
    proposal = a_proposal(change=replace(BETTER, topology=Topology.MESH))
    history = proposed(begun(rules=hub), proposal, NOW_MS)
    for voter in (1, 2):
        history = voted(history, a_vote(voter, proposal), NOW_MS)
    law = replace(history.latest.community, profile=ProfileName.RETAILER_ONLY)
    history = amended(history, an_amendment(history, law), NOW_MS)
    history = advanced(history, CLOSES_MS)
    assert history.ballots[0].outcome is Outcome.VOID
    assert history.latest.community == law


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(NOW_MS, EFFECTIVE_MS + HOUR_MS), max_size=5))
def test_it_makes_no_difference_how_often_someone_looks(looks_ms: list[int]) -> None:
    history = LOOKED_AT
    for time_ms in sorted(looks_ms):
        history = advanced(history, time_ms)
    assert advanced(history, EFFECTIVE_MS + HOUR_MS) == advanced(LOOKED_AT, EFFECTIVE_MS + HOUR_MS)


def _with_two_open() -> History:
    first, second = a_proposal(1), a_proposal(2, replace(VOTING, delay_ms=HOUR_MS))
    history = proposed(begun(), first, NOW_MS)
    history = proposed(history, second, NOW_MS)
    for proposal in (first, second):
        for voter in (1, 2, 3):
            history = voted(history, a_vote(voter, proposal), NOW_MS)
    return history


LOOKED_AT = _with_two_open()
