"""What an agent does not believe: others who act in its home's name, and a market that lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from energy.community.changes import Amendment, encode_amendment
from energy.community.members import Member, MeterKey
from energy.community.rules import Side
from energy.errors import (
    AnotherKey,
    ClockAhead,
    DoesNotFollow,
    EntryDoesNotFollow,
    InOtherHands,
    JournalBroken,
    JournalForked,
    StrangeReading,
)
from energy.market.entries import BEGINNING, Entry, chain_of
from energy.market.follower import MOST_AHEAD_MS, Follower
from energy.market.journal import read_journal
from energy.market.log_key import LogKey
from energy.market.market import fold, shown_kind
from energy.market.periods import GRACE_MS
from energy.settlement.documents import decode_clearing, encode_clearing
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.street import (
    METERS,
    quarter,
    signed,
)
from tests.energy.market.world import Make, World


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


async def test_a_home_whose_meter_is_read_elsewhere_is_not_billed_by_anothers(make: Make) -> None:
    """The meter that it had first is its own, and one that it names; it pays by these alone."""
    world = await make()
    await world.trading({1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
    for account in (1, 2, 3):
        await world.agents[account].share()
    follower, first, later = await world.follower("elsewhere"), METERS[3].did, METERS[4].did
    knows_none, knows_first, knows_later, knows_both = (
        world.agent(3, follower, known) for known in ((), (first,), (later,), (first, later))
    )
    assert sum(one.energy_wh for one in await knows_none.once()) == 900
    member, other = world.served.street.community.member(3), METERS[4]
    key = MeterKey(other.did, other.key_id, START_MS - 86_400_000)
    await _amended(world, replace(member, meters=(key, *member.meters)))
    assert await knows_none.once() == await knows_first.once() == []
    await world.served.client.submit(world.served.street.reading(4, quarter(1), 0, 0))
    with pytest.raises(InOtherHands, match="added to it later; if it is yours, name it"):
        await knows_none.once()
    with pytest.raises(InOtherHands, match="not the one that is here"):
        await knows_first.once()
    assert await knows_later.once() == await knows_both.once() == []


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
    await world.trading()
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
