"""Each condition of a good demo fails by its name, and only by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.settlement.flows import Flow, FlowKind, Settlement
from protocol.channels import pack_lane
from tests.wattlane.demo.market_days import planned
from wattlane.demo.books import History
from wattlane.demo.books import Settlement as Ended
from wattlane.demo.plan import Plan
from wattlane.demo.report import BillReport, ConservationReport
from wattlane.demo.verdict import Ends, MarketDay, agree, judge, rehearsed, traded

PLAN: Plan = planned(4, (10, 12))
INDEX = {name: number for number, name in enumerate(PLAN.homes, start=2)}
OWED = rehearsed(PLAN, INDEX)
GONE = INDEX["h17"]


def _moved(flow: Flow) -> Flow:
    """A flow of the rehearsal between the accounts that the homes have here."""
    ends = {
        name: INDEX[PLAN.rehearsal.home(party)] if isinstance(party, int) else party
        for name, party in (("payer", flow.payer), ("payee", flow.payee))
    }
    return replace(flow, **ends)  # type: ignore[arg-type]


SETTLED = tuple(
    replace(one, flows=tuple(_moved(flow) for flow in one.flows)) for one in PLAN.rehearsal.settled
)
MARKET = MarketDay(follows=True, meters_follow=True, settled=SETTLED)


def _lane(payer: int, payee: int) -> int:
    return pack_lane(*OWED.get((payer, payee), (0, 0)))


def _ended() -> tuple[Ended, ...]:
    pairs = [(INDEX[one.opener], INDEX[one.peer]) for one in PLAN.channels]
    return tuple(Ended(a, b, _lane(a, b), _lane(b, a), GONE not in (a, b)) for a, b in pairs)


ENDS = Ends(
    history=History(len(PLAN.channels), _ended()),
    promised=OWED,
    conservation=ConservationReport(7, 0, 0, 0, 7),
    vouchers=(40, 40, 40),
    vanished="h17",
    balanced_while_open=True,
    withdrawn=2,
    batches_verify=True,
)
BILLS = tuple(
    BillReport(home, 9, one.bought_wh, one.sold_wh, one.from_grid_wh, one.to_grid_wh, 1, 2, True)
    for home, one in PLAN.totals.items()
)


def _failing(
    market: MarketDay = MARKET, ends: Ends = ENDS, bills: tuple[BillReport, ...] = BILLS
) -> list[str]:
    conditions = judge(PLAN, INDEX, market, ends, bills)
    return [condition.name for condition in conditions if not condition.holds]


def test_a_good_day_fails_nowhere() -> None:
    assert OWED
    assert _failing() == []


def test_a_settlement_of_two_watt_hours_more_is_noticed_by_all_others() -> None:
    first = SETTLED[0]
    place, flow = next(
        (place, flow) for place, flow in enumerate(first.flows) if flow.kind is FlowKind.TRADE
    )
    more = replace(flow, energy_wh=flow.energy_wh + 2)
    flows = (*first.flows[:place], more, *first.flows[place + 1 :])
    failed = _failing(replace(MARKET, settled=(replace(first, flows=flows), *SETTLED[1:])))
    assert len(failed) == 4
    assert "rehearsed" in failed[0]
    assert "vouchers" in failed[1]
    assert "L1" in failed[2]
    assert "what the bills say" in failed[3]


@pytest.mark.parametrize(
    ("settled", "words"),
    [(SETTLED[1:], 5), ((*SETTLED, SETTLED[-1]), 5)],
    ids=["one missing", "one twice"],
)
def test_an_interval_that_is_not_settled_once_is_noticed(
    settled: tuple[Settlement, ...], words: int
) -> None:
    failed = _failing(replace(MARKET, settled=settled))
    assert failed[0] == "every interval of the day is cleared and settled once"
    assert len(failed) == words


def test_a_lost_voucher_is_noticed() -> None:
    for vouchers in ((40, 40, 39), (40, 39, 40), (0, 0, 0)):
        (failed,) = _failing(ends=replace(ENDS, vouchers=vouchers))
        assert failed == "each payment is once on both sides' disks"


def test_books_of_the_nodes_that_say_something_else_are_noticed() -> None:
    failed = _failing(ends=replace(ENDS, promised={**OWED, (1, 2): (1, 1)}))
    assert len(failed) == 2
    assert "vouchers for what was settled" in failed[0]


def test_a_nano_token_settled_too_little_is_noticed() -> None:
    first, *others = ENDS.history.settlements
    short = replace(first, lane_ab=first.lane_ab - (1 << 40))
    failed = _failing(ends=replace(ENDS, history=History(len(PLAN.channels), (short, *others))))
    assert failed == [
        "what L1 settled is what the market settled",
        "what L1 settled is what the vouchers promise",
    ]


def test_what_came_back_on_the_other_lane_is_set_off() -> None:
    owed = {(1, 2): (10, 1_000)}
    assert agree({(1, 2): (12, 1_200), (2, 1): (2, 200)}, owed)
    assert agree({(1, 2): (10, 1_200), (2, 1): (1, 200)}, owed)  # money alone: 1 Wh carries it
    assert not agree({(1, 2): (12, 1_200), (2, 1): (2, 199)}, owed)
    assert not agree({(1, 2): (12, 1_200), (2, 1): (4, 200)}, owed)
    assert not agree({}, owed)
    assert not agree({**owed, (3, 4): (0, 1)}, owed)


def test_a_channel_left_open_is_noticed() -> None:
    history = History(len(PLAN.channels), ENDS.history.settlements[1:])
    failed = _failing(ends=replace(ENDS, history=history))
    assert "every channel that was opened has ended" in failed


def test_a_forced_close_of_the_wrong_channel_is_noticed() -> None:
    swapped = [replace(one, together=not one.together) for one in ENDS.history.settlements]
    (failed,) = _failing(ends=replace(ENDS, history=History(len(swapped), tuple(swapped))))
    assert "closed by force" in failed
    together = tuple(replace(one, together=True) for one in swapped)
    nobody = replace(ENDS, history=History(len(together), together), vanished=None)
    assert _failing(ends=nobody) == []


def test_a_bill_that_does_not_follow_or_is_missing_is_noticed() -> None:
    wrong = (replace(BILLS[0], follows=False), *BILLS[1:])
    (failed,) = _failing(bills=wrong)
    assert failed == "every home's bill follows from its own files and L1"
    assert failed in _failing(bills=BILLS[1:])
    dearer = (replace(BILLS[0], bought_wh=BILLS[0].bought_wh + 1), *BILLS[1:])
    (failed,) = _failing(bills=dearer)
    assert "what the bills say" in failed


def test_each_of_the_rest_is_noticed() -> None:
    assert _failing(replace(MARKET, meters_follow=False)) == [
        "every home's readings are one signed chain"
    ]
    assert _failing(replace(MARKET, follows=False)) == [
        "the market's journal follows, computed again entry by entry"
    ]
    assert _failing(ends=replace(ENDS, balanced_while_open=False)) == [
        "the books balance while channels are open"
    ]
    unequal = replace(ENDS, conservation=replace(ENDS.conservation, l1_balance=8))
    assert _failing(ends=unequal) == ["the books balance at the end, to the nano-token"]
    assert _failing(ends=replace(ENDS, withdrawn=1)) == ["two homes hold their tokens on L1"]
    (failed,) = _failing(ends=replace(ENDS, batches_verify=False))
    assert "two libraries" in failed


def test_only_money_between_homes_is_owed_between_them() -> None:
    owed = traded(SETTLED)
    assert sum(wh for wh, _ in owed.values()) == PLAN.matched_wh
    assert all(isinstance(one, int) for pair in owed for one in pair)
