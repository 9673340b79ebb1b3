"""The same bids cleared by gsy-framework, the matching of Grid Singularity's exchange, and by ours.

    python -m benches.market_gsy FOLDER [orders, default 2000]

FOLDER: a checkout of github.com/gridsingularity/gsy-framework (GPL-3, on no package registry; what
it imports: pip install pendulum==3.0.0 iso3166 geocoder avro jsonschema). Half of the homes sell
and half buy, one order each, at limits spread between the grid's prices, with no wishes of whom
from. Both are looked at by the same rule: what is sold is bought, and nobody trades beyond a limit.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benches.figures import against, emit
from benches.market_clearing import TARIFF, interval
from energy.clearing.clear import clear
from energy.clearing.trades import Bid
from energy.community.rules import ClearingRule, Rules, Side

CHECKOUT = "a checkout of github.com/gridsingularity/gsy-framework"
RULES = {
    ClearingRule.UNIFORM: "PayAsClearMatchingAlgorithm",
    ClearingRule.PAY_AS_BID: "PayAsBidMatchingAlgorithm",
}
Matching = Callable[[dict[str, Any]], Sequence[dict[str, Any]]]


def street(orders: int) -> list[Bid]:
    """So many bids of as many homes."""
    rng = random.Random(orders)
    return [
        Bid(
            rng.randbytes(32),
            home,
            Side.BUY if home % 2 else Side.SELL,
            rng.randrange(80_000, 300_000),
            rng.randrange(1, 1_500),
            home,
        )
        for home in range(orders)
    ]


def as_theirs(bids: Sequence[Bid]) -> dict[str, Any]:
    """kWh and money per kWh as floats, as they take them."""
    orders: dict[Side, list[dict[str, Any]]] = {Side.BUY: [], Side.SELL: []}
    for bid in bids:
        name = "buyer" if bid.side is Side.BUY else "seller"
        orders[bid.side].append(
            {
                "id": str(bid.home),
                name: {"name": str(bid.home)},
                "energy": bid.energy_wh / 1_000,
                "energy_rate": bid.limit_utok_per_kwh / 1_000_000,
            }
        )
    data = {"bids": orders[Side.BUY], "offers": orders[Side.SELL], "current_time": "now"}
    return {"market": {"slot": data}}


def main() -> None:
    """Print a row for each rule that both have."""
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "gsy_framework").is_dir():
        sys.exit(f"usage: python -m benches.market_gsy FOLDER [orders], FOLDER: {CHECKOUT}")
    orders = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    sys.path.insert(0, sys.argv[1])
    from gsy_framework import matching_algorithms  # type: ignore[import-not-found]

    bids = street(orders)
    limits = {str(bid.home): bid.limit_utok_per_kwh / 1_000_000 for bid in bids}
    for rule, name in RULES.items():
        start = perf_counter()
        cleared = clear(bids, interval(0), Rules(1, 0, rule), TARIFF)
        ours = perf_counter() - start
        matching: Matching = getattr(matching_algorithms, name)().get_matches_recommendations
        start = perf_counter()
        matches = matching(as_theirs(bids))
        theirs = perf_counter() - start
        theirs_kwh = sum(float(match["selected_energy"]) for match in matches)
        beyond = sum(
            match["trade_rate"] > limits[match["bid"]["id"]] + 1e-9
            or match["trade_rate"] < limits[match["offer"]["id"]] - 1e-9
            for match in matches
        )
        print(
            f"{rule.value}: ours {cleared.traded_wh} Wh in {len(cleared.trades)} trades; "
            f"theirs {theirs_kwh!r} kWh in {len(matches)}, {beyond} beyond a limit"
        )
        command = f"python -m benches.market_gsy FOLDER {orders}"
        row = f"{orders:,} orders cleared as gsy-framework does, {rule.value}"
        emit([against(row, ours, theirs, "s", None, command)])


if __name__ == "__main__":
    main()
