"""The prices that homes name in a replay: none, a stated spread, or each its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.community.rules import Tariff


@dataclass(frozen=True, slots=True)
class Limit:
    """A home's lowest selling and highest buying price, utok per kWh."""

    sell_utok_per_kwh: int
    buy_utok_per_kwh: int


Limits = Mapping[int, Limit]
"""By home."""


def no_limits(homes: Sequence[int], tariff: Tariff) -> Limits:
    """Everybody sells for anything and buys for as much as the grid takes."""
    return {home: Limit(0, tariff.retail_utok_per_kwh) for home in homes}


def spread_limits(homes: Sequence[int], tariff: Tariff) -> Limits:
    """From homes that take any price to homes that want three quarters of the gain, equal steps.

    The first home sells from the grid's feed-in price and buys up to its retail price; the last
    sells only above three quarters of the way between them, and buys below one quarter.
    """
    low, high = tariff.feed_in_utok_per_kwh, tariff.retail_utok_per_kwh
    steps = max(1, 4 * (len(homes) - 1))
    asked = [3 * (high - low) * step // steps for step in range(len(homes))]
    return {home: Limit(low + more, high - more) for home, more in zip(homes, asked, strict=True)}
