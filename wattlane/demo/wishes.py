"""What each home of the demo wants, as it would state it once, with limits of its own.

Home by home the limits move away from the grid's prices, so that a price that suits one neighbour
may not suit another. Each would rather buy from whom it lives next to, and one takes green energy
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.community.rules import Side
from energy.intervals import Interval
from energy.orders.order import MOST_PREFERRED, Order
from wattlane.errors import BadChoice

STEPS_A_HOME = 4
"""The last home's limits come less than this part of the way from one grid price to the other."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A home sells all its surplus from one price on, and buys all it needs up to another.

    Prices in utok per kWh. `prefers`: neighbours, those first from whom it would rather buy.
    """

    home: str
    sells_from: int
    buys_up_to: int
    prefers: tuple[str, ...] = ()
    green_only: bool = False

    def orders(
        self, accounts: Mapping[str, int], span: Interval, first_number: int = 1
    ) -> tuple[Order, Order]:
        """Its two orders for all intervals that begin in the span. `accounts`: by home."""
        sells = Order(
            account=accounts[self.home],
            number=first_number,
            side=Side.SELL,
            limit_utok_per_kwh=self.sells_from,
            energy_wh=0,
            from_ms=span.start_ms,
            until_ms=span.end_ms,
        )
        buys = Order(
            account=accounts[self.home],
            number=first_number + 1,
            side=Side.BUY,
            limit_utok_per_kwh=self.buys_up_to,
            energy_wh=0,
            from_ms=span.start_ms,
            until_ms=span.end_ms,
            preferred=tuple(accounts[home] for home in self.prefers),
            green_only=self.green_only,
        )
        return sells, buys


def wishes(homes: Sequence[str], feed_in: int, retail: int) -> tuple[Wish, ...]:
    """What the homes want, in their order, with limits between the grid's prices (utok per kWh).

    Every home names all others, the next ones first, so that who buys from whom depends on nothing
    else. Raises BadChoice for more homes than an order can name.
    """
    if len(homes) > MOST_PREFERRED + 1:
        raise BadChoice(f"{len(homes)} homes: a demo's street has at most {MOST_PREFERRED + 1}")
    found = []
    for place, home in enumerate(homes):
        margin = (retail - feed_in) * place // (STEPS_A_HOME * len(homes))
        others = sorted(
            (other for other in range(len(homes)) if other != place),
            key=lambda other: (abs(other - place), other),
        )
        found.append(
            Wish(
                home,
                sells_from=feed_in + margin,
                buys_up_to=retail - margin,
                prefers=tuple(homes[other] for other in others),
                green_only=place == 1,
            )
        )
    return tuple(found)
