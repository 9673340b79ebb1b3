"""A watchtower over many channels: disk, memory, and the time of a round.

python -m benches.watchtower [--channels 10000]

All channels are in one replayed state, with its Merkle tree; every lane has its voucher in the
tower's store, and 20 channels close at once, each of them censored.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import structlog

from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI, ForcedDesk
from channels.handover import clear
from protocol.crypto import compiled
from protocol.state import State
from tests.channels.street import DOMAIN, LEAF, voucher
from tests.watchtower.street import CLOSING, QUARTER, World, state_with
from watchtower.rounds import TowerRounds
from watchtower.store import TowerStore

CLOSE_AT_ONCE = 20
A_REQUEST = 64


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found."""

    lanes: int
    kept_s: float
    bytes_a_lane: float
    memory_bytes: int
    busy_round_s: float
    quiet_round_s: float
    claimed: int
    forced: int

    def __str__(self) -> str:
        return (
            f"{self.lanes} lanes: kept in {self.kept_s:.1f} s ({A_REQUEST} a request), "
            f"{self.bytes_a_lane:.0f} bytes of file a lane, {self.memory_bytes >> 20} MiB of "
            f"memory more than before; a round with {CLOSE_AT_ONCE} closes takes "
            f"{self.busy_round_s:.2f} s, a quiet one {self.quiet_round_s:.2f} s"
        )


def _memory_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


async def measure(folder: Path, count: int, state: State | None = None) -> Measured:
    """Keep a voucher for each of `count` channels, and run two rounds.

    `state`: one with these channels, the first 20 closing; None makes it, which counts as memory.
    """
    before = _memory_bytes()
    store = TowerStore(folder)
    client = store.client_of(store.add_client("street", most_lanes=count))
    paid, ids = voucher(700 << 40), [replace(LEAF, epoch=number).id for number in range(count)]
    began = time.perf_counter()
    for start in range(0, count, A_REQUEST):
        given = [clear(replace(paid, channel_id=one)) for one in ids[start : start + A_REQUEST]]
        store.keep(client, given)
    kept_s = time.perf_counter() - began
    if state is None:
        leaves = [replace(LEAF, epoch=number) for number in range(count)]
        leaves[:CLOSE_AT_ONCE] = [replace(CLOSING, epoch=n) for n in range(CLOSE_AT_ONCE)]
        state = state_with(*leaves)
    world = World(state, time=QUARTER)
    desk = ForcedDesk(world, store, DEFAULT_MAX_QUEUE_FEE_WEI)
    rounds = TowerRounds(world, world, world, store, desk, DOMAIN)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        await rounds.once()
        took.append(time.perf_counter() - began)
    if rounds.problem is not None:
        raise SystemExit(f"the round failed: {rounds.problem}")
    store.close()  # and with it the write-ahead log
    return Measured(
        lanes=count,
        kept_s=kept_s,
        bytes_a_lane=store.path.stat().st_size / count,
        memory_bytes=_memory_bytes() - before,
        busy_round_s=took[0],
        quiet_round_s=took[1],
        claimed=len(world.claims),
        forced=len({one.channel_id for one in world.forced}),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=10_000)
    given = parser.parse_args()
    compiled.install()
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(measure(Path(name), given.channels)))


if __name__ == "__main__":
    main()
