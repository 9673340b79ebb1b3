"""The cases worked by hand in docs/market.md, and those of others, come out as they stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from energy.canonical import digest
from energy.clearing.trades import Clearing
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
from energy.settlement.deliveries import deliveries
from energy.settlement.documents import encode_clearing
from energy.settlement.dues import Due, Pair, to_pay
from energy.settlement.flows import Flow, FlowKind, Metered, Outside, Party, Settlement, net_ntok
from energy.settlement.revise import revise
from energy.settlement.settle import settle
from tests.energy.settlement.examples import INTERVAL, clearing, metered, trade

PAGE = Path(__file__).parents[3] / "docs" / "market.md"
Row = list[str]


@dataclass
class Case:
    """A case's tables by the first word of their heads, in order."""

    name: str
    tables: dict[str, list[list[Row]]] = field(default_factory=dict)

    def rows(self, kind: str) -> list[Row]:
        return [row for table in self.tables.get(kind, []) for row in table]


def _cases() -> dict[str, Case]:
    found: dict[str, Case] = {}
    text = PAGE.read_text().split("### Worked cases", 1)[1].split("\n## ", 1)[0]
    for part in text.split("\n#### ")[1:]:
        title, _, body = part.partition("\n")
        case = Case(title.partition(":")[0])
        for table in re.findall(r"(?:^\|.*\n)+", body + "\n", re.MULTILINE):
            rows = [
                [cell.strip() for cell in line.strip("|\n").split("|")]
                for line in table.splitlines()
            ]
            case.tables.setdefault(rows[0][0], []).append([rows[0], *rows[2:]])
        found[case.name] = case
    return found


CASES = _cases()
SETTLED = ("Case 3", "Case 4", "Case 5", "Case 6", "Case 7")


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _party(text: str) -> Party:
    return int(text) if text.isdecimal() else Outside(text)


def _cleared(case: Case) -> Clearing:
    rows = case.tables["trade"][0][1:]
    assert [row[0] for row in rows] == [str(place) for place in range(len(rows))]
    return clearing(*(trade(*map(_number, row[1:])) for row in rows))


def _meters(table: list[Row]) -> list[Metered]:
    return [
        metered(_number(home), _number(taken), _number(given)) for home, taken, given in table[1:]
    ]


def _setting(case: Case) -> tuple[Rules, Tariff]:
    given = {row[0]: row[1] for row in case.rows("setting")[1:]}
    fees = tuple(
        Fee(FeeKind(kind), _number(given.pop(name)), Side(side))
        for name in list(given)
        if " paid by " in name
        for kind, side in [name.split(" paid by ")]
    )
    tariff = Tariff(0, _number(given.pop("retail")), _number(given.pop("feed-in")), fees)
    rules = Rules(
        1,
        0,
        timing=Timing(given.pop("timing")),
        deviation=DeviationRule(given.pop("deviation", "to-the-other-side")),
        short_utok_per_kwh=_number(given.pop("short", "0")),
        surplus_utok_per_kwh=_number(given.pop("surplus", "0")),
    )
    assert not given
    return rules, tariff


def _flows(table: list[Row]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for name, payer, payee, *numbers in table[1:]:
        adjusts = name.removeprefix("adjustment of ")
        kind = FlowKind.ADJUSTMENT if adjusts != name else FlowKind(name)
        of = FlowKind(adjusts) if adjusts != name else None
        found.append((kind, of, _party(payer), _party(payee), *map(_number, numbers)))
    return found


def _row(flow: Flow) -> tuple[object, ...]:
    return (
        flow.kind,
        flow.adjusts,
        flow.payer,
        flow.payee,
        flow.energy_wh,
        flow.price_utok_per_kwh,
        flow.amount_ntok,
    )


def test_all_cases_are_read() -> None:
    """None is left out by a heading that this test does not know."""
    assert list(CASES) == [f"Case {number}" for number in range(1, 9)]


@pytest.mark.parametrize("name", ["Case 1", "Case 2", "Case 6"])
def test_what_is_delivered(name: str) -> None:
    """Under each way of sharing, trade by trade and in all."""
    case = CASES[name]
    trades = _cleared(case).trades
    by_home = {one.home: one for one in _meters(case.tables["home"][0])}
    rows = case.rows("delivered")[1:]
    assert {SharingRule(row[0]) for row in rows} == set(SharingRule)
    for rule, *numbers in rows:
        shares = deliveries(trades, by_home, SharingRule(rule))
        delivered = [share.delivered_wh for share in shares]
        assert [*delivered, sum(delivered)] == [_number(number) for number in numbers], rule


@pytest.mark.parametrize("name", SETTLED)
def test_who_owes_whom(name: str) -> None:
    """Every flow in order, of the settlement and of each adjustment."""
    case = CASES[name]
    cleared = _cleared(case)
    rules, tariff = _setting(case)
    chain: list[Settlement] = []
    for meters, flows in zip(case.tables["home"], case.tables["flow"], strict=True):
        if chain:
            now_ms = INTERVAL.end_ms + 1
            more = revise(chain, cleared, _meters(meters), rules, tariff, now_ms)
            assert more is not None
            chain.append(more)
        else:
            name_ = digest(encode_clearing(cleared))
            chain.append(settle(cleared, _meters(meters), rules, tariff, name_))
        assert [_row(flow) for flow in chain[-1].flows] == _flows(flows)
    nets = {_party(party): _number(number) for party, number in case.rows("party")[1:]}
    if nets:
        assert net_ntok(chain[0].flows) == nets
        assert sum(nets.values()) == 0


def test_a_quarter_of_an_hour_streamed() -> None:
    """The payments of each reading, and what comes back at the end."""
    buyer, seller = 2, 1
    paid: dict[Pair, Due] = {}
    rows = CASES["Case 8"].rows("reading")[1:]
    assert rows[-1][0] == "end"
    for reading, due_wh, price, due_ntok, by, payments in rows:
        due = Due(_number(due_wh), _number(due_ntok))
        assert due.amount_ntok == due.energy_wh * _number(price)
        payer = buyer if by == "buyer" else seller
        pair = (payer, seller + buyer - payer)
        made = to_pay({(buyer, seller): due}, paid, pair, trues_up=reading == "end")
        shown = " + ".join(f"{one.energy_wh:,} x {one.price_utok_per_kwh:,}" for one in made)
        assert shown == payments
        for one in made:
            amount_ntok = one.energy_wh * one.price_utok_per_kwh
            paid[pair] = paid.get(pair, Due()) + Due(one.energy_wh, amount_ntok)
    assert paid[buyer, seller] - paid[seller, buyer] == due
