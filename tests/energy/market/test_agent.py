"""Agents: they pay what follows from the journal, exactly, once, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from channels.errors import NodeNotRunning
from energy.community.changes import Amendment, encode_amendment
from energy.community.members import Member, MeterKey
from energy.community.rules import PaymentMode, Rules, Side
from energy.errors import (
    AnotherKey,
    ClockAhead,
    DoesNotFollow,
    EntryDoesNotFollow,
    InOtherHands,
    JournalBroken,
    JournalForked,
    MarketUnreachable,
    StrangeReading,
)
from energy.intervals import Interval
from energy.market.agent import Agent
from energy.market.entries import BEGINNING, Entry, chain_of
from energy.market.follower import MOST_AHEAD_MS, Follower
from energy.market.journal import read_journal
from energy.market.log_key import LogKey
from energy.market.market import fold, shown_kind
from energy.market.periods import GRACE_MS
from energy.meters.reading import Reading
from energy.meters.sample import SWAP, Clock, Sample
from energy.meters.signing import Salts
from energy.settlement.documents import decode_clearing, encode_clearing
from energy.settlement.dues import Due
from protocol.crypto.schnorr import Signature
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.lanes import FakeNode, Lanes
from tests.energy.market.served import Served
from tests.energy.market.street import METERS, channel_of, community_of, quarter, signed

ALL = (0, 1, 2, 3)


class MeterOf:
    """A home's store: the records that its meter has made in the test's street."""

    def __init__(self, served: Served, home: int) -> None:
        self._chain = served.street.readings.setdefault(home, [])

    def last(self) -> Reading | None:
        """The newest record."""
        return self._chain[-1] if self._chain else None

    def readings(self, span: None = None, after: int = -1) -> list[Reading]:
        """Records of higher sequence."""
        return [one for one in self._chain if one.sequence > after]


class World:
    """A served market, lanes between all, and an agent for each home and the community."""

    def __init__(self, served: Served, stack: AsyncExitStack, folder: Path) -> None:
        self.served, self.lanes, self._stack, self._folder = served, Lanes(), stack, folder
        self.nodes = {
            one: FakeNode(one, self.lanes, tuple(other for other in ALL if other != one))
            for one in ALL
        }
        self.agents: dict[int, Agent] = {}

    async def start(self, carried: dict[tuple[int, int], tuple[int, int]]) -> None:
        """Found the market, one copy for all, and everybody states its funds; whoever has paid
        something before (`carried`) has said that it had not."""
        await self.served.client.submit(self.served.street.signed_community())
        self.lanes.carried |= carried
        for payer, _ in carried:
            await self.served.client.submit(self.served.street.funds(payer, START_MS))
        follower = await self.follower("copy")
        for account in ALL:
            self.agents[account] = self.agent(account, follower)
            await self.agents[account].once()

    async def follower(self, name: str) -> Follower:
        """A copy of its own."""
        follower = await Follower.open(self.served.client, self._folder / name)
        self._stack.callback(follower.close)
        await follower.catch_up()
        return follower

    def agent(self, account: int, follower: Follower) -> Agent:
        """A new agent of an account: it remembers nothing of one before it."""

        meter = MeterOf(self.served, account) if account else None
        client, node = self.served.client, self.nodes[account]
        return Agent(account, partial(sign, account), client, follower, node, meter)

    def read(self, time_ms: int, shown: dict[int, tuple[int, int]]) -> None:
        """Meters record; nobody has been shown it yet."""
        for home, registers in shown.items():
            self.served.street.reading(home, time_ms, *registers)

    async def orders(self, seller_limit: int | None = 100_000) -> None:
        """Homes 1 and 2 sell, home 3 buys."""
        street, client = self.served.street, self.served.client
        await client.submit(street.order(1, Side.SELL, seller_limit))
        await client.submit(street.order(2, Side.SELL, seller_limit))
        await client.submit(street.order(3, Side.BUY, 250_000))

    async def everybody(self) -> None:
        """Each agent's round, twice: the first ones do not see the last ones' readings."""
        for _ in range(2):
            for account in ALL:
                await self.agents[account].once()

    def owed(self, payer: int, payee: int) -> Due:
        """By the market's settlements."""
        return self.served.service.market.periods.owed.get((payer, payee), Due())

    def net(self, payer: int, payee: int) -> tuple[int, int]:
        """(Wh, ntok) that went one way more than back."""
        out, back = self.lanes.of(payer, payee), self.lanes.of(payee, payer)
        return out[0] - back[0], out[1] - back[1]


@cache
def sign(account: int, message: int) -> Signature:
    """As the account's wallet does, the same every time."""
    return SIGNERS[account].sign(message, message.to_bytes(32, "big"))


Make = Callable[..., Awaitable[World]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def made(
            mode: PaymentMode = PaymentMode.SLOT,
            carried: dict[tuple[int, int], tuple[int, int]] | None = None,
        ) -> World:
            community = community_of(rules=(Rules(1, START_MS, mode=mode),))
            served = Served(tmp_path / "market", community)
            stack.push_async_callback(served.client.close)
            stack.callback(served.service.close)
            world = World(served, stack, tmp_path)
            await world.start(carried or {})
            return world

        yield made


async def test_a_buyer_pays_its_neighbours_what_was_settled_and_once(make: Make) -> None:
    world = await make()
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
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
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
    await world.everybody()
    assert world.served.service.market.periods.rounds
    assert world.lanes.payments == []


async def test_what_was_signed_before_a_crash_is_not_paid_again(make: Make) -> None:
    world = await make()
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
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
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
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
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
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
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 500), 2: (0, 500), 3: (900, 0)})
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
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
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
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
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
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 0), 3: (900, 0)})
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


async def test_readings_that_a_home_has_not_made_stop_its_agent(make: Make) -> None:
    world = await make()
    world.read(quarter(0), {1: (0, 0)})
    await world.agents[1].once()
    forged = world.served.street.readings[1][0]
    stranger = replace(
        forged, sequence=1, end_ms=quarter(1), start_ms=quarter(0), before=forged.digest
    )
    stranger = replace(stranger, signature=METERS[1].sign(stranger.unsigned))
    await world.served.client.submit(stranger.encoded)
    world.read(quarter(1), {1: (0, 5)})
    with pytest.raises(StrangeReading, match="in other hands"):
        await world.agents[1].once()


async def _amended(world: World, member: Member) -> None:
    """The community's account puts another entry in place of a member's."""
    market = world.served.service.market
    now = market.community
    members = tuple(member if one.account == member.account else one for one in now.members)
    amendment = Amendment(market.history.latest.digest, replace(now, members=members))
    await world.served.client.submit(signed(encode_amendment(amendment), SIGNERS[0]))


async def test_what_the_treasurer_orders_in_a_members_name_is_not_paid(make: Make) -> None:
    """It gives the member a key of its own, orders, and puts everything back."""
    world = await make()
    member = world.served.street.community.member(3)
    await _amended(world, replace(member, key_hash=SIGNERS[0].key_hash))
    dear = world.served.street.order(3, Side.BUY, 10**9, signer=SIGNERS[0])
    await world.served.client.submit(dear)
    await _amended(world, member)
    with pytest.raises(InOtherHands, match="has another key"):
        await world.agents[3].once()


async def test_what_another_meter_says_of_a_home_is_not_paid(make: Make) -> None:
    """The community's account adds a meter to the home; as long as it is silent nothing is lost."""
    world = await make()
    world.read(quarter(0), {3: (0, 0)})
    await world.agents[3].once()
    member, other = world.served.street.community.member(3), METERS[4]
    key = MeterKey(other.did, other.key_id, START_MS - 86_400_000)
    await _amended(world, replace(member, meters=(key, *member.meters)))
    await world.agents[3].once()
    await world.served.client.submit(world.served.street.reading(4, quarter(0), 0, 0))
    with pytest.raises(InOtherHands, match="not the one that is here"):
        await world.agents[3].once()


async def test_a_reading_that_is_refused_keeps_no_payment_and_no_later_reading(make: Make) -> None:
    """Home 3 shows what its connection cannot carry, and then what it can."""
    world = await make(PaymentMode.STREAMING)
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(0) + 1_000, {3: (800, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
    for account in (1, 2, 3):
        await world.agents[account].once()
    assert "ImplausibleReading" in (world.agents[3].problem or "")
    assert world.lanes.of(3, 1)[1] == world.owed(3, 1).amount_ntok > 0


class Forger:
    """Signs with the market's key what the market never would."""

    def __init__(self, world: World) -> None:
        self.world, self.service = world, world.served.service

    def replace_from(self, seq: int, document: bytes) -> None:
        """Make the market show another entry `seq`, and nothing after it."""
        entries = list(self.service.journal.entries())
        before = entries[seq - 2].chain if seq > 1 else BEGINNING
        chain = chain_of(before, seq, entries[seq - 1].time_ms, document)
        signature = self.service._key.sign(chain)
        false = Entry(seq, entries[seq - 1].time_ms, document, chain, signature)
        shown = [*entries[: seq - 1], false]

        class Shown:
            """A journal that shows what it is told to."""

            last = false

            def entries(self, after: int = 0, limit: int | None = None) -> list[Entry]:
                """As the journal's."""
                return shown[after:]

            def close(self) -> None:
                """It was closed before."""

        self.service.journal.close()
        self.service.journal = Shown()  # type: ignore[assignment]


async def test_nobody_pays_by_a_clearing_that_does_not_follow(make: Make, tmp_path: Path) -> None:
    world = await make()
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
    for home in (1, 2):
        await world.agents[home].once()
    for reading in world.served.street.readings[3]:
        await world.served.client.submit(reading.encoded)
    entries = list(world.served.service.journal.entries())
    place = next(one for one in entries if shown_kind(one.document) == "clearing")
    true = decode_clearing(place.document)
    dearer = tuple(replace(one, price_utok_per_kwh=240_000) for one in true.trades)
    Forger(world).replace_from(place.seq, encode_clearing(replace(true, trades=dearer)))
    for _ in range(2):
        with pytest.raises(EntryDoesNotFollow, match=f"entry {place.seq} of .*: the clearing"):
            await world.agents[3].once()
    assert world.lanes.payments == []
    _, kept = read_journal(tmp_path / "copy")
    with pytest.raises(DoesNotFollow):
        fold(kept)  # the signed proof is in the household's own folder


async def test_a_market_that_shows_another_past_is_found_out(make: Make) -> None:
    world = await make()
    world.read(quarter(0), {1: (0, 0)})
    await world.agents[1].once()
    await world.agents[1].once()
    newest = world.served.service.market.seq
    false = world.served.street.order(2, Side.SELL, 5)
    Forger(world).replace_from(newest, false)
    await world.agents[1].once()  # it knows as many entries, and asks for no others
    entries = list(world.served.service.journal.entries())
    more = chain_of(entries[-1].chain, newest + 1, START_MS + GRACE_MS, b"more")
    signed = world.served.service._key.sign(more)
    entries.append(Entry(newest + 1, START_MS + GRACE_MS, b"more", more, signed))
    world.served.service.journal.entries = lambda after=0, limit=None: iter(entries[after:])  # type: ignore[method-assign]
    world.served.service.journal.last = entries[-1]
    with pytest.raises(JournalForked, match=f"another entry {newest + 1}"):
        await world.agents[1].once()


async def test_a_market_that_forgets_is_found_out(make: Make) -> None:
    world = await make()
    world.read(quarter(0), {1: (0, 0)})
    await world.agents[1].once()
    await world.agents[1].once()
    entries = list(world.served.service.journal.entries())
    Forger(world).replace_from(len(entries) - 1, entries[-2].document)
    with pytest.raises(JournalForked):
        await world.agents[1].once()


async def test_a_market_whose_clock_runs_ahead_is_not_followed_till_then(
    make: Make, tmp_path: Path
) -> None:
    """It could end votes, orders and the time for corrections as it likes."""
    world, now = await make(), [START_MS - MOST_AHEAD_MS - 1]
    follower = await Follower.open(world.served.client, tmp_path / "clock", now_ms=lambda: now[0])
    world._stack.callback(follower.close)
    with pytest.raises(ClockAhead, match="entry 1 of the journal is dated 600 s ahead"):
        await follower.catch_up()
    assert follower.market.seq == 0
    now[0] += 1
    assert await follower.catch_up() == world.served.service.market.seq


async def test_another_key_is_not_followed(make: Make, tmp_path: Path) -> None:
    world = await make()
    with pytest.raises(AnotherKey):
        await Follower.open(world.served.client, tmp_path / "x", key=bytes(32))
    known = world.served.service._key
    world.served.service._key = LogKey(bytes(32))
    with pytest.raises(AnotherKey, match="ask the community"):
        await world.agents[1].once()
    world.served.service._key = known
    entries = list(world.served.service.journal.entries())
    forged = replace(entries[1], signature=bytes(64))
    world.served.service.journal.entries = lambda after=0, limit=None: [entries[0], forged][after:]  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(JournalBroken, match="has not signed"):
        await (await Follower.open(world.served.client, tmp_path / "y")).catch_up()
