"""A month's bill, by figures worked out by hand in records.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from energy.bills.bill import Group, Head, make_bill
from energy.bills.comparison import Comparison, compare_members
from energy.bills.lines import Paid, Payment
from energy.bills.month import Month, month_of, parse_month
from energy.bills.reckoning import PaidChannel
from energy.community.rules import Topology
from energy.errors import BadMonth, NothingToBill, UnknownMember
from energy.settlement.dues import dues
from energy.settlement.flows import FlowKind, Outside
from protocol.channels import Lane, channel_id, pack_lane
from tests.energy.bills.records import (
    BUY,
    FEE_LANE,
    FIRST,
    FIRST_STEP,
    JULY,
    JUNE,
    LANE,
    NOON_MS,
    WITH_COMMUNITY,
    WITH_NEIGHBOUR,
    channels,
    corrected,
    flow,
    records,
    settled,
)
from tests.energy.community.streets import START_MS, street


def test_a_buyers_month() -> None:
    """Five lines in the journal's order, each with what it rests on."""
    bill = make_bill(records(), 3, JUNE)
    shown = [
        (one.kind, one.other, one.owes, one.energy_wh, one.amount_ntok, one.with_account)
        for one in bill.lines
    ]
    assert shown == [
        (FlowKind.TRADE, 1, True, 800, 160_000_000, 1),
        (FlowKind.GRID_FEE, Outside.GRID_OPERATOR, True, 800, 16_000_000, 0),
        (FlowKind.TRADE, 1, True, 500, 100_000_000, 1),
        (FlowKind.GRID_FEE, Outside.GRID_OPERATOR, True, 500, 10_000_000, 0),
        (FlowKind.GRID_PURCHASE, Outside.SUPPLIER, True, 400, 140_000_000, -1),
    ]
    assert [one.number for one in bill.lines] == [1, 2, 3, 4, 5]
    assert [one.entry for one in bill.lines] == [0, 0, 1, 1, 1]
    assert {one.order for one in bill.lines} == {BUY, b""}
    first = bill.entries[0]
    assert (first.interval, first.rules_version, first.place) == (FIRST, 1, 10)
    assert first.metered is not None
    assert first.metered.import_wh == 800
    assert bill.cost_ntok == 426_000_000
    assert {group: one.net_ntok for group, one in bill.sums.items()} == {
        Group.BOUGHT: -260_000_000,
        Group.FROM_GRID: -140_000_000,
        Group.GRID_FEE: -26_000_000,
    }
    assert bill.sums[Group.BOUGHT].energy_wh == 1_300


def test_lines_lead_to_vouchers_and_batches() -> None:
    """Each to the lowest lane value that covers it; an open channel has no batch yet."""
    bill = make_bill(records(), 3, JUNE)
    assert [one.payment for one in bill.lines] == [
        Payment(Paid.VOUCHER, WITH_NEIGHBOUR, Lane.BA, FIRST_STEP, 7),
        Payment(Paid.VOUCHER, WITH_COMMUNITY, Lane.AB, FEE_LANE, 0),
        Payment(Paid.VOUCHER, WITH_NEIGHBOUR, Lane.BA, LANE, 7),
        Payment(Paid.VOUCHER, WITH_COMMUNITY, Lane.AB, FEE_LANE, 0),
        Payment(Paid.OUTSIDE),
    ]
    assert [(one.other, one.open_ntok) for one in bill.reckonings] == [(0, 0), (1, 0)]


def test_a_sellers_month() -> None:
    """The same trades from the other side; the fee to the community is not paid yet."""
    bill = make_bill(records(home=1), 1, JUNE)
    assert bill.cost_ntok == -(260_000_000 + 16_000_000 - 1_300_000)
    assert [one.payment.how for one in bill.lines if one.kind is FlowKind.TRADE] == [
        Paid.VOUCHER
    ] * 2
    assert [one.payment.how for one in bill.lines if one.kind is FlowKind.COMMUNITY_FEE] == [
        Paid.OPEN
    ] * 2
    assert {one.other: one.open_ntok for one in bill.reckonings} == {0: 1_300_000, 3: 0}
    assert bill.open_lines == 2


def test_what_is_not_promised_is_open() -> None:
    """A lane that covers the first quarter alone leaves the second open."""
    paid = replace(channels()[0], lane_ba=FIRST_STEP)
    bill = make_bill(records(channels=(paid,)), 3, JUNE)
    assert [one.payment.how for one in bill.lines] == [
        Paid.VOUCHER,
        Paid.OPEN,
        Paid.OPEN,
        Paid.OPEN,
        Paid.OUTSIDE,
    ]
    assert [one.open_ntok for one in bill.reckonings] == [26_000_000, 100_000_000]


def test_a_closed_channel_counts_with_the_next_one() -> None:
    """What an earlier channel has paid stays paid; what is more stands in the later one."""
    first = replace(channels()[0], lane_ba=FIRST_STEP, steps=())
    later_id = WITH_NEIGHBOUR + (9 << 64)
    later = replace(first, channel_id=later_id, lane_ba=pack_lane(500, 100_000_000), on_l1=())
    bill = make_bill(records(channels=(later, first)), 3, JUNE)
    paid = [one.payment.channel_id for one in bill.lines if one.kind is FlowKind.TRADE]
    assert paid == [WITH_NEIGHBOUR, later_id]


def test_an_adjustment_stands_in_the_bill_of_its_own_month() -> None:
    """June's bill stays what it was; July's has what came back, set off or paid."""
    both = records(corrected())
    assert make_bill(both, 3, JUNE).lines == make_bill(records(), 3, JUNE).lines
    july = make_bill(both, 3, JULY)
    assert [(one.kind, one.adjusts, one.owes, one.amount_ntok) for one in july.lines] == [
        (FlowKind.ADJUSTMENT, FlowKind.TRADE, False, 20_000_000),
        (FlowKind.ADJUSTMENT, FlowKind.GRID_FEE, False, 2_000_000),
    ]
    assert july.cost_ntok == -22_000_000
    assert july.reckonings[1].before_ntok == (260_000_000, 0)
    assert july.reckonings[1].lines_ntok == (-20_000_000, 0)
    assert july.reckonings[1].open_ntok == -20_000_000
    assert [one.payment.how for one in july.lines] == [Paid.OPEN, Paid.OPEN]


def test_what_was_paid_too_much_comes_back_on_the_other_lane() -> None:
    """The neighbour's own voucher over 20 closes the reckoning; the fee's 2 are still open."""
    back = replace(channels()[0], lane_ab=pack_lane(1, 20_000_000))
    july = make_bill(records(corrected(), channels=(back, channels()[1])), 3, JULY)
    assert [one.open_ntok for one in july.reckonings] == [-2_000_000, 0]
    assert [one.payment.how for one in july.lines] == [Paid.SET_OFF, Paid.OPEN]


def test_what_is_taken_back_before_it_was_paid_needs_no_voucher() -> None:
    """240 in the lane pay all of what was due by then, both quarters in full."""
    paid = replace(channels()[0], lane_ba=pack_lane(1_200, 240_000_000), steps=())
    june = make_bill(records(corrected(), channels=(paid,)), 3, JUNE)
    trades = [one for one in june.lines if one.kind is FlowKind.TRADE]
    assert [one.payment.how for one in trades] == [Paid.VOUCHER, Paid.VOUCHER]
    short = replace(paid, lane_ba=pack_lane(1_200, 239_999_999))
    june = make_bill(records(corrected(), channels=(short,)), 3, JUNE)
    trades = [one for one in june.lines if one.kind is FlowKind.TRADE]
    assert [one.payment.how for one in trades] == [Paid.VOUCHER, Paid.OPEN]


def test_a_sellers_fee_in_a_hub_is_taken_off_what_it_gets() -> None:
    """The hub pays 260 less the fee of 1.3, and that settles all four lines."""
    hub = street(rules=(replace(street().rules[0], topology=Topology.HUB),))
    lane = pack_lane(1_300, 258_700_000)
    through = PaidChannel(channel_id(0, 1, 2), Lane.BA, lane, 0)
    bill = make_bill(records(home=1, community=hub, channels=(through,)), 1, JUNE)
    assert [one.payment.how for one in bill.lines if one.with_account == 0] == [
        Paid.VOUCHER,
        Paid.SET_OFF,
    ] * 2
    assert (bill.reckonings[0].lines_ntok, bill.reckonings[0].open_ntok) == ((0, 258_700_000), 0)


def test_a_reckoning_adds_up_to_what_the_agents_pay_by() -> None:
    """The same dues as energy/settlement/dues.py counts, in a mesh and in a hub."""
    chain = (*settled(), corrected())
    for topology in Topology:
        rules = (replace(street().rules[0], topology=topology),)
        owed = dues([one.settlement for one in chain], topology, 0)
        for home in (1, 3):
            own = records(corrected(), home=home, community=street(rules=rules))
            for one in make_bill(own, home, JUNE).reckonings:
                agents = [
                    owed[pair].amount_ntok if pair in owed else 0
                    for pair in ((home, one.other), (one.other, home))
                ]
                assert list(one.due_ntok) == agents


def test_what_is_owed_both_ways_is_set_off() -> None:
    """A later debt of 20 needs no voucher where 20 are owed in turn."""
    first, second = settled()
    flows = tuple(
        replace(one, payer=1, payee=3) if one.kind is FlowKind.TRADE else one
        for one in second.settlement.flows
    )
    turned = replace(second, settlement=replace(second.settlement, flows=flows))
    paid = replace(channels()[0], lane_ba=pack_lane(300, 60_000_000), steps=())
    bill = make_bill(records(settled=(first, turned), channels=(paid,)), 3, JUNE)
    trades = [one for one in bill.lines if one.kind is FlowKind.TRADE]
    assert [(one.owes, one.payment.how) for one in trades] == [
        (True, Paid.SET_OFF),
        (False, Paid.SET_OFF),
    ]
    assert bill.reckonings[1].open_ntok == 0


def test_in_a_hub_all_is_paid_through_the_community() -> None:
    """Who sold is still on the line; the account that is paid is the community's."""
    hub = street(rules=(replace(street().rules[0], topology=Topology.HUB),))
    bill = make_bill(records(community=hub), 3, JUNE)
    trade = bill.lines[0]
    assert (trade.other, trade.with_account) == (1, 0)
    assert [one.other for one in bill.reckonings] == [0]
    assert bill.reckonings[0].lines_ntok == (286_000_000, 0)


def test_what_the_home_would_have_paid_without() -> None:
    """1,700 Wh at 0.35 are 0.595 tokens; with the neighbour it was 0.426."""
    bill = make_bill(records(), 3, JUNE)
    assert bill.comparison == Comparison(426_000_000, 595_000_000)
    assert bill.comparison.gain_ntok == 169_000_000


def test_members_who_lose_are_shown() -> None:
    """With a fee of a whole token a kWh the buyer loses, and its figure says so."""
    first, second = settled()
    dear = tuple(
        replace(one, price_utok_per_kwh=1_000_000, amount_ntok=one.energy_wh * 1_000_000)
        if one.kind is FlowKind.GRID_FEE
        else one
        for one in second.settlement.flows
    )
    changed = replace(second, settlement=replace(second.settlement, flows=dear))
    span = JUNE.span(ZoneInfo("Europe/Berlin"))
    found = compare_members((first, changed), span, street().tariff_at)
    assert found[3].gain_ntok == 169_000_000 - 490_000_000
    assert found[1].gain_ntok == 1_300 * 120_000 - 1_300_000


def test_a_correction_counts_once_in_the_comparison() -> None:
    """By the newest reading of each interval, and all that was owed for it."""
    span = JUNE.span(ZoneInfo("Europe/Berlin"))
    found = compare_members((*settled(), corrected()), span, street().tariff_at)
    assert found[3] == Comparison(426_000_000 - 22_000_000, 1_600 * 350_000)


def test_a_home_that_shows_nothing_and_owes_all_the_same_is_compared() -> None:
    """What the last settlement charges it for a broken promise is its loss."""
    first, _ = settled()
    promise = flow(FlowKind.DEVIATION, 2, 3, 100, 50_000)
    charged = replace(first.settlement, flows=(*first.settlement.flows, promise))
    span = JUNE.span(ZoneInfo("Europe/Berlin"))
    found = compare_members((replace(first, settlement=charged),), span, street().tariff_at)
    assert found[2] == Comparison(5_000_000, 0)
    assert found[2].gain_ntok == -5_000_000


def test_carbon_needs_a_stated_factor() -> None:
    """1,300 Wh of a green neighbour at 363 g; without a factor nothing is said of it."""
    avoided = make_bill(records(), 3, JUNE).avoided
    assert avoided is not None
    assert avoided.milligrams == 1_300 * 363
    assert make_bill(records(community=street(carbon=None)), 3, JUNE).avoided is None


def test_an_interval_without_a_reading_is_counted() -> None:
    """No verified reading, no payment, and the bill says how often."""
    first, second = settled()
    blind = replace(second.settlement, metered=(), flows=())
    bill = make_bill(records(settled=(first, replace(second, settlement=blind))), 3, JUNE)
    assert (bill.without_reading, len(bill.entries)) == (1, 1)


def test_nothing_to_bill() -> None:
    """Another month, a home that was not metered, and one that is no member."""
    with pytest.raises(NothingToBill, match="account 3 in 2026-05"):
        make_bill(records(), 3, Month(2026, 5))
    with pytest.raises(NothingToBill):
        make_bill(records(), 2, JUNE)
    with pytest.raises(UnknownMember):
        make_bill(records(), 77, JUNE)


def test_months() -> None:
    """A month's span knows its days and its clock changes."""
    berlin = ZoneInfo("Europe/Berlin")
    assert JUNE.span(berlin).start_ms == START_MS
    hours = timedelta(milliseconds=parse_month("2026-03").span(berlin).length_ms)
    assert hours == timedelta(days=31) - timedelta(hours=1)
    assert str(Month(2026, 12).next) == "2027-01"
    assert month_of(NOON_MS, berlin) == JUNE
    for text in ("2026-13", "26-06", "2026-6", "2026-00", ""):
        with pytest.raises(BadMonth, match="2026-06"):
            parse_month(text)


def test_the_head_is_the_journals() -> None:
    """It names the entry up to which the bill was made."""
    assert make_bill(records(), 3, JUNE).head == Head(11, records().head.chain)
    assert make_bill(records(), 3, JUNE).lines[2].payment.lane_value == LANE
