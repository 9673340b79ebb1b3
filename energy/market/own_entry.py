"""Whether what a home is said to have ordered and used can be its own: its key, its meter.

The community's account may amend who a member is, from one moment to the next: with another key it
could order in the member's name, with another meter say what it used. Both stand in the journal, so
the member's own agent sees it, and pays nothing that came of it.
"""

from __future__ import annotations

from energy.errors import InOtherHands
from energy.market.market import Market


def check_own(market: Market, account: int, key_hash: int, meter: str | None) -> None:
    """Raises InOtherHands where the account had another key when an order of its was taken, or has
    a meter that was shown, is not `meter` (None: not known), and was added to it.

    Keys and meters that the account had before `key_hash` and `meter` are the home's older ones.
    """
    versions = market.history.versions
    ends_ms = [*(one.from_ms for one in versions[1:]), market.time_ms]
    has_key, meters = False, set[str]()
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
        if meter is None or meter not in meters:
            meters |= named
        for did in named - meters:
            if market.measuring.newest(did) is not None:
                raise InOtherHands(account, f"the meter {did} is not the one that is here")
