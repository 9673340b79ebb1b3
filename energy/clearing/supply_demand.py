"""One price between the grid's two, nearer to the retail price the scarcer the energy is.

price = low + (high - low) * demand / (supply + demand), rounded down. low = feed-in and what a
seller pays in fees, high = retail less what a buyer pays in fees: at any price between them both
are at least as well off as with the grid. With as much supply as demand it is the middle.

Only bids that are willing at the price count: supply is that of sellers whose limit is at most the
price, demand that of buyers whose limit is at least the price. The rule's price falls as the price
looked at rises, so there is one highest price that is not above it, and that is the price. Everyone
who is willing at it trades; what is scarce is shared by the community's sharing rule.
Ref: docs/market.md; docs/adr/0024-clearing.md, also on the ratio of Liu et al., "Energy-Sharing
Model With Price-Based Demand Response for Microgrids of Peer-to-Peer Prosumers", IEEE Transactions
on Power Systems 32(5), 2017, doi:10.1109/TPWRS.2017.2649558.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from energy.clearing.pairing import pair
from energy.clearing.shares import share_out
from energy.clearing.trades import Bid, Trade
from energy.community.rules import SharingRule, Side, Tariff


def price_range(tariff: Tariff) -> tuple[int, int]:
    """(low, high), utok per kWh, both included; no price is left where low > high."""
    low = tariff.feed_in_utok_per_kwh + fees_of(Side.SELL, tariff)
    return low, tariff.retail_utok_per_kwh - fees_of(Side.BUY, tariff)


def fees_of(side: Side, tariff: Tariff) -> int:
    """All that this side pays on each kWh traded between neighbours, utok per kWh."""
    return sum(fee.utok_per_kwh for fee in tariff.fees if fee.paid_by is side)


def supply_demand_price(sells: Sequence[Bid], buys: Sequence[Bid], low: int, high: int) -> int:
    """The price, utok per kWh, for low <= high."""
    supply, demand = _Curve(sells), _Curve(buys)

    def by_rule(price: int) -> int:
        supply_wh = supply.up_to(price)
        demand_wh = demand.total_wh - demand.below(price)
        if not demand_wh:
            return low
        return low + (high - low) * demand_wh // (supply_wh + demand_wh)

    least, most = low, high
    while least < most:
        middle = (least + most + 1) // 2
        if by_rule(middle) >= middle:
            least = middle
        else:
            most = middle - 1
    return least


def clear_supply_demand(
    sells: Sequence[Bid], buys: Sequence[Bid], sharing: SharingRule, tariff: Tariff
) -> tuple[int, list[Trade]]:
    """(price, trades) for bids by place; the price is 0 where nothing is traded."""
    low, high = price_range(tariff)
    if low > high:
        return 0, []
    price = supply_demand_price(sells, buys, low, high)
    willing_sells = [bid for bid in sells if bid.limit_utok_per_kwh <= price]
    willing_buys = [bid for bid in buys if bid.limit_utok_per_kwh >= price]
    sold, bought = share_out(willing_sells, willing_buys, sharing)
    trades = [
        Trade(sell.home, buy.home, sell.order, buy.order, wh, price)
        for sell, buy, wh in pair(willing_sells, sold, willing_buys, bought)
    ]
    return (price, trades) if trades else (0, [])


class _Curve:
    """How much energy stands up to a limit."""

    def __init__(self, bids: Sequence[Bid]) -> None:
        at_limit: dict[int, int] = defaultdict(int)
        for bid in bids:
            at_limit[bid.limit_utok_per_kwh] += bid.energy_wh
        self._limits = sorted(at_limit)
        self._sums = list(accumulate((at_limit[limit] for limit in self._limits), initial=0))
        self.total_wh = self._sums[-1]

    def up_to(self, price: int) -> int:
        """Wh with a limit <= price."""
        return self._sums[bisect_right(self._limits, price)]

    def below(self, price: int) -> int:
        """Wh with a limit < price."""
        return self._sums[bisect_left(self._limits, price)]
