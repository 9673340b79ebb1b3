"""A bill's lines: each is one flow of one settlement, with all that it rests on.

Nothing is added up, rounded or left out: the lines of a home are the flows that it pays or is paid
by, in the order of the settlements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from energy.clearing.trades import Trade
from energy.community.rules import Topology
from energy.intervals import Interval
from energy.settlement.flows import Flow, FlowKind, Metered, Outside, Party, Settlement, Stage

OUTSIDE_ITS_CHANNELS = (Outside.SUPPLIER,)
"""Parties that a home pays by their own bill, never over a channel."""
FEES = (FlowKind.GRID_FEE, FlowKind.COMMUNITY_FEE, FlowKind.TAX)


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement, its digest, its place in the market's journal and the time of its entry."""

    place: int
    time_ms: int
    digest: bytes
    settlement: Settlement

    @property
    def billed_ms(self) -> int:
        """A time in the month whose bill it stands in: of its interval, or for an adjustment the
        time when it was made. So a bill that was complete never changes."""
        return self.time_ms if self.settlement.revision else self.settlement.interval.start_ms


@dataclass(frozen=True, slots=True)
class Entry:
    """What a settlement holds of a home. `settlement`, `clearing`: digests.

    `metered`: what its verified meter showed; None where it has none, and then nothing is paid.
    """

    place: int
    settlement: bytes
    clearing: bytes
    interval: Interval
    rules_version: int
    revision: int
    stage: Stage
    metered: Metered | None


class Paid(Enum):
    """How a line is paid.

    VOUCHER: all that is due up to it is promised by a signed voucher. SET_OFF: against what is due
    the other way. OPEN: not yet. OUTSIDE: by the supplier's own bill. NOTHING: it is 0.
    """

    VOUCHER = "voucher"
    SET_OFF = "set off"
    OPEN = "open"
    OUTSIDE = "outside"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Payment:
    """How a line is paid; channel, lane and batch only where a voucher pays it.

    `lane_value`: the lowest lane value known that covers the line and all before it. `batch`: the
    first batch on L1 that holds as much of this lane, 0 while none does (the channel is open, and
    the voucher is what its holder can bring to L1).
    """

    how: Paid
    channel_id: int = 0
    lane: int = 0
    lane_value: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One amount. `number` counts from 1. `entry`: the place of its settlement in the bill.

    `owes`: whether the home pays it. `adjusts`: of an adjustment, what it adds to or takes back.
    `with_account`: the account that it is paid to or by, -1 where that is outside. `order`: digest
    of the home's own order that it follows from, empty for none.
    """

    number: int
    entry: int
    kind: FlowKind
    adjusts: FlowKind | None
    other: Party
    owes: bool
    energy_wh: int
    price_utok_per_kwh: int
    amount_ntok: int
    with_account: int
    order: bytes
    payment: Payment

    @property
    def net_ntok(self) -> int:
        """What it gives to the home; below 0 where the home pays."""
        return -self.amount_ntok if self.owes else self.amount_ntok


@dataclass(frozen=True, slots=True)
class Own:
    """A flow from one home's side. `with_account`: as in `Line`.

    `in_own_lane`: whether what the home owes changes, or what is owed to it; by `due_ntok`, which
    is below 0 where something is taken back.
    """

    flow: Flow
    owes: bool
    other: Party
    with_account: int
    in_own_lane: bool
    due_ntok: int


def own_flows(
    home: int, settlement: Settlement, trades: Sequence[Trade], topology: Topology, community: int
) -> Iterator[Own]:
    """The flows that a home pays or is paid by, with the account that the payment goes through.

    `trades`: of the clearing. `community`: the account of the community, which takes all fees, and
    in a hub all payments. What an adjustment takes back, and in a hub a seller's fee, is taken off
    what is due the other way, as dues are (energy/settlement/dues.py).
    """
    for flow in settlement.flows:
        for owes, one, other in ((True, flow.payer, flow.payee), (False, flow.payee, flow.payer)):
            if one == home and other != home:
                account = _account(other, topology, community)
                trade = trades[flow.trade] if 0 <= flow.trade < len(trades) else None
                turned = _takes_back(flow, trade)
                if topology is Topology.HUB and trade is not None and trade.seller == home:
                    turned ^= flow.subject in FEES
                due_ntok = -flow.amount_ntok if turned else flow.amount_ntok
                yield Own(flow, owes, other, account, owes ^ turned, due_ntok)


def _takes_back(flow: Flow, trade: Trade | None) -> bool:
    if flow.adjusts is FlowKind.TRADE:
        return trade is not None and flow.payer == trade.seller
    return flow.adjusts in FEES and isinstance(flow.payer, Outside)


def _account(other: Party, topology: Topology, community: int) -> int:
    if other in OUTSIDE_ITS_CHANNELS:
        return -1
    if isinstance(other, Outside) or topology is Topology.HUB:
        return community
    return other


def entry_of(home: int, settled: Settled) -> Entry:
    """What a settlement holds of a home."""
    settlement = settled.settlement
    metered = next((one for one in settlement.metered if one.home == home), None)
    return Entry(
        settled.place,
        settled.digest,
        settlement.clearing,
        settlement.interval,
        settlement.rules_version,
        settlement.revision,
        settlement.stage,
        metered,
    )
