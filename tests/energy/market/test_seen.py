"""A market that shows two journals is found out by whoever sees a statement from the other one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from energy.canonical import decode, encode
from energy.community.rules import Side
from energy.errors import EntryDoesNotFollow, MarketRefused, SplitView
from energy.market.entries import BEGINNING, Entry, chain_of
from energy.market.follower import Follower
from energy.market.funds import Funds, decode_funds, encode_funds
from energy.market.journal import Journal
from energy.market.market import fold
from energy.market.reading_on import followed
from tests.energy.community.streets import START_MS
from tests.energy.market.journals import entry
from tests.energy.market.street import Street, quarter
from tests.energy.market.world import Make


def journal_with(order_of: int) -> Street:
    """A street whose journal goes on with an order of this home."""
    made = Street()
    made.begin()
    made.put(made.order(order_of, Side.SELL, 100_000), START_MS)
    return made


def test_a_statement_that_names_another_journal_is_refused_and_does_not_follow() -> None:
    """One market, one key: to home 1 it shows the order of home 2, to all others that of home 3."""
    shown, hidden = journal_with(3), journal_with(2)
    seq, chain = hidden.market.chain.newest
    assert (seq, chain) == (len(shown.entries), hidden.entries[-1].chain)
    statement = hidden.funds(1, START_MS, seen=(seq, chain))
    hidden.put(statement, START_MS)
    with pytest.raises(SplitView, match=f"account 1 has seen entry {seq}") as caught:
        shown.put(statement, START_MS)
    assert (caught.value.seen, caught.value.here) == (chain, shown.entries[-1].chain)
    market = fold(shown.entries)  # whoever follows a market that takes it all the same
    with pytest.raises(EntryDoesNotFollow, match=rf"entry {seq + 1} .* shows two journals"):
        followed(entry(shown.entries[-1], statement, START_MS), market.add)
    fold(hidden.entries)


@pytest.mark.parametrize(
    ("back", "chain"),
    [(0, None), (2, None), (0, bytes(31) + b"x"), (-1, None), (-(1 << 40), None)],
    ids=["the newest", "an older one", "another one", "the next", "one far ahead"],
)
def test_any_entry_that_is_here_may_be_named_and_no_other(back: int, chain: bytes | None) -> None:
    made = journal_with(2)
    place = len(made.entries) - back
    here = made.entries[place - 1].chain if back >= 0 else bytes(32)
    statement = made.funds(1, START_MS, seen=(place, (chain or here).ljust(32, b"x")))
    if back >= 0 and chain is None:
        made.put(statement, START_MS)
        return
    with pytest.raises(SplitView):
        made.put(statement, START_MS)


def test_who_has_seen_nothing_says_so_and_older_statements_do_not_say() -> None:
    made = journal_with(2)
    made.put(made.funds(1, START_MS), START_MS)
    with pytest.raises(SplitView, match="entry 0"):
        made.put(made.funds(2, START_MS, seen=(0, bytes(31) + b"x")), START_MS)
    funds = Funds(1, 2, START_MS, (), 7, bytes(range(32)))
    assert decode_funds(encode_funds(funds)) == funds
    fields = decode(encode_funds(funds), "funds")
    assert isinstance(fields, dict)
    older = {name: one for name, one in fields.items() if not name.startswith("seen")}
    assert decode_funds(encode(older)) == replace(funds, seen_seq=0, seen_chain=BEGINNING)


async def test_an_agent_says_what_it_has_followed(make: Make) -> None:
    world = await make()
    market, entries = world.served.service.market, list(world.served.service.journal.entries())
    stated = market.purses.of_account(3)
    assert stated is not None
    assert stated.seen_seq > 0
    assert stated.seen_chain == entries[stated.seen_seq - 1].chain


async def test_an_agent_that_was_shown_another_journal_is_told_and_pays_nothing(
    make: Make, tmp_path: Path
) -> None:
    """The market shows home 3 an order that its own journal does not have, and then goes on."""
    world = await make()
    await world.orders()
    world.read(quarter(0), {1: (0, 0), 2: (0, 0), 3: (0, 0)})
    await world.everybody()
    service, copy = world.served.service, tmp_path / "copy of home 3"
    key, last = service._key, service.journal.last
    assert last is not None
    other = Journal(copy, key.public)
    other.append(list(service.journal.entries()))
    hidden = world.served.street.order(1, Side.SELL, 5)
    chain = chain_of(last.chain, last.seq + 1, last.time_ms, hidden)
    other.append([Entry(last.seq + 1, last.time_ms, hidden, chain, key.sign(chain))])
    other.close()
    world.read(quarter(1), {1: (0, 1_000), 2: (0, 500), 3: (900, 0)})
    follower = Follower(world.served.client, Journal(copy, key.public), None)
    world._stack.callback(follower.close)
    agent = world.agent(3, follower)
    world.lanes.deposit_ntok += 1  # so that there is something to state
    for one in world.served.street.readings[3][1:]:
        await world.served.client.submit(one.encoded)
    with pytest.raises(MarketRefused, match=f"account 3 has seen entry {last.seq + 1}") as caught:
        await agent.once()
    assert caught.value.reason_code == "SplitView"
    assert world.lanes.payments == []
