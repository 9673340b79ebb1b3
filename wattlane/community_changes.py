"""Changes of a community from its files: what differs, signed by whoever may change it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from energy.community.changes import (
    Amendment,
    Proposal,
    Vote,
    encode_amendment,
    encode_proposal,
    encode_vote,
)
from energy.community.community import Community
from energy.community.document import community_digest, encode_community
from energy.community.members import Member
from energy.errors import BadDocument
from energy.signed import Signed, decode_signed, encode_signed, message
from wattlane.errors import BadChoice

if TYPE_CHECKING:
    from channels.wallet import Wallet

DIGEST_BYTES = 32
VOTED_ON = ("rules", "voting")


@dataclass(frozen=True, slots=True)
class Change:
    """A signed document that changes a community. `encoded`: as it is sent. `digest`: its name."""

    encoded: bytes
    digest: bytes


def founding(community: Community, wallet: Wallet) -> Change:
    """The community's first document. Raises BadChoice for a wallet that is not its own."""
    check_own(community, wallet)
    return signed_change(encode_community(community), community, wallet)


def amendment(before: Community, after: Community, wallet: Wallet) -> Change:
    """The community as `after` in place of `before`. Raises BadChoice."""
    check_own(before, wallet)
    changed = _changed(before, after)
    if not changed:
        raise BadChoice("the two files say the same: there is nothing to amend")
    for name in VOTED_ON:
        if name in changed:
            raise BadChoice(
                f"the files differ in {name}: members vote on that, so propose it "
                "(`wattlane market community propose`)"
            )
    return signed_change(
        encode_amendment(Amendment(community_digest(before), after)), before, wallet
    )


def proposal(before: Community, after: Community, reason: str, wallet: Wallet) -> Change:
    """The one version of the rules that `after` adds, or its way of voting. Raises BadChoice."""
    changed = _changed(before, after)
    if len(changed) != 1 or changed[0] not in VOTED_ON:
        differ = ", ".join(changed) or "nothing"
        raise BadChoice(
            f"the files differ in: {differ}. A proposal is of one thing: of one more version of "
            "the rules at their end, or of another [voting]"
        )
    if changed == ["rules"] and after.rules[:-1] != before.rules:
        raise BadChoice(
            "rules that there are stay as they are, so that nothing acts backwards: add one "
            f"version, number {len(before.rules) + 1}, at the end"
        )
    change = after.rules[-1] if changed == ["rules"] else after.voting
    member = member_of(before, wallet)
    encoded = encode_proposal(Proposal(member.account, before.rules[-1].version, change, reason))
    return signed_change(encoded, before, wallet)


def vote(community: Community, proposed: bytes, in_favour: bool, wallet: Wallet) -> Change:
    """A member's vote on the proposal of this digest. Raises BadChoice."""
    member = member_of(community, wallet)
    return signed_change(encode_vote(Vote(member.account, proposed, in_favour)), community, wallet)


def home_of(community: Community, wallet: Wallet) -> Member | None:
    """The home whose account the wallet's key signs for, None for none."""
    found = (one for one in community.members if one.key_hash == wallet.key_hash)
    return next(found, None)


def member_of(community: Community, wallet: Wallet) -> Member:
    """The home whose account the wallet's key signs for. Raises BadChoice."""
    found = home_of(community, wallet)
    if found is not None:
        return found
    raise BadChoice(
        f"{wallet.path} signs for no home of {community.name}: --folder names the home's folder, "
        f"and its file would have to name the key hash {wallet.key_hash:#066x}"
    )


def proposal_digest(given: str) -> bytes:
    """The name of a proposal, from 0x and 64 digits or from its file. Raises BadChoice."""
    if given.startswith("0x"):
        try:
            digest = bytes.fromhex(given[2:])
        except ValueError:
            digest = b""
        if len(digest) != DIGEST_BYTES:
            raise BadChoice(f"{given[:80]!r} is no proposal's name: 0x and 64 hexadecimal digits")
        return digest
    return read_signed(Path(given)).digest


def read_signed(path: Path) -> Signed:
    """A signed document from its file. Raises BadChoice."""
    try:
        return decode_signed(path.read_bytes())
    except OSError as error:
        raise BadChoice(f"{path}: {error.strerror}") from error
    except BadDocument as error:
        raise BadChoice(f"{path}: {error}") from error


def check_own(community: Community, wallet: Wallet) -> None:
    """Raises BadChoice unless the wallet is that of the community's own account."""
    if wallet.key_hash != community.key_hash:
        raise BadChoice(
            f"only the community's own account signs this: its key_hash is "
            f"{community.key_hash:#066x}, the wallet's {wallet.key_hash:#066x}; --folder names "
            "the folder of its wallet"
        )


def _changed(before: Community, after: Community) -> list[str]:
    """The parts in which they differ, as the file calls them."""
    return [
        field.name
        for field in fields(Community)
        if field.compare and getattr(before, field.name) != getattr(after, field.name)
    ]


def signed_change(document: bytes, community: Community, wallet: Wallet) -> Change:
    """A document under the wallet's signature."""
    signed = Signed(document, wallet.sign(message(document, community.domain)))
    return Change(encode_signed(signed), signed.digest)
