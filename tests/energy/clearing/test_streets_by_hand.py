"""The streets that docs/market.md clears by hand come out as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from energy.clearing.clear import clear
from energy.clearing.trades import Bid
from energy.community.rules import ClearingRule, Fee, FeeKind, SharingRule, Side, Tariff
from tests.energy.clearing.street import QUARTER, bid, rules

PAGE = Path(__file__).parents[3] / "docs" / "market.md"
TARIFF = Tariff(
    0,
    300_000,
    80_000,
    (Fee(FeeKind.GRID, 40_000, Side.BUY), Fee(FeeKind.COMMUNITY, 10_000, Side.SELL)),
)
Tables = dict[str, list[list[str]]]


def _streets() -> dict[str, Tables]:
    """Each street's tables by the first word of their heads; a table's head is its first row."""
    text = PAGE.read_text().split("### Streets worked by hand", 1)[1].split("\n## ", 1)[0]
    found = {}
    for part in text.split("\n#### ")[1:]:
        title, _, body = part.partition("\n")
        tables: Tables = {}
        for table in re.findall(r"(?:^\|.*\n)+", body + "\n", re.MULTILINE):
            rows = [
                [cell.strip() for cell in line.strip()[1:-1].split("|")]
                for line in table.splitlines()
            ]
            tables[rows[0][0]] = [rows[0], *rows[2:]]
        found[title] = tables
    return found


STREETS = _streets()


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _bid(row: list[str]) -> Bid:
    place, home, side, limit, wh, green, prefers = row
    return bid(
        int(place),
        Side(side),
        _number(limit),
        _number(wh),
        home=int(home),
        green=green == "yes",
        preferred=tuple(int(one) for one in prefers.split(",") if one),
    )


def test_each_rule_is_worked_by_hand() -> None:
    """None is left out of the page."""
    assert {tables["rule"][0][1] for tables in STREETS.values()} == {r.value for r in ClearingRule}


@pytest.mark.parametrize("title", STREETS)
def test_a_street_worked_by_hand(title: str) -> None:
    """Trades with their prices, in order, and who was left out and why."""
    tables = STREETS[title]
    _, clearing, sharing = tables["rule"][0]
    by = rules(ClearingRule(clearing), SharingRule(sharing))
    done = clear([_bid(row) for row in tables["place"][1:]], QUARTER, by, TARIFF)
    found = [
        (trade.seller, trade.buyer, trade.energy_wh, trade.price_utok_per_kwh)
        for trade in done.trades
    ]
    assert found == [tuple(map(_number, row)) for row in tables["seller"][1:]]
    left_out = [(int(place), why) for place, why in tables.get("left out", [[]])[1:]]
    assert [(order[0], why) for order, why in done.left_out] == left_out
