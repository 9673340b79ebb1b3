"""A home's real files for tests: a journal, a meter's store, and a node's store with its vouchers.

Home 3 buys of homes 1 and 2 in two quarters of the market's street, and has paid for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from channels.lanes import ChannelState, Payment, VerifiedLeaf
from channels.records import Bill, Change, Direction, Identity, Outgoing, SaveLeaf, SaveSigned
from channels.store import Store
from energy.bills.bill import Bill as HomeBill
from energy.bills.reckoning import OnL1
from energy.bills.verify import Looked
from energy.community.community import Community
from energy.community.rules import Fee, FeeKind, Side, Tariff
from energy.market.journal import Journal
from energy.meters.signing import Salts
from energy.meters.store import Kept, MeterStore
from energy.settlement.dues import Part, dues, parts
from energy.settlement.flows import FlowKind
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.vouchers import Voucher, voucher_message
from tests.energy.community.streets import DOMAIN, SIGNERS, START_MS
from tests.energy.market.journals import KEY
from tests.energy.market.street import (
    FIRST_QUARTER,
    METERS,
    Street,
    channel_of,
    community_of,
    quarter,
)
from tests.energy.market.street import trading as begun

FEES = (Fee(FeeKind.GRID, 20_000, Side.BUY), Fee(FeeKind.COMMUNITY, 1_000, Side.SELL))


@dataclass(frozen=True, slots=True)
class Files:
    """Where home 3 keeps its files, and the street that they tell of."""

    home: Path
    journal: Path
    meter: Path
    street: Street


def fees_community() -> Community:
    """The market's street with a grid fee and a community fee."""
    return community_of(tariffs=(Tariff(START_MS, 320_000, 80_000, FEES),))


def trading() -> Street:
    """Two quarters traded and settled, in the second as much as in the first."""
    made = begun(fees_community(), 300_000)
    for number in (1, 2):
        registers = {home: (i * number, e * number) for home, (i, e) in FIRST_QUARTER.items()}
        made.read_all(quarter(number), registers)
        made.make_due(quarter(number))
    return made


async def write_files(folder: Path, street: Street) -> Files:
    """All of home 3's files, with vouchers for what it owes."""
    files = Files(folder / "home", folder / "journal", folder / "meter", street)
    journal = Journal(files.journal, KEY.public)
    journal.append(street.entries)
    journal.close()
    with MeterStore(files.meter, METERS[3].did) as store:
        salts = Salts(bytes(32), bytes(32))
        store.append([Kept(one, b"raw", salts) for one in street.readings[3]])
    await _write_node(files.home, street)
    return files


async def _write_node(folder: Path, street: Street) -> None:
    rounds = street.market.periods.rounds.values()
    chain = [settlement for one in rounds for settlement in one.chain]
    topology = street.community.rules[0].topology
    owed = {
        payee: due
        for (payer, payee), due in dues(chain, topology, street.community.account).items()
        if payer == 3
    }
    identity = Identity(DOMAIN, 3, SIGNERS[3].key_hash)
    with Store.open(folder, identity) as store:
        for payee, due in owed.items():
            await store.write(*_paying(payee, parts(due.energy_wh, due.amount_ntok)))


def _paying(payee: int, steps: Sequence[Part]) -> list[Change]:
    id_ = channel_of(3, payee)
    leaf = channel_leaf(id_)
    side = Lane.AB if leaf.a_index == 3 else Lane.BA
    state = ChannelState(DOMAIN, id_, side, VerifiedLeaf(7, leaf, 1, START_MS // 1000))
    changes: list[Change] = [SaveLeaf(state)]
    wh = ntok = 0
    for number, step in enumerate(steps):
        payment = Payment(step.energy_wh, step.price_utok_per_kwh)
        wh, ntok = wh + payment.energy_wh, ntok + payment.amount_ntok
        promised = voucher(id_, side, pack_lane(wh, ntok))
        paid = Bill(
            payment_id=f"p{payee}-{number}",
            channel_id=id_,
            peer_index=payee,
            direction=Direction.OUT,
            energy_wh=payment.energy_wh,
            amount_ntok=payment.amount_ntok,
            price_utok_per_kwh=payment.price_utok_per_kwh,
            lane_value=promised.lane_value,
            time_ms=START_MS,
            is_acknowledged=True,
        )
        changes.append(SaveSigned(promised, Outgoing(paid.payment_id, promised, payment), paid))
    return changes


def closed_on_l1(bill: HomeBill, batch: int) -> Looked:
    """L1 with every channel of the bill opened in batch 2, and ended with its lanes in `batch`."""
    channels = tuple(
        replace(
            one,
            vouchers=(),
            on_l1=(OnL1(batch, one.side, one.lane_value(one.side)),),
            opened=2,
            ended=batch,
        )
        for each in bill.reckonings
        for one in each.channels
    )
    return Looked(6, channels)


def with_one_line_changed(bill: HomeBill) -> tuple[HomeBill, int]:
    """A bill with 1 Wh more in one trade, at its price, and the number of that line."""
    line = next(one for one in bill.lines if one.kind is FlowKind.TRADE)
    energy_wh = line.energy_wh + 1
    more = replace(line, energy_wh=energy_wh, amount_ntok=energy_wh * line.price_utok_per_kwh)
    lines = tuple(more if one.number == line.number else one for one in bill.lines)
    return replace(bill, lines=lines), line.number


def channel_leaf(id_: int) -> Channel:
    """The open channel's leaf."""
    a_index, b_index = id_ & 0xFFFFFFFF, id_ >> 32 & 0xFFFFFFFF
    keys: Mapping[int, int] = {one: SIGNERS[one].key_hash for one in (a_index, b_index)}
    return Channel(
        a_index, b_index, 1, 86_400, Status.OPEN, 0, 10**12, 10**12, 0, 0,
        keys[a_index], keys[b_index],
    )  # fmt: skip


def voucher(id_: int, lane: Lane, lane_value: int) -> Voucher:
    """Home 3's promise."""
    fresh = lane_value.to_bytes(32, "big")
    message = voucher_message(DOMAIN, id_, lane, lane_value)
    return Voucher(id_, lane, lane_value, SIGNERS[3].sign(message, fresh))
