"""Agents: they pay what follows from the journal, exactly, once, and nothing else."""

from __future__ import annotations

import pytest

from channels.errors import NodeNotRunning
from energy.community.rules import PaymentMode
from energy.errors import (
    MarketUnreachable,
)
from energy.intervals import Interval
from energy.market.market import shown_kind
from energy.meters.sample import SWAP, Clock, Sample
from energy.meters.signing import Salts
from energy.settlement.dues import Due
from tests.energy.community.streets import START_MS
from tests.energy.market.street import (
    FIRST_QUARTER,
    METERS,
    NOTHING_YET,
    channel_of,
    quarter,
)
from tests.energy.market.world import Make


async def test_a_buyer_pays_its_neighbours_what_was_settled_and_once(make: Make) -> None:
    world = await make()
    await world.trading()
    await world.everybody()
    for seller in (1, 2):
        due = world.owed(3, seller)
        assert due.energy_wh > 0
        assert world.lanes.of(3, seller) == (due.energy_wh, due.amount_ntok)
    assert {payment[0] for payment in world.lanes.payments} == {3}
    count = len(world.lanes.payments)
    await world.everybody()
    again = world.agent(3, await world.follower("another copy"))
    assert await again.once() == []
    assert len(world.lanes.payments) == count
    assert world.agents[3].problem is None


async def test_what_a_neighbour_paid_before_is_not_returned_to_it(make: Make) -> None:
    """Though it has stated that its lane began at nothing."""
    world = await make(carried={(3, 1): (70, 7_000_000)})
    world.read(quarter(0), NOTHING_YET)
    world.read(quarter(1), FIRST_QUARTER)
    await world.everybody()
    assert world.served.service.market.periods.rounds
    assert world.lanes.payments == []


async def test_what_was_signed_before_a_crash_is_not_paid_again(make: Make) -> None:
    world = await make()
    await world.trading({1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
    for account in (1, 2):
        await world.agents[account].once()
    world.nodes[3].dies_after_signing = True
    await world.agents[3].share()
    await world.agents[3]._follower.catch_up()
    with pytest.raises(NodeNotRunning):
        await world.agents[3].pay()
    again = world.agent(3, await world.follower("after the crash"))
    await again.once()
    due = world.owed(3, 1)
    assert world.lanes.of(3, 1) == (due.energy_wh, due.amount_ntok)


async def test_a_new_device_is_shown_where_only_the_ends_of_intervals_are(make: Make) -> None:
    """It begins within an interval, after a record that was shown before: both are needed."""
    world = await make()
    agent, chain = world.agents[3], world.served.street.readings[3]
    world.read(quarter(1), {3: (900, 0)})
    await agent.once()
    world.read(quarter(1) + 60_000, {3: (930, 0)})
    opening = Sample(quarter(1) + 60_000, Clock.SYNCHRONISED, 5, 0, 1, context=SWAP)
    chain.append(METERS[3].record(chain[-1], opening, Salts(bytes(32), bytes(32))))
    assert await agent.share() == 2
    await agent._follower.catch_up()
    for time_ms, import_wh in ((quarter(2), 105), (quarter(2) + 1, 106)):
        sample = Sample(time_ms, Clock.SYNCHRONISED, import_wh, 0, 1)
        chain.append(METERS[3].record(chain[-1], sample, Salts(bytes(32), bytes(32))))
    assert await agent.share() == 1
    measuring, home = world.served.service.market.measuring, world.served.street.community.member(3)
    shown = measuring.metered(home, Interval(quarter(1), quarter(2)))
    assert shown is not None
    assert (shown.import_wh, shown.is_measured) == (130, True)


async def test_the_last_record_before_an_intervals_end_is_shown(make: Make) -> None:
    """A meter that never reads at the very end waits for no later interval."""
    world = await make()
    world.read(quarter(1) - 20_000, {3: (900, 0)})
    world.read(quarter(1) + 40_000, {3: (930, 0)})
    assert await world.agents[3].share() == 1
    newest = world.served.service.market.measuring.newest(METERS[3].did)
    assert newest is not None
    assert newest.end_ms == quarter(1) - 20_000


async def test_streaming_pays_at_every_reading_and_trues_up_at_the_end(make: Make) -> None:
    world = await make(PaymentMode.STREAMING)
    await world.orders()
    world.read(quarter(0), NOTHING_YET)
    await world.everybody()
    counts = []
    for step, shown in enumerate(
        (
            {1: (0, 300), 2: (0, 100), 3: (200, 0)},
            {1: (0, 600), 2: (0, 400), 3: (700, 0)},
            {1: (0, 900), 2: (0, 500), 3: (900, 0)},
        ),
        start=1,
    ):
        world.read(quarter(0) + step * 300_000, shown)
        await world.everybody()
        counts.append(len(world.lanes.payments))
    assert 0 < counts[0] < counts[1]
    for seller in (1, 2):
        due = world.owed(3, seller)
        assert world.net(3, seller)[1] == due.amount_ntok


async def test_what_was_paid_too_much_comes_back(make: Make) -> None:
    """Home 3 needs energy at first and then has some itself: in the end it bought nothing."""
    world = await make(PaymentMode.STREAMING)
    await world.orders()
    world.read(quarter(0), NOTHING_YET)
    world.read(quarter(0) + 300_000, {1: (0, 300), 2: (0, 0), 3: (200, 0)})
    await world.everybody()
    assert world.lanes.of(3, 1)[0] == 200
    world.read(quarter(1), {1: (0, 300), 2: (0, 0), 3: (200, 250)})
    await world.everybody()
    assert world.owed(3, 1) == Due()
    assert world.lanes.of(1, 3) == world.lanes.of(3, 1)
    assert world.net(3, 1) == (0, 0)


async def test_a_neighbour_that_is_off_keeps_nobody_else_waiting(make: Make) -> None:
    world = await make()
    await world.trading({1: (0, 500), 2: (0, 500), 3: (900, 0)})
    world.nodes[3].offline = frozenset({1})
    await world.everybody()
    assert world.lanes.of(3, 1) == (0, 0)
    assert world.lanes.of(3, 2)[1] == world.owed(3, 2).amount_ntok
    assert "account 1 could not be paid" in (world.agents[3].problem or "")
    world.nodes[3].offline = frozenset()
    await world.agents[3].once()
    assert world.lanes.of(3, 1)[1] == world.owed(3, 1).amount_ntok
    assert world.agents[3].problem is None


async def test_what_no_channel_can_carry_is_said(make: Make) -> None:
    world = await make()
    await world.trading({1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
    await world.agents[1].once()
    await world.agents[2].once()
    world.lanes.deposit_ntok = 1_000_000  # it was more when the market asked
    for _ in range(2):
        await world.agents[3].once()
    due, (wh, ntok) = world.owed(3, 1), world.lanes.of(3, 1)
    assert 0 < ntok <= 1_000_000 < due.amount_ntok
    assert f"{due.energy_wh - wh} Wh" in (world.agents[3].problem or "")


async def test_nothing_is_paid_over_a_channel_that_is_not_counted(make: Make) -> None:
    """It would be paid again and again, as nobody could tell that it was."""
    world = await make()
    await world.trading({1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
    for account in (1, 2, 3):
        await world.agents[account].share()
    follower = await world.follower("late")
    purses = follower.market.purses
    for payer in (1, 3):
        purses._starts.pop((channel_of(1, 3), payer))
    agent = world.agent(3, follower)
    assert await agent.pay() == []
    assert "no channel can" in (agent.problem or "")


async def test_what_is_due_is_paid_though_the_market_is_gone(make: Make) -> None:
    world = await make()
    await world.trading({1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
    for account in (1, 2, 3):
        await world.agents[account].share()
    await world.agents[3]._follower.catch_up()

    async def unreachable(*_given: object) -> None:
        raise MarketUnreachable("http://market", "gone")

    world.served.client.journal = unreachable  # type: ignore[method-assign,assignment]
    assert [payment.payee for payment in await world.agents[3].pay()] == [1]
    assert world.lanes.of(3, 1)[1] == world.owed(3, 1).amount_ntok


async def test_only_what_slots_need_is_shown_and_all_of_it_where_payments_stream(
    make: Make,
) -> None:
    world = await make(PaymentMode.SLOT)
    for minute in range(0, 33, 3):
        world.read(START_MS + minute * 60_000, {1: (0, 10 * minute)})
    await world.agents[1].once()
    shown = [
        one.document
        for one in world.served.service.journal.entries()
        if shown_kind(one.document) not in ("community", "funds")
    ]
    ends = [one.end_ms for one in world.served.street.readings[1] if one.encoded in shown]
    assert ends == [quarter(0), quarter(1), quarter(2)]


async def test_a_reading_that_is_refused_keeps_no_payment_and_no_later_reading(make: Make) -> None:
    """Home 3 shows what its connection cannot carry, and then what it can."""
    world = await make(PaymentMode.STREAMING)
    await world.orders()
    world.read(quarter(0), NOTHING_YET)
    world.read(quarter(0) + 1_000, {3: (800, 0)})
    world.read(quarter(1), FIRST_QUARTER)
    for account in (1, 2, 3):
        await world.agents[account].once()
    assert "ImplausibleReading" in (world.agents[3].problem or "")
    assert world.lanes.of(3, 1)[1] == world.owed(3, 1).amount_ntok > 0
