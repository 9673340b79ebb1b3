"""Each condition of a good demo fails by its name, and only by it."""

from __future__ import annotations

from dataclasses import replace

from protocol.channels import pack_lane
from wattlane.demo.books import History, Settlement
from wattlane.demo.plan import Plan, plan_day
from wattlane.demo.report import ConservationReport
from wattlane.demo.verdict import judge, planned_payments
from wattlane.readings import DEFAULT_DAY, PREFERRED_HOMES, built_in_street

PLAN: Plan = plan_day(built_in_street(PREFERRED_HOMES[:4], DEFAULT_DAY), 200_000)
INDEX = {name: number for number, name in enumerate(PLAN.homes, start=1)}
OWED = planned_payments(PLAN, INDEX)
BALANCED = ConservationReport(7, 0, 0, 0, 7)
VOUCHERS = sum(len(interval.trades) for interval in PLAN.intervals)
GONE = INDEX["h17"]


def _lane(payer: int, payee: int) -> int:
    return pack_lane(*OWED.get((payer, payee), (0, 0)))


def _settlements() -> tuple[Settlement, ...]:
    ended = []
    for channel in PLAN.channels:
        a, b = INDEX[channel.opener], INDEX[channel.peer]
        ended.append(Settlement(a, b, _lane(a, b), _lane(b, a), GONE not in (a, b)))
    return tuple(ended)


GOOD = History(len(PLAN.channels), _settlements())


def _failing(
    *,
    past: History = GOOD,
    vouchers: int = VOUCHERS,
    money: ConservationReport = BALANCED,
    vanished: str | None = "h17",
    promised: dict[tuple[int, int], tuple[int, int]] | None = None,
    balanced: bool = True,
    withdrawn: int = 2,
    verified: bool = True,
) -> list[str]:
    conditions = judge(
        PLAN,
        INDEX,
        past,
        OWED if promised is None else promised,
        money,
        vouchers=vouchers,
        vanished=vanished,
        balanced_while_open=balanced,
        withdrawn=withdrawn,
        verified=verified,
    )
    return [condition.name for condition in conditions if not condition.holds]


def test_a_good_day_fails_nowhere() -> None:
    assert _failing() == []


def test_a_lost_voucher_is_noticed() -> None:
    assert _failing(vouchers=VOUCHERS - 1) == ["one voucher for each matched quantity"]


def test_books_of_the_nodes_that_say_something_else_are_noticed() -> None:
    (failed,) = _failing(promised={**OWED, (1, 2): (1, 1)})
    assert "same vouchers on disk" in failed


def test_a_watt_hour_settled_too_little_is_noticed() -> None:
    first = GOOD.settlements[0]
    short = replace(first, lane_ab=first.lane_ab - 1)
    (failed,) = _failing(past=History(GOOD.opened, (short, *GOOD.settlements[1:])))
    assert "what the meters say" in failed


def test_a_channel_left_open_is_noticed() -> None:
    failed = _failing(past=History(GOOD.opened, GOOD.settlements[1:]))
    assert "every channel that was opened has ended" in failed


def test_a_forced_close_of_the_wrong_channel_is_noticed() -> None:
    swapped = tuple(replace(one, together=not one.together) for one in GOOD.settlements)
    (failed,) = _failing(past=History(GOOD.opened, swapped))
    assert "closed by force" in failed
    together = tuple(replace(one, together=True) for one in GOOD.settlements)
    assert _failing(past=History(GOOD.opened, together), vanished=None) == []


def test_each_of_the_rest_is_noticed() -> None:
    assert _failing(balanced=False) == ["the books balance while channels are open"]
    unequal = replace(BALANCED, l1_balance=8)
    assert _failing(money=unequal) == ["the books balance at the end, to the nano-token"]
    assert _failing(withdrawn=1) == ["two homes hold their tokens on L1"]
    (failed,) = _failing(verified=False)
    assert "two libraries" in failed
