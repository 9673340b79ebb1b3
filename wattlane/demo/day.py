"""What the homes do from breakfast to the last withdrawal, in order; every step is a real message.

Deposits come in two instalments and transactions in bunches, so that batches are well filled.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from channels.books import Books, read_books
from channels.sequencer_client import SequencerClient
from contracts.reader import RollupReader
from protocol.transactions import Claim, Transaction
from protocol.units import L1_TIME_SLACK_S
from wattlane.demo.books import conservation
from wattlane.demo.homes import GaveUp, Home, deposit_for, patiently
from wattlane.demo.households import TradingHome
from wattlane.demo.l1 import DemoL1
from wattlane.demo.plan import Plan, top_up_needed, top_up_place
from wattlane.demo.processes import Children
from wattlane.demo.replay import TOP_UP_SHARE, Day, Event, replay
from wattlane.demo.site import Site
from wattlane.l1_record import read_record
from wattlane.progress import Bars
from wattlane.sequencer_view import SequencerView

POLL_S = 0.5
SETTLE_TIMEOUT_S = 600.0
BOOKS_TIMEOUT_S = 30.0
WITHDRAWING_HOMES = 2
TIME_MARGIN_S = 60


@dataclass(slots=True)
class Street:
    """All that takes part. `instalments`: what homes still have to deposit, in ntok.

    `households`: the homes with their meters and agents, while their processes run.
    """

    plan: Plan
    homes: Mapping[str, Home]
    site: Site
    l1: DemoL1
    reader: RollupReader
    view: SequencerView
    children: Children
    bars: Bars
    window_s: int
    fee_ntok: int
    queue_slots: int
    instalments: deque[tuple[Home, int]]
    households: dict[str, TradingHome] = field(default_factory=dict)
    withdrawn_ntok: dict[str, int] = field(default_factory=dict)

    def books(self) -> list[Books]:
        """Every node's books, from its files."""
        return [read_books(self.site.home(name)) for name in self.homes]

    def check_processes(self) -> None:
        """Raises ChildFailed if one has ended that should run."""
        self.children.check()


async def deposit_some(street: Street, count: int) -> None:
    """The next `count` instalments, and wait until the sequencer has seen them."""
    if not count or not street.instalments:
        return
    for _ in range(min(count, len(street.instalments))):
        home, amount_ntok = street.instalments.popleft()
        await asyncio.to_thread(deposit_for, home, amount_ntok)
    enqueued = await asyncio.to_thread(street.reader.enqueued)
    await _until(street, "deposits", lambda: street.view.standing().ops_seen >= enqueued)


async def open_channels(street: Street) -> None:
    """Each opener submits its OPENs, towards accounts that are final on L1."""
    for planned in street.plan.channels:
        opener, peer = street.homes[planned.opener], street.homes[planned.peer]
        opened = await patiently(
            f"{opener.name} opens a channel with {peer.name}",
            partial(
                opener.running.open_channel,
                peer.index,
                deposit_ntok=planned.first_deposit_ntok,
                window_s=street.window_s,
                wait=False,
            ),
        )
        opener.channels[peer.name] = peer.channels[opener.name] = opened[0]
    await deposit_some(street, street.queue_slots)


async def channels_ready(street: Street) -> None:
    """Wait until every channel is final and takes payments; then the market hears what they hold.

    No balance, no trade: before that, neighbours could not buy from each other.
    """
    for planned in street.plan.channels:
        for name, other in ((planned.opener, planned.peer), (planned.peer, planned.opener)):
            home = street.homes[name]
            ready = partial(home.running.ready, home.channel_with(other))
            await patiently(f"{name}'s channel with {other}", ready)
    await _state_funds(street)


async def topped_up(street: Street) -> None:
    """Wait until all deposits are final on both sides; then the market hears of them."""
    expected: dict[tuple[str, str], int] = {}
    for planned in street.plan.channels:
        if not planned.pair <= street.households.keys():
            continue
        expected[planned.opener, planned.peer] = planned.opener_need_ntok
        expected[planned.peer, planned.opener] = planned.peer_need_ntok
    names = {home.index: name for name, home in street.homes.items()}
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while not await _hold(street, names, expected):
        street.check_processes()
        if time.monotonic() > deadline:
            raise GaveUp("top-ups", f"nothing after {SETTLE_TIMEOUT_S:.0f} s; see the logs")
        await asyncio.sleep(POLL_S)
    await _state_funds(street)


async def _hold(
    street: Street, names: Mapping[int, str], expected: Mapping[tuple[str, str], int]
) -> bool:
    for name in street.households:
        for channel in await street.homes[name].running.channels():
            way = name, names[int(channel["peer_index"])]
            own, peers = int(channel["deposit_own_ntok"]), int(channel["deposit_peer_ntok"])
            if way in expected and (own, peers) != (expected[way], expected[way[::-1]]):
                return False
    return True


async def _state_funds(street: Street) -> None:
    await asyncio.gather(*(one.state_funds() for one in street.households.values()))


async def top_up(street: Street) -> None:
    """The rest of each opener's need, and all that its peer needs."""
    await deposit_some(street, len(street.instalments))
    for planned in street.plan.channels:
        rest_ntok = planned.opener_need_ntok - planned.first_deposit_ntok
        for payer, payee, amount_ntok in (
            (planned.opener, planned.peer, rest_ntok),
            (planned.peer, planned.opener, planned.peer_need_ntok),
        ):
            if not amount_ntok or payer not in street.households:
                continue
            home, channel_id = street.homes[payer], street.homes[payer].channel_with(payee)
            await patiently(
                f"{payer} tops up its channel with {payee}",
                partial(home.running.top_up, channel_id, amount_ntok, wait=False),
            )


async def disappear(street: Street, name: str) -> None:
    """SIGKILL to a home's process; each neighbour starts to close without it.

    Nodes claim what they are owed; what a neighbour itself owes the home that is gone is handed in
    for it, as anyone may: a fair street takes no advantage of a dead process.
    """
    home = street.homes[name]
    assert home.child is not None
    street.children.kill(home.child)
    home.node = None
    await street.households.pop(name).close()
    street.bars.console.print(
        f"  [red]✗[/] {name}: its process was killed, its meter is silent; neighbours force closes"
    )
    for planned in street.plan.channels:
        if name in planned.pair:
            (other,) = planned.pair - {name}
            neighbour = street.homes[other]
            await neighbour.running.force_close(neighbour.channel_with(name), wait=False)
            await _claim_for(street, neighbour, neighbour.channel_with(name))


async def _claim_for(street: Street, neighbour: Home, channel_id: int) -> None:
    """Submit the voucher that the neighbour itself signed in a channel, from its own books."""
    books = await asyncio.to_thread(read_books, street.site.home(neighbour.name))
    for one in books.channels:
        signed = one.state.signed
        if one.state.channel_id == channel_id and signed is not None:
            body = Claim(signed.channel_id, signed.lane, signed.lane_value)
            async with SequencerClient(street.view.url) as sequencer:
                await sequencer.submit(Transaction(body, (signed.signature,)))


async def run_day(street: Street) -> Day:
    """The replay, with openings, top-ups and the disappearance at their moments."""
    plan, events = street.plan, defaultdict[int, list[Event]](list)
    first_trade = next(
        place for place in range(len(plan.timeline.intervals)) if plan.rehearsal.interval_wh(place)
    )
    events[first_trade].append(partial(channels_ready, street))
    needed = top_up_needed(plan)
    if needed < len(plan.timeline.intervals):
        events[max(top_up_place(plan, TOP_UP_SHARE), first_trade)].append(partial(top_up, street))
        events[max(needed, first_trade)].append(partial(topped_up, street))
    if plan.gone is not None:
        events[plan.gone.place].append(partial(disappear, street, plan.gone.home))

    def all_of(actions: list[Event]) -> Event:
        async def act() -> None:
            for action in actions:
                await action()

        return act

    with street.bars.stage("replaying the day", len(plan.timeline.times_ms)) as shown:
        at = {place: all_of(actions) for place, actions in events.items()}
        return await replay(plan, street.households, shown, at)


async def books_balance(street: Street) -> bool:
    """Whether the books add up while channels are open; files may be a moment behind L1."""
    deadline = time.monotonic() + BOOKS_TIMEOUT_S
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(
            lambda: conservation(read_record(street.reader), street.reader, street.books())
        )
        if found.equal and found.channels:
            return True
        await asyncio.sleep(POLL_S)
    return False


async def close_together(street: Street) -> None:
    """The opener of each remaining channel closes it with its peer."""
    for planned in street.plan.channels:
        if street.plan.vanishing in planned.pair:
            continue
        opener = street.homes[planned.opener]
        close = partial(opener.running.close, opener.channel_with(planned.peer), wait=False)
        await patiently(f"{planned.opener} and {planned.peer} close", close)
    forced = sum(1 for one in street.plan.channels if street.plan.vanishing in one.pair)
    await _until(street, "closes", lambda: _soft_channels(street) <= forced)


async def let_the_window_pass(street: Street) -> None:
    """All that is under way becomes final; then L1's clock moves past the challenge window."""
    await until_final(street)
    await asyncio.to_thread(street.l1.advance, street.window_s + L1_TIME_SLACK_S + TIME_MARGIN_S)
    await _until(street, "finalizations", lambda: _soft_channels(street) == 0)
    await _nodes_have_seen(street, (await asyncio.to_thread(street.reader.latest_block)).timestamp)


async def withdraw(street: Street) -> None:
    """Two homes withdraw all they have in the rollup, to their L1 accounts."""
    left = [home for home in street.homes.values() if home.node is not None]
    have = {home.name: int((await home.running.balance())["soft_ntok"]) for home in left}
    for home in sorted(left, key=lambda one: -have[one.name])[:WITHDRAWING_HOMES]:
        amount_ntok = have[home.name] - street.fee_ntok
        if amount_ntok > 0:
            await home.running.withdraw(amount_ntok, wait=False)
            before = street.withdrawn_ntok.get(home.name, 0)
            street.withdrawn_ntok[home.name] = before + amount_ntok


async def collect(street: Street) -> None:
    """Take the tokens out of the contract. Raises GaveUp where fewer arrive than were withdrawn."""
    await until_final(street)
    settings = street.reader.settings()
    for name, amount_ntok in street.withdrawn_ntok.items():
        home = street.homes[name]
        await home.running.collect()
        address = home.wallet.l1_address
        held = settings.ntok(await asyncio.to_thread(street.reader.token().balance_of, address))
        if held != amount_ntok:
            raise GaveUp(f"{name}'s tokens on L1", f"{held} ntok arrived of {amount_ntok}")
    await _until(street, "the ends of channels in the nodes' files", lambda: _all_gone(street))


async def until_final(street: Street) -> None:
    """Wait until all that the sequencer took, and all of L1's queue, is final."""
    enqueued = await asyncio.to_thread(street.reader.enqueued)

    def settled() -> bool:
        standing = street.view.standing()
        return standing.idle and standing.ops_final >= enqueued

    await _until(street, "finality", settled)


def _all_gone(street: Street) -> bool:
    """Whether every node that runs has on disk that its channels have ended."""
    running = [name for name, home in street.homes.items() if home.node is not None]
    books = [read_books(street.site.home(name)) for name in running]
    return all(one.state.is_gone for book in books for one in book.channels)


def _soft_channels(street: Street) -> int:
    """How many of the street's channels the sequencer's soft state still has."""
    slots: set[str] = set()
    for home in street.homes.values():
        found = street.view.get(f"/v1/channels?account={home.index}")
        slots |= {str(one["slot"]) for one in found} if isinstance(found, list) else set()
    return len(slots)


async def _nodes_have_seen(street: Street, timestamp: int) -> None:
    """Until every node that runs knows of an L1 block of this time: it signs for a time after."""
    running = [home.node for home in street.homes.values() if home.node is not None]
    while True:
        seen = [int((await node.info())["final_time"]) for node in running]
        if min(seen) >= timestamp:
            return
        await asyncio.sleep(POLL_S)


async def _until(street: Street, what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while not await asyncio.to_thread(condition):
        street.check_processes()
        if time.monotonic() > deadline:
            raise GaveUp(what, f"nothing after {SETTLE_TIMEOUT_S:.0f} s; see the logs")
        await asyncio.sleep(POLL_S)
