"""Whether what a home is said to have ordered and used can be its own: its key, its meter.

The community's account may amend who a member is, from one moment to the next: with another key it
could order in the member's name, with another meter say what it used. Both stand in the journal, so
the member's own agent sees it, and pays nothing that came of it.
"""

from __future__ import annotations

from collections.abc import Collection

from energy.errors import InOtherHands
from energy.market.market import Market


def check_own(market: Market, account: int, key_hash: int, own_meters: Collection[str]) -> None:
    """Raises InOtherHands where the account had another key when an order of its was taken, or has
    a meter that was shown, is none of `own_meters` (DIDs), and was added to it.

    Keys and meters that the account had before `key_hash` and the own meters are the home's older
    ones. Where no own meter is known, as it is read elsewhere, those count that the account had
    first: what came later may be another's, until its owner says that it is not.
    """
    versions = market.history.versions
    ends_ms = [*(one.from_ms for one in versions[1:]), market.time_ms]
    has_key, is_settled, older = False, False, set[str]()
    for version, end_ms in zip(versions, ends_ms, strict=True):
        community = version.community
        if account == community.account:
            return  # it amends the file itself
        member = next((one for one in community.members if one.account == account), None)
        if member is None:
            continue
        if member.key_hash == key_hash:
            has_key = True
        elif has_key:
            for placed in market.book.of_account(account):
                if version.from_ms <= placed.taken_ms <= end_ms:
                    raise InOtherHands(account, f"order 0x{placed.name.hex()} has another key")
        named = {key.did for key in member.meters}
        if not is_settled:
            older |= named
            is_settled = bool(named.intersection(own_meters) if own_meters else named)
        for did in named.difference(older, own_meters):
            if market.measuring.newest(did) is not None:
                raise InOtherHands(account, _strange(did, bool(own_meters)))


def _strange(did: str, is_own_known: bool) -> str:
    if is_own_known:
        return f"the meter {did} is not the one that is here"
    return f"the meter {did} was added to it later; if it is yours, name it with --meter-did"
