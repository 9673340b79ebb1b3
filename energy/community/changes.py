"""What changes a community: its founding, amendments, proposals and votes, each a signed document.

The community's own account signs matters of fact: its founding, and amendments (members, meters,
connections, feeders, tariffs to come). Members sign matters of choice: proposals of new rules or of
another way of voting, and votes on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from energy.canonical import Value, decode, encode
from energy.community.community import Community, Voting
from energy.community.document import MOST_BYTES, community_of, community_value
from energy.community.rules import Rules
from energy.errors import BadDocument
from energy.fields import Fields
from energy.records import record_of, record_value

AMENDMENT, PROPOSAL, VOTE = "amendment", "proposal", "vote"
DIGEST_BYTES = 32
MOST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Amendment:
    """The community as it shall be, in place of the version with the digest `before`."""

    before: bytes
    community: Community


@dataclass(frozen=True, slots=True)
class Proposal:
    """Member `proposer` proposes new rules, or another way of voting, and says why.

    `base`: the version of the rules that it was made for; where others are adopted first it is
    void. The new rules get the next number. They take effect at `rules.valid_from_ms`, or as soon
    as the delay after the vote is over where that is later.
    """

    proposer: int
    base: int
    change: Rules | Voting
    reason: str


@dataclass(frozen=True, slots=True)
class Vote:
    """Member `voter` is for or against the proposal of this digest; its last vote counts."""

    voter: int
    proposal: bytes
    in_favour: bool


def encode_amendment(amendment: Amendment) -> bytes:
    """The canonical bytes that the community's account signs."""
    return encode(
        {
            "type": AMENDMENT,
            "before": amendment.before,
            "community": community_value(amendment.community),
        }
    )


def decode_amendment(encoded: bytes) -> Amendment:
    """An amendment of canonical bytes. Raises BadDocument, BadCommunity."""
    fields = Fields(decode(encoded, AMENDMENT, MOST_BYTES), AMENDMENT)
    fields.of_type(AMENDMENT)
    amendment = Amendment(
        fields.octets("before", DIGEST_BYTES), community_of(fields.take("community"))
    )
    fields.end()
    return amendment


def encode_proposal(proposal: Proposal) -> bytes:
    """The canonical bytes that its proposer signs; their digest is what is voted on."""
    what = "rules" if isinstance(proposal.change, Rules) else "voting"
    return encode(
        {
            "type": PROPOSAL,
            "proposer": proposal.proposer,
            "base": proposal.base,
            what: record_value(proposal.change),
            "reason": proposal.reason,
        }
    )


def decode_proposal(encoded: bytes) -> Proposal:
    """A proposal of canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, PROPOSAL), PROPOSAL)
    fields.of_type(PROPOSAL)
    change: Rules | Voting
    if fields.has("rules"):
        change = record_of(Rules, fields.take("rules"), "rules")
    elif fields.has("voting"):
        change = record_of(Voting, fields.take("voting"), "voting")
    else:
        raise BadDocument(PROPOSAL, "it proposes neither rules nor voting")
    proposal = Proposal(
        proposer=fields.whole("proposer"),
        base=fields.whole("base", 1),
        change=change,
        reason=fields.text("reason", MOST_REASON),
    )
    fields.end()
    return proposal


def encode_vote(vote: Vote) -> bytes:
    """The canonical bytes that its voter signs."""
    value: dict[str, Value] = {
        "type": VOTE,
        "voter": vote.voter,
        "proposal": vote.proposal,
        "in_favour": vote.in_favour,
    }
    return encode(value)


def decode_vote(encoded: bytes) -> Vote:
    """A vote of canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, VOTE), VOTE)
    fields.of_type(VOTE)
    vote = Vote(
        fields.whole("voter"), fields.octets("proposal", DIGEST_BYTES), fields.flag("in_favour")
    )
    fields.end()
    return vote
