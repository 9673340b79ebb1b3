"""Records for tests, worked by hand: home 3 buys two quarters of an hour of home 1's sun.

| | exported by 1 | imported by 3 | traded at 0.20 | to 1 from the grid | by 3 to the grid |
| --- | --- | --- | --- | --- | --- |
| 10 June, 12:00 | 1,000 Wh | 800 Wh | 800 Wh, 0.160 tokens | 200 Wh, 0.016 | |
| 10 June, 12:15 | 500 Wh | 900 Wh | 500 Wh, 0.100 tokens | | 400 Wh, 0.140 |

The buyer's grid fee is 0.02 a kWh, 0.016 and 0.010; the seller's community fee 0.001 a kWh, 0.0008
and 0.0005. On 3 July the first quarter is corrected: home 3 took only 700 Wh.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from energy.bills.bill import Head, Records
from energy.bills.channel_evidence import OwnChannel, channel_fault
from energy.bills.lines import Entry, Settled
from energy.bills.month import Month
from energy.bills.reckoning import OnL1, PaidChannel
from energy.canonical import digest
from energy.clearing.trades import Clearing, Trade
from energy.community.community import Community
from energy.community.document import community_digest
from energy.community.history import History, Version
from energy.community.rules import Side
from energy.intervals import QUARTER_MS, Interval
from energy.settlement.flows import Flow, FlowKind, Metered, Outside, Settlement, Stage
from protocol.channels import Lane, channel_id, pack_lane
from protocol.vouchers import Voucher, voucher_message
from tests.energy.community.streets import DAY_MS, DOMAIN, SIGNERS, START_MS, street

JUNE, JULY = Month(2026, 6), Month(2026, 7)
NOON_MS = START_MS + 9 * DAY_MS + DAY_MS // 2
FIRST = Interval(NOON_MS, NOON_MS + QUARTER_MS)
SECOND = Interval(FIRST.end_ms, FIRST.end_ms + QUARTER_MS)
CORRECTED_MS = START_MS + 32 * DAY_MS
PRICE, GRID_FEE, COMMUNITY_FEE, RETAIL, FEED_IN = 200_000, 20_000, 1_000, 350_000, 80_000
SELL, BUY = digest(b"sells"), digest(b"buys")
WITH_NEIGHBOUR, WITH_COMMUNITY = channel_id(1, 3, 0), channel_id(3, 0, 5)
FIRST_STEP, LANE = pack_lane(800, 160_000_000), pack_lane(1_300, 260_000_000)
FEE_LANE = pack_lane(1_300, 26_000_000)


def reading(home: int, time_ms: int) -> bytes:
    """A reading's digest."""
    return digest(f"{home} at {time_ms}".encode())


def metered(home: int, interval: Interval, import_wh: int, export_wh: int) -> Metered:
    """What a home's meter shows."""
    ends = reading(home, interval.start_ms), reading(home, interval.end_ms)
    return Metered(home, interval, import_wh, export_wh, *ends)


def flow(kind: FlowKind, payer: object, payee: object, energy_wh: int, price: int) -> Flow:
    """A flow of a trade, which is the clearing's first."""
    trade = -1 if Outside.SUPPLIER in (payer, payee) else 0
    return Flow(kind, payer, payee, energy_wh, price, energy_wh * price, trade)  # type: ignore[arg-type]


def clearing(interval: Interval, energy_wh: int) -> Clearing:
    """Home 3 buys of home 1."""
    return Clearing(interval, 1, PRICE, (Trade(1, 3, SELL, BUY, energy_wh, PRICE),))


def _flows(traded_wh: int) -> tuple[Flow, ...]:
    return (
        flow(FlowKind.TRADE, 3, 1, traded_wh, PRICE),
        flow(FlowKind.GRID_FEE, 3, Outside.GRID_OPERATOR, traded_wh, GRID_FEE),
        flow(FlowKind.COMMUNITY_FEE, 1, Outside.COMMUNITY, traded_wh, COMMUNITY_FEE),
    )


def _settled(place: int, interval: Interval, readings: object, flows: object) -> Settled:
    name = digest(f"cleared {interval.start_ms}".encode())
    stage = Stage.PROVISIONAL
    settlement = Settlement(interval, name, 1, 0, stage, readings, flows)  # type: ignore[arg-type]
    return Settled(place, interval.end_ms + 1_000, digest(bytes([place])), settlement)


def settled() -> tuple[Settled, ...]:
    """The two quarters, at entries 10 and 11 of the journal."""
    return (
        _settled(
            10,
            FIRST,
            (metered(1, FIRST, 0, 1_000), metered(3, FIRST, 800, 0)),
            (*_flows(800), flow(FlowKind.GRID_FEED_IN, Outside.SUPPLIER, 1, 200, FEED_IN)),
        ),
        _settled(
            11,
            SECOND,
            (metered(1, SECOND, 0, 500), metered(3, SECOND, 900, 0)),
            (*_flows(500), flow(FlowKind.GRID_PURCHASE, 3, Outside.SUPPLIER, 400, RETAIL)),
        ),
    )


def corrected() -> Settled:
    """The adjustment of 3 July, entry 90: 100 Wh less were traded, and fed in instead."""
    first = settled()[0]
    kinds = ((FlowKind.TRADE, 1, 3, PRICE), (FlowKind.GRID_FEE, Outside.GRID_OPERATOR, 3, GRID_FEE))
    back = tuple(
        Flow(FlowKind.ADJUSTMENT, payer, payee, 100, price, 100 * price, 0, kind)
        for kind, payer, payee, price in kinds
    )
    settlement = Settlement(
        FIRST,
        first.settlement.clearing,
        1,
        1,
        Stage.CORRECTED,
        (metered(1, FIRST, 0, 1_000), metered(3, FIRST, 700, 0)),
        back,
        first.digest,
    )
    return Settled(90, CORRECTED_MS, digest(b"corrected"), settlement)


@cache
def voucher(channel: int, lane: Lane, lane_value: int, payer: int) -> Voucher:
    """What a home promises, signed by its key."""
    message = voucher_message(DOMAIN, channel, lane, lane_value)
    return Voucher(channel, lane, lane_value, SIGNERS[payer].sign(message, bytes(32)))


def channels(home: int = 3) -> tuple[PaidChannel, ...]:
    """Of home 3 with home 1, closed in batch 7, and with the community, open."""
    with_neighbour = PaidChannel(
        WITH_NEIGHBOUR,
        Lane.BA if home == 3 else Lane.AB,
        0,
        LANE,
        (voucher(WITH_NEIGHBOUR, Lane.BA, LANE, 3),),
        (OnL1(7, Lane.BA, LANE),),
        2,
        7,
        steps=((Lane.BA, FIRST_STEP), (Lane.BA, LANE)),
    )
    with_community = PaidChannel(
        WITH_COMMUNITY,
        Lane.AB,
        FEE_LANE,
        0,
        (voucher(WITH_COMMUNITY, Lane.AB, FEE_LANE, 3),),
        opened=3,
    )
    return (with_neighbour, with_community) if home == 3 else (with_neighbour,)


def records(*more: Settled, home: int = 3, **changes: object) -> Records:
    """All of it, with what came later."""
    all_settled = (*settled(), *more)
    community = changes.pop("community", street())
    assert isinstance(community, Community)
    given: dict[str, object] = {
        "history": History((Version(START_MS, community, community_digest(community)),)),
        "head": Head(all_settled[-1].place, digest(b"head")),
        "settled": all_settled,
        "clearings": {
            one.settlement.clearing: clearing(one.settlement.interval, 1_000) for one in settled()
        },
        "channels": channels(home),
        "batches": 7,
    }
    return Records(**{**given, **changes})  # type: ignore[arg-type]


@dataclass(slots=True)
class OwnFiles:
    """Home 3's files: its channels are real, the rest says what a test puts there."""

    readings: dict[bytes, str] = field(default_factory=dict)
    settlements: dict[bytes, str] = field(default_factory=dict)
    orders: dict[bytes, str] = field(default_factory=dict)
    lane: int = LANE

    def of_reading(self, metered: Metered, place: int) -> str:
        """As the test says."""
        return self.readings.get(metered.last, "")

    def of_settlement(self, entry: Entry) -> str:
        """As the test says."""
        return self.settlements.get(entry.settlement, "")

    def of_order(self, order: bytes, side: Side, price_utok_per_kwh: int, time_ms: int) -> str:
        """As the test says; home 3 buys."""
        assert (order, side, price_utok_per_kwh) == (BUY, Side.BUY, PRICE)
        assert time_ms in (FIRST.start_ms, SECOND.start_ms)
        return self.orders.get(order, "")

    def of_channel(self, channel: PaidChannel) -> str:
        """By its real voucher."""
        keys = {account: SIGNERS[account].key_hash for account in (0, 1, 3)}
        own = {
            WITH_NEIGHBOUR: OwnChannel(Lane.BA, 0, self.lane, (keys[1], keys[3])),
            WITH_COMMUNITY: OwnChannel(Lane.AB, FEE_LANE, 0, (keys[3], keys[0])),
        }
        return channel_fault(channel, own, DOMAIN)
