"""How much each bidder trades where all trade at one price and not all can have what they want.

As much is traded as the bids allow, then shared by the community's rule. A buyer that takes green
energy alone counts as any other, up to what the green sellers have: only where the shares would ask
for more green energy than they grant are they made apart, for green sellers and others, for buyers
of green and others.
"""

from __future__ import annotations

from collections.abc import Sequence

from energy.clearing.trades import Bid
from energy.community.rules import SharingRule
from energy.sharing import in_order, largest_remainder


def share(total_wh: int, most_wh: Sequence[int], rule: SharingRule) -> tuple[int, ...]:
    """`total_wh` <= sum of `most_wh`, pro rata by largest remainder, or to the first ones first."""
    if rule is SharingRule.FIRST_IN_FIRST_OUT:
        return in_order(total_wh, most_wh)
    return largest_remainder(total_wh, most_wh)


def share_out(
    sells: Sequence[Bid], buys: Sequence[Bid], rule: SharingRule
) -> tuple[list[int], list[int]]:
    """(Wh sold, Wh bought) of each bid, for bids by place that are all willing at one price.

    Both sums are the most that can be traded. Buyers of green alone get no more than green sellers
    sell. Ties of a remainder go to the lower place.
    """
    offered_wh = sum(bid.energy_wh for bid in sells)
    wanted_wh = sum(bid.energy_wh for bid in buys)
    green_wh = sum(bid.energy_wh for bid in sells if bid.is_green)
    green_only_wh = sum(bid.energy_wh for bid in buys if bid.green_only)
    as_green_wh = min(green_wh, green_only_wh)
    total_wh = as_green_wh + min(wanted_wh - green_only_wh, offered_wh - as_green_wh)

    wanting = [bid.green_only for bid in buys]
    bought = list(share(total_wh, [bid.energy_wh for bid in buys], rule))
    if _sum(bought, wanting) > green_wh:
        bought = _apart(total_wh, green_wh, buys, wanting, rule)
    needed_wh = _sum(bought, wanting)

    having = [bid.is_green for bid in sells]
    sold = list(share(total_wh, [bid.energy_wh for bid in sells], rule))
    if _sum(sold, having) < needed_wh:
        sold = _apart(total_wh, needed_wh, sells, having, rule)
    return sold, bought


def _sum(shares: Sequence[int], chosen: Sequence[bool]) -> int:
    return sum(wh for wh, is_chosen in zip(shares, chosen, strict=True) if is_chosen)


def _apart(
    total_wh: int, chosen_wh: int, bids: Sequence[Bid], chosen: Sequence[bool], rule: SharingRule
) -> list[int]:
    """Shares with `chosen_wh` of the total for the chosen bids and the rest for the others."""
    mine = iter(share(chosen_wh, _wh(bids, chosen, True), rule))
    others = iter(share(total_wh - chosen_wh, _wh(bids, chosen, False), rule))
    return [next(mine if is_chosen else others) for is_chosen in chosen]


def _wh(bids: Sequence[Bid], chosen: Sequence[bool], which: bool) -> list[int]:
    return [bid.energy_wh for bid, one in zip(bids, chosen, strict=True) if one is which]
