"""Whether all of it holds: each condition by name, so that a failed demo says what failed.

The same day is told four times, each time from other files: by the rehearsal, by the market's
journal, by the vouchers in the nodes' files, and by L1. All four have to agree, and so do the
bills. Where a due fell after it was paid, the difference came back on the other lane: so what two
homes paid each other is set off, and is then right to the nano-token.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.settlement.flows import FlowKind, Settlement
from wattlane.demo.books import History, payments
from wattlane.demo.plan import Plan
from wattlane.demo.report import BillReport, ConservationReport

Payments = Mapping[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must hold, and whether it did."""

    name: str
    holds: bool


@dataclass(frozen=True, slots=True)
class MarketDay:
    """What the market's journal says of the day, computed again from what was signed.

    `follows`: whether every entry follows from those before it. `settled`: the settlements, in
    order. `meters_follow`: whether every home's own readings are one signed chain.
    """

    follows: bool
    meters_follow: bool
    settled: tuple[Settlement, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """How the day ended on L1 and in the homes' files. `withdrawn`: homes that hold their tokens
    on L1; `vouchers`: how many payments were acknowledged, and how many payers and payees have on
    disk."""

    history: History
    promised: Payments
    conservation: ConservationReport
    vouchers: tuple[int, int, int]
    vanished: str | None
    balanced_while_open: bool
    withdrawn: int
    batches_verify: bool


def traded(settled: Sequence[Settlement]) -> dict[tuple[int, int], tuple[int, int]]:
    """(buyer, seller) -> (Wh, ntok): all that settlements say one home owes another."""
    owed: defaultdict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for settlement in settled:
        for flow in settlement.flows:
            if isinstance(flow.payer, int) and isinstance(flow.payee, int):
                energy_wh, amount_ntok = owed[flow.payer, flow.payee]
                energy_wh += flow.energy_wh if flow.kind is FlowKind.TRADE else 0
                owed[flow.payer, flow.payee] = energy_wh, amount_ntok + flow.amount_ntok
    return dict(owed)


def agree(paid: Payments, owed: Payments) -> bool:
    """Whether any two homes have paid each other what they owed, set off: every nano-token, and
    the energy but for the watt-hour that carries money where none was due.
    """
    for pair in {*paid, *owed}:
        (paid_wh, paid_ntok), (owed_wh, owed_ntok) = _set_off(paid, pair), _set_off(owed, pair)
        if paid_ntok != owed_ntok or abs(paid_wh - owed_wh) > 1:
            return False
    return True


def _set_off(given: Payments, pair: tuple[int, int]) -> tuple[int, int]:
    there, back = given.get(pair, (0, 0)), given.get(pair[::-1], (0, 0))
    return there[0] - back[0], there[1] - back[1]


def rehearsed(plan: Plan, indices: Mapping[str, int]) -> dict[tuple[int, int], tuple[int, int]]:
    """What the rehearsal says one home will owe another, by their accounts."""
    home = plan.rehearsal.home
    return {
        (indices[home(payer)], indices[home(payee)]): owed
        for (payer, payee), owed in traded(plan.rehearsal.settled).items()
    }


def judge(
    plan: Plan,
    indices: Mapping[str, int],
    market: MarketDay,
    ends: Ends,
    bills: Sequence[BillReport],
) -> Sequence[Condition]:
    """Every condition of a good demo."""
    owed, past = traded(market.settled), ends.history
    on_l1 = payments(past.settlements)
    forced = [one for one in past.settlements if not one.together]
    gone = indices[ends.vanished] if ends.vanished else None
    expected_forced = sum(1 for one in plan.channels if ends.vanished in one.pair)
    intervals = [one.interval for one in market.settled if not one.revision]
    return (
        Condition("every home's readings are one signed chain", market.meters_follow),
        Condition("the market's journal follows, computed again entry by entry", market.follows),
        Condition(
            "every interval of the day is cleared and settled once",
            intervals == list(plan.timeline.intervals),
        ),
        Condition(
            "the market settled what was rehearsed from the meters",
            owed == rehearsed(plan, indices),
        ),
        Condition(
            "each payment is once on both sides' disks",
            len(set(ends.vouchers)) == 1 and ends.vouchers[0] > 0,
        ),
        Condition(
            "both sides of each channel have vouchers for what was settled, and no more",
            agree(ends.promised, owed),
        ),
        Condition("what L1 settled is what the market settled", agree(on_l1, owed)),
        Condition("what L1 settled is what the vouchers promise", on_l1 == ends.promised),
        Condition(
            "every channel that was opened has ended",
            past.opened == len(plan.channels) == len(past.settlements),
        ),
        Condition(
            "channels with the home that disappeared, and only those, were closed by force",
            len(forced) == expected_forced
            and all(gone in (one.a_index, one.b_index) for one in forced),
        ),
        Condition("the books balance while channels are open", ends.balanced_while_open),
        Condition("the books balance at the end, to the nano-token", ends.conservation.equal),
        Condition("two homes hold their tokens on L1", ends.withdrawn >= 2),
        Condition("every batch verifies from L1 alone, with two libraries", ends.batches_verify),
        Condition(
            "every home's bill follows from its own files and L1",
            [bill.home for bill in bills] == list(plan.homes)
            and all(bill.follows for bill in bills),
        ),
        Condition(
            "what the bills say was bought and sold between neighbours is what was settled",
            sum(bill.bought_wh for bill in bills)
            == sum(bill.sold_wh for bill in bills)
            == sum(energy_wh for energy_wh, _ in owed.values()),
        ),
    )
