"""A rollup with something of everything on its pages: batches at every level, homes, channels."""

from __future__ import annotations

import time
from pathlib import Path

from protocol.channels import Channel, Lane, channel_id, pack_lane
from protocol.flows import FlowLine, FlowReport
from protocol.queue import NewAccount
from protocol.transactions import Close, Open, StartClose, TopUp, Transfer, Withdraw
from protocol.units import DAY_S
from sequencer.flows import FlowBoard
from tests.protocol.street import Home, home
from tests.sequencer.world import FEE_NTOK, World

TOKEN = 10**9
HOMES = tuple(home(index) for index in range(6))
FINAL, PROVED, SOFT, OPEN = 4, 5, 6, 7
"""Batch numbers by how far they have come."""

PAIRS = ((0, 1), (0, 3), (1, 4), (3, 5), (4, 5))


class Street:
    """Six homes (home 2 is the operator's) with channels; one has closed, one is closing."""

    def __init__(self, path: Path) -> None:
        self.world = world = World(path, proofs_per_batch=2)
        self._nonces = dict.fromkeys(range(len(HOMES)), 0)
        self._epochs: dict[tuple[int, int], int] = {}
        world.clock_s = time.time()
        world.l1_time = int(world.clock_s) - 600
        for first in (0, 3):
            self._join(*HOMES[first : first + 3])
            world.to_final(world.sealed())
        for a, b in PAIRS:
            self._open(a, b)
        world.to_final(world.sealed())
        self.transfer_id = self.send(250_000_000)
        self.close_id = self._close(0, 1)
        world.to_final(world.sealed())
        added = TopUp(self.channel(0, 3), Lane.AB, self._next(0), 3 * TOKEN, FEE_NTOK, world.later)
        self.top_up_id = world.submit(added, HOMES[0])
        world.proved()
        start = StartClose(self.channel(1, 4), Lane.AB, self._next(1), world.later)
        self.start_close_id = world.submit(start, HOMES[1])
        world.deposit(4, 12 * TOKEN)
        world.sealed()
        out = Withdraw(3, self._next(3), 1_500_000_000, FEE_NTOK, world.later)
        self.withdraw_id = world.submit(out, HOMES[3])

    def channel(self, a: int, b: int) -> int:
        """The id of the channel that `a` opened with `b`."""
        return channel_id(a, b, self._epochs[a, b])

    def channels(self) -> dict[int, Channel]:
        """Those of the soft state, by id."""
        with self.world.ledger.lock:
            found = self.world.ledger.book.soft.state.channels
        return {one.id: one for one in found.values()}

    def send(self, amount_ntok: int) -> str:
        """Home 5 sends a little to home 1; the transaction's id."""
        later = self.world.later
        body = Transfer(5, 1, self._next(5), amount_ntok, FEE_NTOK, later)
        return self.world.submit(body, HOMES[5])

    def report(self, board: FlowBoard, payer: int, other: int, bought_wh: int) -> None:
        """As if `payer`'s node had reported that it bought so much of its neighbour."""
        a, b = (payer, other) if (payer, other) in self._epochs else (other, payer)
        line = FlowLine(self.channel(a, b), bought_wh)
        board.take(FlowReport(payer, int(time.time()), (line,)), self.channels())

    def _join(self, *homes: Home) -> None:
        self.world.enqueue(
            *(
                NewAccount(
                    0, 0, one.index, one.key_hash, one.l1_address, 120 * TOKEN, one.l1_address
                )
                for one in homes
            )
        )

    def _next(self, index: int) -> int:
        self._nonces[index] += 1
        return self._nonces[index] - 1

    def _open(self, a: int, b: int) -> str:
        self._epochs[a, b] = nonce = self._next(a)
        body = Open(a, b, nonce, (20 + a) * TOKEN, FEE_NTOK, DAY_S, self.world.later)
        return self.world.submit(body, HOMES[a])

    def _close(self, a: int, b: int) -> str:
        lanes = pack_lane(4_200, 840_000_000), pack_lane(12_750, 2_550_000_000)
        body = Close(self.channel(a, b), *lanes, (20 + a) * TOKEN, 0, self.world.later)
        return self.world.submit(body, HOMES[a], HOMES[b])
