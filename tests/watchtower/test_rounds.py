"""A tower sees every close, wherever it shows first, and claims in time and no more than that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from channels.errors import L1Unreachable
from channels.forced import WantClaim
from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI, ForcedDesk
from channels.handover import Handover, Kind, LaneName, clear, sealed
from protocol.channels import Lane, Status, lane_paid_ntok
from protocol.queue import ForcedStartClose
from protocol.state import State
from tests.channels.street import BEN, DOMAIN, LEAF, NOW, WINDOW_S, leaf, voucher
from tests.watchtower.street import CLOSING, DEADLINE, QUARTER, SLOT, World, state_with
from watchtower.rounds import TowerRounds
from watchtower.store import Client, TowerStore

PAID = voucher(700 << 40)
KEY = bytes(range(32))
CLAIMED = replace(CLOSING, lane_ab=PAID.lane_value)


class Tower:
    """A tower over a world, restarted as often as the test likes."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.now = world, folder, 0.0
        self.start()
        self.client: Client = self.store.client_of(self.store.add_client("ben"))

    def start(self, least_gain_ntok: int = 0) -> None:
        self.store = TowerStore(self.folder)
        self.rounds = TowerRounds(
            self.world,
            self.world,
            self.world,
            self.store,
            ForcedDesk(self.world, self.store, DEFAULT_MAX_QUEUE_FEE_WEI),
            DOMAIN,
            least_gain_ntok,
            lambda: self.now,
        )

    def restart(self, least_gain_ntok: int = 0) -> None:
        self.store.close()
        self.start(least_gain_ntok)

    def keep(self, *given: Handover) -> None:
        self.store.keep(self.client, given)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def tower(world: World, tmp_path: Path) -> Iterator[Tower]:
    made = Tower(world, tmp_path)
    made.keep(clear(PAID))
    yield made
    made.store.close()


async def test_nothing_happens_while_nothing_closes(tower: Tower, world: World) -> None:
    world.time = QUARTER + 10**6
    await tower.rounds.once()
    assert (world.claims, world.forced, tower.rounds.problem) == ([], [], None)


async def test_a_close_on_the_sequencers_feed_is_answered_at_once(
    tower: Tower, world: World
) -> None:
    world.soft_closing = [CLOSING]
    await tower.rounds.once()
    assert [one.lane_value for one in world.claims] == [PAID.lane_value]
    assert world.forced == []
    await tower.rounds.once()
    assert len(world.claims) == 1, "not again at once"
    tower.now += 11
    await tower.rounds.once()
    assert len(world.claims) == 2, "but while the soft state does not show it"
    world.soft_closing = [CLAIMED]
    tower.now += 11
    await tower.rounds.once()
    assert len(world.claims) == 2


async def test_a_close_that_the_sequencer_hides_is_seen_on_l1(tower: Tower, world: World) -> None:
    world.to_final(CLOSING)
    await tower.rounds.once()
    assert len(world.claims) == 1


async def test_a_forced_close_in_the_queue_is_answered_before_it_begins(
    tower: Tower, world: World
) -> None:
    world.ops = [ForcedStartClose(1, NOW, SLOT, LEAF.epoch, Lane.AB, 5)]
    await tower.rounds.once()
    assert len(world.claims) == 1
    world.ops = [ForcedStartClose(1, NOW, SLOT, LEAF.epoch + 1, Lane.AB, 5)]
    tower.restart()
    await tower.rounds.once()
    assert len(world.claims) == 1, "another epoch is another channel"


async def test_a_claim_that_is_censored_is_forced_before_half_of_the_window_is_over(
    tower: Tower, world: World
) -> None:
    world.to_final(CLOSING)
    world.time = QUARTER - 1
    await tower.rounds.once()
    assert world.forced == []
    world.time = QUARTER
    await tower.rounds.once()
    assert world.forced == [WantClaim(SLOT, PAID)]
    assert world.time < DEADLINE - WINDOW_S // 2
    tower.restart()
    for _ in range(3):
        await tower.rounds.once()
    assert len(world.forced) == 1


async def test_a_soft_claim_does_not_keep_it_from_l1(tower: Tower, world: World) -> None:
    world.to_final(CLOSING)
    world.soft_closing, world.time = [CLAIMED], QUARTER
    await tower.rounds.once()
    assert len(world.forced) == 1


async def test_a_sequencer_that_is_gone_does_not_keep_it_from_l1(
    tower: Tower, world: World
) -> None:
    world.to_final(CLOSING)
    world.is_down, world.time = True, QUARTER
    await tower.rounds.once()
    assert len(world.forced) == 1
    assert "SequencerUnreachable" in (tower.rounds.problem or "")


async def test_a_batch_that_cannot_be_read_does_not_keep_it_from_l1(
    tower: Tower, world: World
) -> None:
    """Its blob is withheld, so that nobody sees what became of the close."""

    async def unreadable() -> State:
        raise L1Unreachable("http://l1", "the blob cannot be had")

    world.to_final(CLOSING)
    await tower.rounds.once()
    world.to_final(CLOSING, leaf())
    world.replayed = unreadable  # type: ignore[method-assign]
    world.is_down, world.time = True, QUARTER
    await tower.rounds.once()
    assert world.forced == [WantClaim(SLOT, PAID)]
    assert "the blob cannot be had" in (tower.rounds.problem or "")


async def test_a_forced_close_is_seen_in_the_queue_whatever_else_cannot_be_read(
    tower: Tower, world: World
) -> None:
    async def unreadable() -> State:
        raise L1Unreachable("http://l1", "the blob cannot be had")

    await tower.rounds.once()
    world.to_final(CLOSING)
    world.processed, world.replayed = 1, unreadable  # type: ignore[method-assign]
    world.ops = [ForcedStartClose(1, NOW, SLOT, LEAF.epoch, Lane.AB, 5)]
    await tower.rounds.once()
    assert [one.lane_value for one in world.claims] == [PAID.lane_value]


async def test_a_lane_that_stands_high_enough_is_left_alone(tower: Tower, world: World) -> None:
    world.to_final(CLAIMED)
    world.soft_closing, world.time = [CLAIMED], QUARTER
    await tower.rounds.once()
    assert (world.claims, world.forced) == ([], [])


async def test_what_is_worth_less_than_a_fee_is_not_forced(tower: Tower, world: World) -> None:
    world.to_final(CLOSING)
    world.time = QUARTER
    tower.restart(least_gain_ntok=lane_paid_ntok(PAID.lane_value) + 1)
    await tower.rounds.once()
    assert (len(world.claims), world.forced) == (1, [])
    tower.restart(least_gain_ntok=lane_paid_ntok(PAID.lane_value))
    await tower.rounds.once()
    assert len(world.forced) == 1


async def test_of_several_clients_records_the_highest_is_claimed(
    tower: Tower, world: World
) -> None:
    eve = tower.store.client_of(tower.store.add_client("eve"))
    tower.store.keep(eve, [clear(voucher(600 << 40))])
    world.to_final(CLOSING)
    await tower.rounds.once()
    assert [one.lane_value for one in world.claims] == [PAID.lane_value]


async def test_a_channel_that_ended_is_forgotten(tower: Tower, world: World) -> None:
    world.to_final(CLOSING)
    world.time = QUARTER
    await tower.rounds.once()
    world.to_final(leaf(epoch=LEAF.epoch + 1))
    await tower.rounds.once()
    assert tower.store.count() == 0
    assert tower.store.load_forced() == []


# --- sealed records -----------------------------------------------------------------------------

SEALED = sealed(PAID, KEY, 5)


async def test_a_sealed_record_is_claimed_once_its_keeper_gives_the_key(
    tower: Tower, world: World
) -> None:
    tower.store.forget([LEAF.id])
    tower.keep(SEALED)
    world.to_final(CLOSING)
    world.time = QUARTER
    await tower.rounds.once()
    assert (world.claims, world.forced) == ([], [])
    world.key_by_lane[SEALED.name] = [bytes(32), KEY]  # another home's first
    await tower.rounds.once()
    assert [one.lane_value for one in world.claims] == [PAID.lane_value]
    assert world.forced == [WantClaim(SLOT, PAID)]


async def test_a_sealed_record_of_nonsense_costs_no_claim(tower: Tower, world: World) -> None:
    tower.store.forget([LEAF.id])
    tower.keep(sealed(voucher(800 << 40, by=BEN), KEY, 5))
    world.key_by_lane[LaneName(LEAF.id, Lane.AB)] = [KEY]
    world.to_final(CLOSING)
    world.time = QUARTER
    await tower.rounds.once()
    assert (world.claims, world.forced, tower.rounds.problem) == ([], [], None)


async def test_l1_that_goes_on_between_two_answers_is_waited_for(
    tower: Tower, world: World
) -> None:
    async def newer() -> object:
        return state_with(CLOSING)

    world.replayed = newer  # type: ignore[method-assign,assignment]
    await tower.rounds.once()
    assert tower.rounds.view is None
    assert clear(PAID).kind == Kind.CLEAR
    assert CLOSING.status is Status.CLOSING
