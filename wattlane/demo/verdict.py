"""Whether all of it holds: each condition by name, so that a failed demo says what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.units import amount_ntok
from wattlane.demo.books import History, payments
from wattlane.demo.plan import Plan
from wattlane.demo.report import ConservationReport

Payments = Mapping[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must hold, and whether it did."""

    name: str
    holds: bool


def planned_payments(
    plan: Plan, indices: Mapping[str, int]
) -> dict[tuple[int, int], tuple[int, int]]:
    """(payer, payee) -> (Wh, ntok): what the meters say each home owes."""
    owed: dict[tuple[int, int], tuple[int, int]] = {}
    for interval in plan.intervals:
        for trade in interval.trades:
            way = indices[trade.buyer], indices[trade.seller]
            energy_wh, paid_ntok = owed.get(way, (0, 0))
            more = amount_ntok(trade.energy_wh, plan.price_utok_per_kwh)
            owed[way] = (energy_wh + trade.energy_wh, paid_ntok + more)
    return owed


def judge(
    plan: Plan,
    indices: Mapping[str, int],
    history: History,
    promised: Payments,
    conservation: ConservationReport,
    *,
    vouchers: int,
    vanished: str | None,
    balanced_while_open: bool,
    withdrawn: int,
    verified: bool,
) -> Sequence[Condition]:
    """Every condition of a good demo. `withdrawn`: homes that hold their tokens on L1."""
    owed = planned_payments(plan, indices)
    forced = [one for one in history.settlements if not one.together]
    gone = indices[vanished] if vanished else None
    expected_forced = sum(1 for one in plan.channels if vanished in one.pair)
    trades = sum(len(interval.trades) for interval in plan.intervals)
    return (
        Condition("one voucher for each matched quantity", vouchers == trades),
        Condition("both sides of each channel have the same vouchers on disk", promised == owed),
        Condition("what L1 settled is what the meters say", payments(history.settlements) == owed),
        Condition(
            "every channel that was opened has ended",
            history.opened == len(plan.channels) == len(history.settlements),
        ),
        Condition(
            "channels with the home that disappeared, and only those, were closed by force",
            len(forced) == expected_forced
            and all(gone in (one.a_index, one.b_index) for one in forced),
        ),
        Condition("the books balance while channels are open", balanced_while_open),
        Condition("the books balance at the end, to the nano-token", conservation.equal),
        Condition("two homes hold their tokens on L1", withdrawn >= 2),
        Condition("every batch verifies from L1 alone, with two libraries", verified),
    )
