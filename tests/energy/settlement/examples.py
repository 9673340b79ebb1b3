"""Small intervals to settle."""

from __future__ import annotations

from hypothesis import strategies as st

from energy.canonical import digest
from energy.clearing.trades import Clearing, Trade
from energy.community.rules import (
    DeviationRule,
    Fee,
    FeeKind,
    Rules,
    SharingRule,
    Side,
    Tariff,
    Timing,
)
from energy.intervals import QUARTER_MS, Interval
from energy.settlement.documents import encode_clearing
from energy.settlement.flows import Metered, Settlement
from energy.settlement.settle import settle

INTERVAL = Interval(1_782_900_000_000, 1_782_900_000_000 + QUARTER_MS)
COMMUNITY = 99
SELL_ORDER, BUY_ORDER = digest(b"sell"), digest(b"buy")
FEES = (
    Fee(FeeKind.GRID, 30_000, Side.BUY),
    Fee(FeeKind.COMMUNITY, 5_000, Side.SELL),
    Fee(FeeKind.TAX, 10_000, Side.BUY),
)
TARIFF = Tariff(0, retail_utok_per_kwh=280_000, feed_in_utok_per_kwh=80_000, fees=FEES)


def trade(seller: int, buyer: int, energy_wh: int, price: int = 180_000) -> Trade:
    return Trade(seller, buyer, SELL_ORDER, BUY_ORDER, energy_wh, price)


def clearing(*trades: Trade, interval: Interval = INTERVAL) -> Clearing:
    return Clearing(interval, 1, 0, trades)


def metered(home: int, import_wh: int, export_wh: int, interval: Interval = INTERVAL) -> Metered:
    return Metered(home, interval, import_wh, export_wh, digest(b"first"), digest(b"last"))


def settled(
    given: Clearing, meters: list[Metered], rules: Rules, tariff: Tariff = TARIFF
) -> Settlement:
    return settle(given, meters, rules, tariff, digest(encode_clearing(given)))


def rules(**fields: object) -> Rules:
    return Rules(1, 0, **fields)  # type: ignore[arg-type]


@st.composite
def intervals_to_settle(
    draw: st.DrawFn, most_wh: int = 1_000
) -> tuple[Clearing, list[Metered], Rules, Tariff]:
    """Up to seven cross-linked trades of six homes, some without a reading, any rules and fees.

    `most_wh`: of a trade; few, and many homes are short on both sides at once.
    """
    sides = st.tuples(st.integers(1, 3), st.integers(4, 6))
    sizes = st.integers(1, most_wh)
    shown = st.integers(0, most_wh + most_wh // 2)
    trades = [
        trade(seller, buyer, draw(sizes), draw(st.integers(0, 400_000)))
        for seller, buyer in draw(st.lists(sides, max_size=7))
    ]
    meters = [
        metered(home, draw(shown), draw(shown)) for home in range(1, 7) if draw(st.integers(0, 5))
    ]
    prices = st.integers(0, 500_000)
    chosen = rules(
        timing=draw(st.sampled_from(Timing)),
        sharing=draw(st.sampled_from(SharingRule)),
        deviation=draw(st.sampled_from(DeviationRule)),
        short_utok_per_kwh=draw(prices),
        surplus_utok_per_kwh=draw(prices),
    )
    tariff = Tariff(0, draw(prices), draw(prices), draw(st.sampled_from([(), FEES])))
    return clearing(*trades), draw(st.permutations(meters)), chosen, tariff
